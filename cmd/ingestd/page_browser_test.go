package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/dashboard/browsertest"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// listens has the daemon of the room serve its page, with a configuration of its own, and
// returns the address.
func (r *room) listens(more string) string {
	r.t.Helper()
	r.ownConfig()
	addr := freeAddress(r.t)
	r.edit(`listen: ""`, "listen: "+addr+"\n"+more)
	return addr
}

// pageRoom is a room whose daemon serves its page, at the address, and a browser.
func pageRoom(t *testing.T, s *stand) (*room, *browsertest.Browser, string) {
	t.Helper()
	b := browsertest.Open(t)
	r := newRoom(t, s)
	return r, b, r.listens("asset_url: https://dam.example/asset/{object_id}")
}

// TestPageInBrowser looks at the page while a file arrives, its bar moves, and it is done;
// and while others fail and are held, are tried again by their buttons, or cancelled.
func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	if err := s.Queue(sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultStatus, Status: 400, Body: `{"message": "not today"}`, About: "bad.jpg"}); err != nil {
		t.Fatal(err)
	}
	r, b, addr := pageRoom(t, s)
	r.edit("upload: {", "upload: {bandwidth: 4MiB, ")
	daemon := r.start("run")
	eventually(t, "the page is there", func() bool { return healthy(t, addr) })
	b.Go("http://" + addr + "/")
	b.Until(`document.getElementById("live").textContent.startsWith("Live")`)

	// A file arrives, and its bar moves.
	if err := os.MkdirAll(filepath.Join(r.drop, "acme"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.drop, "acme", "film.mov"), make([]byte, 24<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	const bar = `(document.querySelector("progress") || {})`
	b.Until(bar + `.value > 0`)
	var first float64
	b.Eval(bar+`.value`, &first)
	b.Until(fmt.Sprintf(bar+`.value > %f || document.querySelector("main").innerText.includes("Everything is in")`, first))
	b.Until(`document.body.innerText.includes("Everything is in")`)

	// One fails, and is tried again.
	r.write("acme/bad.jpg", "bad")
	b.Until(`document.body.innerText.includes("not today")`)
	b.Axe("a failure")
	b.Click(".trouble button")
	b.Until(`document.querySelector("#answers").innerText.includes("Sent round again")`)
	b.Until(`document.body.innerText.includes("Everything is in")`)
	if got := s.named("bad.jpg"); len(got) != 1 || content(t, got[0]) != "bad" {
		t.Errorf("bad.jpg is %d assets", len(got))
	}

	// Several are held for one reason, and given up together.
	for i := range 5 {
		r.write(fmt.Sprintf("nobody/%d.jpg", i), fmt.Sprint("held ", i))
	}
	b.Until(`[...document.querySelectorAll("h4")].some(h => h.innerText.startsWith("5 files"))`)
	b.Click(".trouble > .act button.minor")
	b.Until(`document.querySelector("#answers").innerText.includes("5 cancelled")`)
	b.Until(`document.body.innerText.includes("Everything is in")`)
	if got := r.books(); got.Cancelled != 5 || got.Held != 0 || got.Filed != 2 {
		t.Errorf("the books are %+v", got)
	}

	// A file is found by its name, with a link to its asset.
	b.Eval(`document.querySelector("#q").value = "FILM"; document.querySelector("[role=search]").requestSubmit()`, nil)
	b.Until(`document.querySelector("#files a[rel]")`)
	var link string
	b.Eval(`document.querySelector("#files a[rel]").href`, &link)
	if want := "https://dam.example/asset/" + s.named("film.mov")[0].ObjectID; link != want {
		t.Errorf("the asset is linked as %s, want %s", link, want)
	}
	b.Click("#files .name")
	b.Until(`document.querySelector(".events")`)
	if text := b.Text(".events"); !strings.Contains(text, "The file was found finished, 24 MiB") || !strings.Contains(text, "It is in") {
		t.Errorf("the history is: %s", text)
	}
	b.Clean()
	daemon.terminate()
	s.complain(t)
}

// TestPageWaitsForTenovos presses a button while Tenovos is waited for since the start of
// the daemon: the page says that everything waits, and the answer that it is done then.
func TestPageWaitsForTenovos(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r, b, addr := pageRoom(t, s)
	r.write("nobody/a.jpg", "a")
	daemon := r.start("run")
	daemon.says("running")
	eventually(t, "the file is held", func() bool { return r.books().Held == 1 })
	daemon.terminate()
	r.edit("${TENOVOS_URL}", "http://"+reserve(t).addr+"/v1")
	daemon = r.start("run")
	daemon.says("waiting for it before anything else")
	b.Go("http://" + addr + "/")
	b.Until(`document.body.innerText.includes("Everything waits: Tenovos is waited for")`)
	b.Click(".trouble button")
	b.Until(`document.querySelector("#answers").innerText.includes("Sent round again: it goes on when Tenovos answers")`)
	b.Clean()
	daemon.terminate()
}
