package dashboard

import (
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// pages are addresses of each kind of page over the journal of failures.
var pages = []string{
	"/", "/files?q=jpg", "/files?q=%E2%80%AE", "/files?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/files", "/files?folder=campaigns&status=held",
	"/files?folder=%3Cb%3E&status=held", "/files?folder=campaigns&status=failed&class=too-large", "/file?id=13", "/file?id=1022",
}

// unsafe is what a strict policy refuses, or what would run or hide.
var unsafe = regexp.MustCompile(`(?i)<script|<style|<[^>]*\s(?:style|on[a-z]+)=|javascript:|<img|\x{202e}|<b>|\x00|\xff`)

// TestNothingUnsafe reads every kind of page of files with hostile names and reasons: no
// name becomes markup, nothing is inline, and no signed URL is told.
func TestNothingUnsafe(t *testing.T) {
	r := failures(t)
	for _, path := range pages {
		code, body := r.get(path)
		if code != 200 {
			t.Errorf("%s: %d %s", path, code, body)
		}
		own := regexp.MustCompile(`<script src="assets/page.js[^>]*></script>|<input id="q"[^>]*>`) // what was typed is typed back
		if found := unsafe.FindString(own.ReplaceAllString(body, "")); found != "" {
			t.Errorf("%s holds %q", path, found)
		}
		if strings.Contains(body, "X-Amz") || strings.Contains(body, "s3cret") || strings.Contains(body, "store.example") {
			t.Errorf("%s tells a signed URL", path)
		}
	}
	if _, body := r.get("/"); !strings.Contains(body, `\u202egpj.&lt;script&gt;alert(1)&lt;/script&gt;\n\xff\&#34;`) {
		t.Error("the hostile name is not shown as it is spelt")
	}
}

// TestBadAddresses asks for what there is not.
func TestBadAddresses(t *testing.T) {
	r := empty(t)
	for path, want := range map[string]int{
		"/x": 404, "/assets/page.html": 404, "/assets/..%2fpage.go": 404, "/assets/": 404, "/file": 400, "/file?id=x": 400, "/file?id=-1": 400, "/file?id=77": 404,
		"/files?q=a&after=x": 400, "/files?q=a&after=99": 200, "/files?q=": 200, "/files?q=" + strings.Repeat("x", 5000): 200, "/retry": 405, "/assets/page.js": 200,
	} {
		if code, body := r.get(path); code != want {
			t.Errorf("%.40s: %d, want %d: %.200s", path, code, want, body)
		}
	}
}

// TestBooksOnThePage compares what the page says of a folder with its books.
func TestBooksOnThePage(t *testing.T) {
	r := failures(t)
	_, body := r.get("/")
	for name, want := range map[string]string{"Ingested": "12", "On their way": "2", "Queued": "5", "Settling": "4", "Held": "1,001", "Failed": "2"} {
		if !strings.Contains(body, "<dt>"+name+"</dt><dd>"+want+"</dd>") {
			t.Errorf("%s is not %s", name, want)
		}
	}
	if !strings.Contains(body, "The books balance: 1,026 seen.") || strings.Contains(body, "do not balance") {
		t.Error("the page does not say that the books balance")
	}
	// A folder of which the numbers do not add up is said to be so.
	s, err := r.page.now.fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.folders[1].Seen += 3 // nobody else looks
	parts, err := r.page.parts(s, "")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(parts[2].HTML); !strings.Contains(text, "The books do not balance: 1,029 seen, and 3 of them in no other number.") {
		t.Errorf("the page says: %.900s", text)
	}
	if text := string(parts[0].HTML); !strings.Contains(text, "The books of campaigns do not balance") {
		t.Errorf("the page says: %s", text)
	}
}

// TestActions presses buttons as a browser without scripts does, and with them.
func TestActions(t *testing.T) {
	r := failures(t)
	form := func(pairs ...string) url.Values {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	group := Action{Kind: "cancel", Folder: "campaigns", Status: "held", Class: "metadata", Form: reasons.Form(unknownBrand.Message, "x")}
	for _, c := range []struct {
		path   string
		form   url.Values
		answer []Outcome
		err    error
		code   int
		want   string
		action Action
	}{
		{path: "/retry", form: form("id", "7"), code: 200, want: "Sent round again.", action: Action{Kind: "retry", ID: 7}},
		{path: "/cancel", form: form("id", "7"), answer: []Outcome{{Result: "skipped", Detail: "it is <b>filed"}}, code: 200, want: "Left as it is: it is &lt;b&gt;filed.", action: Action{Kind: "cancel", ID: 7}},
		{path: "/cancel", form: form("folder", "campaigns", "status", "held", "class", "metadata", "form", group.Form), code: 200,
			answer: []Outcome{{Result: "cancelled", Good: true}, {Result: "cancelled", Good: true}, {Result: "skipped", Detail: "it moved on in the meantime"}},
			want:   "2 cancelled; 1 left as it is: it moved on in the meantime.", action: group},
		{path: "/retry", form: form("id", "7"), answer: []Outcome{}, code: 200, want: "There is nothing left to do it to.", action: Action{Kind: "retry", ID: 7}},
		{path: "/retry", form: form("id", "7"), err: errors.New("the daemon\nstopped"), code: 200, want: `the daemon\nstopped`, action: Action{Kind: "retry", ID: 7}},
		{path: "/retry", form: form("id", "x"), code: 400},
		{path: "/retry", form: form("id", "0"), code: 400},
		{path: "/retry", form: form(), code: 400},
		{path: "/retry", form: form("folder", "campaigns", "status", "filed", "class", "x"), code: 400},
		{path: "/retry", form: form("folder", "campaigns", "status", "held"), code: 400},
	} {
		before := len(r.actions())
		r.answer = func(a Action) ([]Outcome, error) { return c.answer, c.err }
		if c.answer == nil && c.err == nil {
			r.answer = nil
		}
		code, body := r.post(c.path, c.form, "text/html")
		if code != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s %v: %d %s", c.path, c.form, code, body)
		}
		asked := r.actions()[before:]
		if c.action == (Action{}) {
			if len(asked) > 0 {
				t.Errorf("%s %v asked for %+v", c.path, c.form, asked)
			}
			continue
		}
		if !reflect.DeepEqual(asked, []Action{c.action}) {
			t.Errorf("%s %v asked for %+v", c.path, c.form, asked)
		}
	}
	r.answer = nil
	if code, body := r.post("/retry", form("id", "7"), "application/json"); code != 200 || strings.TrimSpace(body) != `{"text":"Sent round again.","good":true}` {
		t.Error(code, body)
	}
}

// TestOneReasonIsOneGroup shows a thousand files that are held for one reason as one, with
// its first files, and the rest on pages.
func TestOneReasonIsOneGroup(t *testing.T) {
	r := failures(t)
	_, body := r.get("/")
	if n := strings.Count(body, `class="name"`); n != 2+2+3+1 {
		t.Errorf("the page lists %d files", n)
	}
	if !strings.Contains(body, "1,000 files: Brand: &#34;acmee&#34; is no value of the vocabulary Brands") {
		t.Error("the group is not named by its reason")
	}
	next := regexp.MustCompile(`href="(files\?[^"]*class=metadata[^"]*)"`).FindStringSubmatch(body)[1]
	seen := map[string]bool{}
	for range 20 {
		_, list := r.get("/" + html.UnescapeString(next))
		names := regexp.MustCompile(`<bdi>([^<]*)`).FindAllStringSubmatch(list, -1)
		for _, name := range names {
			seen[name[1]] = true
		}
		more := regexp.MustCompile(`class="more" href="([^"]*)"`).FindStringSubmatch(list)
		if more == nil {
			break
		}
		if len(names) != pageOf {
			t.Errorf("a page has %d files", len(names))
		}
		next = more[1]
	}
	if len(seen) != 1000 {
		t.Errorf("the pages have %d files", len(seen))
	}
}

// TestDropsOnThePage shows what a drop waits for.
func TestDropsOnThePage(t *testing.T) {
	r := empty(t)
	batches := journal.BatchesOf(r.j)
	if err := batches.Set(t.Context(), "campaigns", true); err != nil {
		t.Fatal(err)
	}
	ids := r.admit("campaigns", 1, "spring/a.jpg", "spring/b.jpg", "summer/c.jpg")
	for _, id := range ids {
		if _, err := r.j.Advance(t.Context(), journal.Move{ID: id, From: journal.Settled, To: journal.Mapped, Asset: []byte("{}"), Filename: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	b := journal.Batch{Folder: "campaigns", Dir: "spring"}
	state, err := batches.State(t.Context(), b)
	if err == nil {
		err = batches.SetReason(t.Context(), b, state, journal.Reason{Class: journal.ClassBatch, Message: "it waits for the rest of its drop spring: 1 of 3 files are held or failed", Hint: "Complete the drop."})
	}
	if err != nil {
		t.Fatal(err)
	}
	_, body := r.get("/")
	for _, want := range []string{
		"Drop spring: 2 files wait", "It waits for the rest of its drop spring: 1 of 3 files are held or failed", "Complete the drop.",
		"Drop summer: 1 file waits", "It is still being looked at",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// slow takes the first bytes of a reply, and no more until it is let go.
type slow struct {
	*httptest.ResponseRecorder
	begun func()
	end   <-chan struct{}
}

func (w slow) Write(b []byte) (int, error) {
	w.begun()
	<-w.end
	return len(b), nil
}

// TestSlowClients has as many clients as a reader has connections be slow to take
// status.json: the page is there for others.
func TestSlowClients(t *testing.T) {
	r := failures(t) // more than fits into a buffer
	mux := http.NewServeMux()
	r.page.Register(mux)
	end := make(chan struct{})
	var clients sync.WaitGroup
	for n := range 6 {
		begun := make(chan struct{})
		w := slow{httptest.NewRecorder(), sync.OnceFunc(func() { close(begun) }), end}
		clients.Go(func() { mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/status.json?all", nil)) })
		if n < 4 { // the others wait for a connection
			<-begun
		}
	}
	if code, _ := r.get("/"); code != http.StatusOK {
		t.Error(code)
	}
	close(end)
	clients.Wait()
}

// TestNothingToDo shows a file on its way for which there is no button: it is being
// cancelled already.
func TestNothingToDo(t *testing.T) {
	r := newRig(t)
	id := r.admit("in", 10, "a.jpg")[0]
	for _, m := range []journal.Move{
		{ID: id, From: journal.Settled, To: journal.Mapped, Asset: []byte("{}"), Filename: "a.jpg"},
		{ID: id, From: journal.Mapped, To: journal.Creating},
		{ID: id, From: journal.Creating, To: journal.Cancelling, Outcome: journal.Cancelled},
	} {
		if _, err := r.j.Advance(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	code, body := r.get("/")
	if code != http.StatusOK || !strings.Contains(body, "is being cancelled") {
		t.Errorf("%d: %s", code, body)
	}
}
