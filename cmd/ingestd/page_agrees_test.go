package main

import (
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// TestPageAgrees looks at the page at random moments of a run with faults: it says the same
// as status.json, which was asked before and after it, and its books balance.
func TestPageAgrees(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	for _, f := range []sandbox.Fault{
		{Operation: "CreateAsset", Kind: sandbox.FaultStatus, Status: 400, Body: `{"message": "not today"}`, After: 10, Times: 5},
		{Operation: "CreateAsset", Kind: sandbox.FaultResetAfter, After: 40, Times: 3},
		{Operation: "PutObject", Kind: sandbox.FaultStatus, Status: 503, After: 20, Times: 5},
		{Operation: "PutObject", Kind: sandbox.FaultReadCut, After: 60, Times: 5},
	} {
		if err := s.Queue(f); err != nil {
			t.Fatal(err)
		}
	}
	r := newRoom(t, s)
	addr := r.listens("")
	daemon := r.start("run")
	eventually(t, "the page is there", func() bool { return healthy(t, addr) })
	status := func() (books, bool) {
		code, body := ask(t, addr, "/status.json", nil)
		var out statusReport
		if err := json.Unmarshal([]byte(body), &out); err != nil || code != http.StatusOK {
			t.Fatal(code, err)
		}
		if err := out.balance(); err != nil {
			t.Error(err)
		}
		if len(out.Folders) == 0 {
			return books{}, false
		}
		b := out.Folders[0]
		b.LastScan = ""
		return b, true
	}
	const moments, files = 50, 120
	written, same := 0, 0
	for deadline := time.Now().Add(patience); (same < moments || written < files) && time.Now().Before(deadline); {
		if written < files {
			brand := "acme"
			if written%6 == 0 {
				brand = "nobody" // which is held
			}
			r.write(fmt.Sprintf("%s/%d.jpg", brand, written), fmt.Sprint("content ", written))
			written++
		}
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond) // a moment is a moment
		before, ok := status()
		_, page := ask(t, addr, "/", nil)
		after, _ := status()
		if !ok || before != after {
			continue // it changed meanwhile
		}
		same++
		if got := booksOnPage(page, "drop"); got != pageBooks(before) {
			t.Fatalf("the page says %q, status.json %q", got, pageBooks(before))
		}
		if !strings.Contains(page, "The books balance: ") || strings.Contains(page, "do not balance") {
			t.Error("the books on the page do not balance")
		}
	}
	if same < moments || written < files {
		t.Errorf("of %d moments %d were without a change, and %d files were written", moments, same, written)
	}
	daemon.terminate()
}

// pageBooks are books as the page has them.
func pageBooks(b books) string {
	return fmt.Sprint("Ingested ", b.Filed, " Duplicates ", b.Duplicate, " On their way ", b.Uploading, " Queued ", b.Queued, " Settling ", b.Settling,
		" Held ", b.Held, " Failed ", b.Failed, " Ignored ", b.Ignored, " Cancelled ", b.Cancelled, " Superseded ", b.Superseded, " Withdrawn ", b.Withdrawn)
}

var pageNumber = regexp.MustCompile(`<dt>([^<]*)</dt><dd>([^<]*)</dd>`)

// booksOnPage are the books of a folder that the page shows.
func booksOnPage(page, folder string) string {
	_, section, _ := strings.Cut(page, `-title">`+folder+`</h2>`)
	section, _, _ = strings.Cut(section, "</dl>")
	var out []string
	for _, m := range pageNumber.FindAllStringSubmatch(section, -1) {
		out = append(out, html.UnescapeString(m[1])+" "+strings.ReplaceAll(m[2], ",", ""))
	}
	return strings.Join(out, " ")
}
