package dashboard

import (
	"bytes"
	"errors"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/tenovos-ingest/ingestd/internal/dashboard/browsertest"
	"github.com/tenovos-ingest/ingestd/journal"
)

var update = flag.Bool("update", false, "take the screenshots in docs/page anew")

// TestStates looks at the page in each of its states in a browser: it complains of nothing,
// and axe finds nothing that keeps anybody from using it.
func TestStates(t *testing.T) {
	b := browsertest.Open(t)
	for _, state := range []struct {
		name          string
		fill          func(testing.TB) *rig
		path          string
		width, height int64
		dark          bool
		until         string
		keep          bool // a screenshot
		moves         bool // bytes are sent while it is looked at
	}{
		{name: "empty", fill: empty, width: 1000, height: 620, keep: true},
		{name: "busy", fill: busy, width: 1000, height: 1600, keep: true, moves: true},
		{name: "failures", fill: failures, width: 1000, height: 1900, keep: true},
		{name: "dark", fill: failures, width: 1000, height: 1900, dark: true, keep: true},
		{name: "phone", fill: failures, width: 360, height: 1600, keep: true},
		{name: "phone-dark", fill: busy, width: 360, height: 800, dark: true},
		{name: "search", fill: failures, path: "/files?q=img_0007", width: 1000, height: 900, until: `document.querySelector(".end")`},
		{name: "history", fill: failures, path: "/file?id=21", width: 360, height: 900},
		{name: "nothing-found", fill: empty, path: "/files?q=x", width: 360, height: 600, dark: true},
	} {
		r := state.fill(t)
		b.Look(state.width, state.height, state.dark)
		path := state.path
		if path == "" {
			path, state.until = "/", `document.getElementById("live").textContent.startsWith("Live")`
		}
		b.Go(r.url + path)
		if state.until != "" {
			b.Until(state.until)
		}
		if state.moves {
			way := r.activeNow()
			way[0].Sent += 31 << 20
			r.work(way...)
			b.Until(`document.querySelector(".numbers").textContent.includes("/s")`)
		}
		b.Axe(state.name)
		b.Eval(`document.querySelectorAll("details").forEach(d => d.open = true)`, nil)
		b.Axe(state.name + ", opened")
		b.Eval(`document.querySelectorAll("details").forEach(d => d.open = false)`, nil)
		var wide bool
		if b.Eval(`document.documentElement.scrollWidth > document.documentElement.clientWidth`, &wide); wide {
			t.Errorf("%s: the page is wider than its window", state.name)
		}
		if *update && state.keep {
			shoot(t, b, state.name)
		}
		b.Clean()
		b.Go("about:blank")
	}
}

// shoot keeps a screenshot.
func shoot(t *testing.T, b *browsertest.Browser, name string) {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b.Screenshot()))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, fewColours(img)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "docs", "page")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), small.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// opened is a page in a browser that follows what happens.
func opened(t *testing.T, r *rig) *browsertest.Browser {
	t.Helper()
	b := browsertest.Open(t)
	b.Look(1000, 900, false)
	b.Go(r.url + "/")
	b.Until(`document.getElementById("live").textContent.startsWith("Live")`)
	return b
}

// TestKeyboard goes through the page with the Tab key: whatever can be used is reached, in
// its order and visibly, and buttons work with Enter and Space. What had the focus goes
// when it is done, and the focus stays near by.
func TestKeyboard(t *testing.T) {
	r := failures(t)
	b := opened(t, r)
	const usable = `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), summary")].filter(e => e.checkVisibility())`
	var want int
	b.Eval(usable+`.length`, &want)
	b.Eval(`document.body.focus(); window.visited = []; true`, nil)
	for range want {
		b.Key(kb.Tab)
		b.Eval(`{
			const e = document.activeElement, style = getComputedStyle(e);
			if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) throw new Error("the focus is not seen on " + e.outerHTML);
			if (e.getBoundingClientRect().width < 1) throw new Error("the focus is on something that is not seen: " + e.outerHTML);
			window.visited.push(e); true
		}`, nil)
	}
	var missed []string
	b.Eval(usable+`.filter((e, i) => window.visited[i] !== e).map(e => e.outerHTML)`, &missed)
	for _, html := range missed {
		t.Errorf("Tab does not reach in its order %.200s", html)
	}
	var first string
	if b.Eval(`window.visited[0].textContent`, &first); first != "Skip to the content" {
		t.Errorf("the first stop is %q", first)
	}

	// The skip link leads past the header.
	b.Eval(`window.visited[0].focus()`, nil)
	b.Key(kb.Enter)
	b.Key(kb.Tab)
	var inMain bool
	if b.Eval(`document.querySelector("main").contains(document.activeElement)`, &inMain); !inMain {
		t.Error("the skip link leads nowhere")
	}

	// Buttons, with Enter and Space.
	r.answer = func(a Action) ([]Outcome, error) { return []Outcome{{ID: a.ID, Result: "requeued", Good: true}}, nil }
	failed := `[...document.querySelectorAll(".trouble")].find(t => t.querySelector("h4").textContent.includes("upload.max_file_size"))`
	b.Eval(failed+`.querySelector("li button").focus()`, nil)
	b.Key(kb.Enter)
	b.Until(failed + `.querySelector("li .answer").textContent === "Sent round again."`)
	b.Eval(failed+`.querySelector("li button.minor").focus()`, nil)
	b.Key(" ")
	b.Until(`document.querySelector("#answers").textContent.includes("Cancel")`)
	got := r.actions()
	if len(got) != 2 || got[0].Kind != "retry" || got[1].Kind != "cancel" || got[0].ID == 0 || got[0].ID != got[1].ID {
		t.Fatalf("the buttons asked for %+v", got)
	}
	r.move(got[0].ID, journal.Failed, journal.Settled, journal.Reason{}) // as it was asked for
	b.Until(`!document.querySelector('[data-key="f` + strconv.FormatInt(got[0].ID, 10) + `"]')`)
	var near string
	if b.Eval(`document.activeElement.tagName + " " + document.activeElement.textContent`, &near); near != "H2 campaigns" {
		t.Errorf("the focus is on %q", near)
	}
	b.Clean()
}

// TestListsGrow has the rest of a group come into its place, and stay there while the page
// goes on.
func TestListsGrow(t *testing.T) {
	r := failures(t)
	b := opened(t, r)
	group := `[...document.querySelectorAll(".trouble")].find(t => t.querySelector("h4").textContent.startsWith("1,000 files"))`
	count := group + `.querySelectorAll("li").length`
	b.Eval(group+`.querySelector("a.more").click()`, nil)
	b.Until(count + ` === 100`)
	b.Axe("a list that grew")
	r.admit("campaigns", 1, "another.jpg")
	b.Until(`document.body.innerText.includes("1,027 seen")`)
	b.Eval(group+`.querySelector("a.more").click()`, nil)
	b.Until(count + ` === 200`)
	var twice int
	b.Eval(`(() => { const keys = [...`+group+`.querySelectorAll("li")].map(l => l.dataset.key); return keys.length - new Set(keys).size })()`, &twice)
	if twice != 0 {
		t.Errorf("%d files are listed twice", twice)
	}
	b.Eval(group+`.querySelector(":scope > .act button").click()`, nil)
	b.Until(`document.querySelector("#answers").innerText.includes("Retry all 1,000")`)
	if got := r.actions(); len(got) != 1 || got[0].Class != "metadata" || got[0].Folder != "campaigns" || got[0].Status != "held" || got[0].Form == "" {
		t.Errorf("the button asked for %+v", got)
	}
	b.Clean()
}

// TestAnswers presses a button whose request fails, one that the server refuses, and one
// while the server is gone: each time there is a sentence beside it.
func TestAnswers(t *testing.T) {
	r := failures(t)
	b := opened(t, r)
	r.answer = func(Action) ([]Outcome, error) { return nil, errors.New("the daemon stopped before it answered") }
	const button = `document.querySelector(".trouble li button")`
	answer := func() (text string) {
		b.Until(`!` + button + `.form.dataset.busy`)
		b.Eval(button+`.form.querySelector(".answer").textContent`, &text)
		return text
	}
	b.Click(".trouble li button")
	b.Until(button + `.form.querySelector(".answer").textContent.includes("stopped before it answered")`)
	b.Eval(button+`.form.querySelector("[name=id]").value = "x"`, nil)
	b.Click(".trouble li button")
	if got := answer(); got != `"x" is no id of a file` {
		t.Errorf("the answer is %q", got)
	}
	b.Problems() // the browser notes the refusal
	r.gone()
	b.Until(`document.getElementById("live").textContent.startsWith("Not connected since")`)
	b.Click(".trouble li button")
	if got := answer(); got != "The daemon did not answer. Try again when the page is live." {
		t.Errorf("the answer is %q", got)
	}
}

// TestUpdatesLeakNothing has a page follow thousands of changes, as it does in hours, and
// weighs it before and after, and the server, too.
func TestUpdatesLeakNothing(t *testing.T) {
	r := failures(t)
	r.page.viewers.every = time.Millisecond
	b := opened(t, r)
	way := r.activeNow()
	held := r.admit("campaigns", 1, "comes and goes.jpg")[0]
	done := 0
	updates := func(n int) {
		for range n {
			done++
			way[0].Sent, way[1].Sent = int64(done), int64(2*done)
			r.work(way...)
			if done%20 == 0 {
				r.move(held, journal.Settled, journal.Held, journal.Reason{Class: "x", Message: "it waits"})
				r.move(held, journal.Held, journal.Settled, journal.Reason{})
				r.folder(journal.FolderState{Name: "archive", Path: "/mnt/archive", Settling: done})
			}
			if done%10 == 0 {
				b.Until(`document.querySelector("progress").value >= ` + strconv.Itoa(done) + ` % 450e6`)
			}
		}
	}
	updates(200)
	before, serverBefore := b.Usage(), serverUsage()
	updates(shortened(2000))
	after, serverAfter := b.Usage(), serverUsage()
	t.Logf("after 200 updates %+v, after %d %+v; the server %+v and %+v", before, done, after, serverBefore, serverAfter)
	if after.Nodes > before.Nodes+200 || after.Listeners > before.Listeners+5 || after.Heap > before.Heap+1<<20 {
		t.Errorf("the page grew from %+v to %+v", before, after)
	}
	if serverAfter.goroutines > serverBefore.goroutines+5 || serverAfter.heap > serverBefore.heap+8<<20 {
		t.Errorf("the server grew from %+v to %+v", serverBefore, serverAfter)
	}
	b.Clean()
}

// shortened is n, or a part of it where only short tests are wanted.
func shortened(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

type serverSize struct {
	goroutines int
	heap       uint64
}

// serverUsage weighs the server when it is at rest: each question to the journal starts a
// goroutine, which a busy machine runs late.
func serverUsage() serverSize {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	least := runtime.NumGoroutine()
	for until := time.Now().Add(time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		least = min(least, runtime.NumGoroutine())
	}
	return serverSize{least, m.HeapAlloc}
}

// TestWithoutScript uses the page in a browser that runs no script: it is a report, and its
// buttons and links work all the same.
func TestWithoutScript(t *testing.T) {
	r := failures(t)
	b := browsertest.Open(t)
	b.WithoutScript()
	b.Go(r.url + "/")
	if text := b.Text("main"); !strings.Contains(text, "Load the page again to see what changed") || !strings.Contains(text, "1,026 seen") {
		t.Errorf("the page says: %s", text)
	}
	b.Click(".trouble li button")
	b.Until(`document.body?.innerText.includes("Sent round again.")`) // there is no body while a page begins
	if got := r.actions(); len(got) != 1 || got[0].Kind != "retry" || got[0].ID == 0 {
		t.Errorf("the button asked for %+v", got)
	}
	b.Click("main a")
	b.Until(`document.querySelector(".books")`)
	b.Click(`a.more[href*="metadata"]`)
	b.Until(`document.querySelectorAll("#files > li").length === 100`)
	b.Click("a.more")
	b.Until(`document.querySelector("#files bdi")?.innerText === "acmee/autumn/IMG_0101.jpg"`)
	b.Clean()
}
