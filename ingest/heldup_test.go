package ingest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// What refuses one file after the other is no file's doing. Each trouble is switched on,
// met by files that are all in one run, and switched off when it was recognised.

func TestTroubleThatIsNoFilesOwn(t *testing.T) {
	off := func(o *sandbox.Options) { o.ProxyStatus, o.RefuseCreate, o.SignAhead, o.StoreAhead = 0, "", 0, 0 }
	proxy := func(status int, body string) func(*sandbox.Options) {
		return func(o *sandbox.Options) { o.ProxyStatus, o.ProxyBody = status, body }
	}
	const between = "something between this host and the content store 127.0.0.1 "
	tests := map[string]func(*testing.T){}
	for name, c := range map[string]struct {
		on   func(*sandbox.Options)
		says string // in the one line of the log
		kept bool   // assets that were made are kept
	}{
		"403 of a proxy":         {proxy(403, "html"), between + "refuses uploads with 403 Forbidden", true},
		"413 of a proxy":         {proxy(413, "html"), between + "refuses uploads with 413", true},
		"407 of a proxy":         {proxy(407, "json"), between + "refuses uploads with 407", true},
		"451 in words":           {proxy(451, "text"), between + "refuses uploads with 451", true},
		"400 in another XML":     {proxy(400, "xml"), between + "refuses uploads with 400", true},
		"404 without a word":     {proxy(404, "empty"), between + "refuses uploads with 404", true},
		"503 of a proxy":         {proxy(503, "html"), between + "refuses uploads with 503", true},
		"redirect to a login":    {proxy(302, "html"), between + "redirects uploads to https://login.example, which is not followed, with 302", true},
		"captive portal":         {proxy(200, "html"), between + "answers uploads itself, with 200 OK", true},
		"create refused":         {func(o *sandbox.Options) { o.RefuseCreate = "You do not have permission to upload" }, "You do not have permission to upload", true},
		"create forbidden":       {func(o *sandbox.Options) { o.RefuseCreate = "Forbidden" }, "the account may lack a right", true},
		"create refused between": {func(o *sandbox.Options) { o.ProxyStatus, o.ProxyOn = 413, "CreateAsset" }, "not Tenovos' own answer", true},
		"complete refused":       {func(o *sandbox.Options) { o.ProxyStatus, o.ProxyOn, o.MultipartUnasked = 413, "FinishUpload", true }, "not Tenovos' own answer", true},
		"URLs born dead":         {func(o *sandbox.Options) { o.SignAhead = -25 * time.Hour }, "it was signed for 24h0m0s", false},
		"URLs of the future":     {func(o *sandbox.Options) { o.SignAhead = 25 * time.Hour }, "RequestTimeTooSkewed", false},
		"a store of the future":  {func(o *sandbox.Options) { o.StoreAhead = 25 * time.Hour }, "Request has expired", false},
	} {
		tests[name] = func(t *testing.T) {
			r := newRig(t, c.on)
			r.config.RetryInitial, r.config.RetryMax = time.Second, time.Second // until a third file is refused
			var paths []string
			for i := range 6 {
				paths = append(paths, fmt.Sprintf("f%d.jpg", i))
				r.write(paths[i], 3000-i, 1)
			}
			go func() {
				for r.refusals() < 5 {
					time.Sleep(5 * time.Millisecond)
				}
				_ = r.sandbox.Configure(off)
			}()
			r.backfill()
			r.wantExactly(paths...)
			for _, e := range r.entries() {
				if e.Failures > 0 || e.Status != journal.Filed {
					t.Errorf("%s is %s, and it cost %d attempts", e.Path, e.Status, e.Failures)
				}
			}
			lines := strings.Count(r.log.String(), "one file after another is refused")
			if lines < 1 || c.kept && lines > 1 || !strings.Contains(r.log.String(), c.says) {
				t.Errorf("%d lines tell of it, want one with %q:\n%s", lines, c.says, r.log)
			}
			if n := len(r.sandbox.State().Assets); c.kept && n != len(paths) || n > 2*len(paths) {
				t.Errorf("%d assets were made for %d files", n, len(paths))
			}
			r.wantNoSecrets()
		}
	}
	together(t, 20, tests)
}

// A create that was performed, and whose reply somebody on the way replaced, is looked for
// before it is repeated: the empty asset goes, and the file loses no attempt.
func TestCreatePerformedBehindAPage(t *testing.T) {
	tests := map[string]func(*testing.T){}
	for name, page := range map[string]sandbox.Fault{
		"403":                  {Status: 403, Body: "<html>blocked</html>"},
		"413":                  {Status: 413, Body: "<html>too large</html>"},
		"407":                  {Status: 407, Body: "<html>authenticate</html>"},
		"407 in JSON":          {Status: 407, Body: `{"error":"authenticate"}`},
		"302":                  {Status: 302, Body: "<html></html>", Location: "https://login.example/"},
		"302 in JSON":          {Status: 302, Body: `{"message":"Found"}`, Location: "https://login.example/"},
		"401":                  {Status: 401, Body: "<html>log in</html>"},
		"404":                  {Status: 404, Body: "<html>not found</html>"},
		"429":                  {Status: 429, Body: "<html>slow down</html>", RetryAfter: "1"},
		"413, no look at once": {Status: 413, Body: "<html>too large</html>", Path: "search"},
	} {
		tests[name] = func(t *testing.T) {
			r := newRig(t, nil)
			blind := page.Path != "" // the look is refused, too, which a backfill bears only so often
			if page.Path = ""; blind {
				r.queue(sandbox.Fault{Operation: "Search", Kind: sandbox.FaultStatus, Status: page.Status, Body: page.Body, Times: 3})
			}
			page.Operation, page.Kind, page.Worked, page.Times = "CreateAsset", sandbox.FaultStatus, true, 4
			r.queue(page)
			var paths []string
			for i := range 4 {
				paths = append(paths, fmt.Sprintf("f%d.jpg", i))
				r.write(paths[i], 3000-i, 1)
			}
			r.backfill()
			r.wantExactly(paths...)
			r.wantNothingLeft(r.sandbox.State())
			for _, e := range r.entries() {
				if e.Failures > 0 && !blind || e.Status != journal.Filed {
					t.Errorf("%s is %s, and it cost %d attempts: %+v", e.Path, e.Status, e.Failures, e.Reason)
				}
			}
		}
	}
	together(t, 20, tests)
}

// refusals counts the requests that were answered with an error, or by a proxy.
func (r *rig) refusals() int {
	n := 0
	for _, q := range r.sandbox.Requests() {
		if q.Fault == "Proxy" || q.Status >= 400 {
			n++
		}
	}
	return n
}

// watched is a daemon on what lies in the drop, until the test has seen what it wants.
func (r *rig) watched(until func(entries map[string]journal.Entry) bool) {
	r.t.Helper()
	p := r.start()
	defer r.close(p)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	drain, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- p.Run(ctx, drain, nil) }()
	if err := r.scan(ctx, p); err != nil {
		r.t.Error(err)
	}
	for ctx.Err() == nil {
		entries := map[string]journal.Entry{}
		for _, e := range r.entries() {
			entries[e.Path] = e
		}
		if until(entries) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if ctx.Err() != nil {
		r.t.Errorf("it did not come to that; journal:\n%s\nlog:\n%s", r.dump(p), r.log)
	}
	close(drain)
	if err := <-ended; err != nil {
		r.t.Error(err)
	}
}

// What is too large for a proxy waits alone, for as long as that lasts; the rest goes in.
func TestFileThatIsTooLargeForAProxy(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *sandbox.Options) { o.ProxyStatus, o.ProxyOver = 413, 2000 })
	r.write("large.jpg", 3000, 1)
	paths := []string{"large.jpg"}
	for i := range 8 {
		paths = append(paths, fmt.Sprintf("small-%d.jpg", i))
		r.write(paths[i+1], 1000, 1)
	}
	filed := func(entries map[string]journal.Entry, but string) bool {
		for _, path := range paths {
			if path != but && entries[path].Status != journal.Filed {
				return false
			}
		}
		return true
	}
	r.watched(func(entries map[string]journal.Entry) bool {
		large := entries["large.jpg"]
		if large.Tries < 10 || !filed(entries, "large.jpg") {
			return false
		}
		if large.Status != journal.Uploading || large.Failures > 0 || !strings.Contains(large.Reason.Message, "refuses uploads with 413") {
			t.Errorf("it is %s with %d failures: %+v", large.Status, large.Failures, large.Reason)
		}
		return true
	})
	if err := r.sandbox.Configure(func(o *sandbox.Options) { o.ProxyStatus = 0 }); err != nil {
		t.Fatal(err)
	}
	r.watched(func(entries map[string]journal.Entry) bool { return filed(entries, "") })
	r.wantExactly(paths...)
	if n := len(r.sandbox.State().Assets); n != len(paths) {
		t.Errorf("%d assets were made for %d files", n, len(paths))
	}
}

// A security template that is withdrawn holds up the files that need it, and no others.
func TestRightThatOneRuleLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.RetryInitial, r.config.RetryMax = time.Second, time.Second // until a third file is refused
	lost, kept := r.account.SecurityTemplates[0].ID, r.account.SecurityTemplates[1].ID
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		m, err := r.mapFile(f, at)
		if strings.HasPrefix(f.Path, "kept") {
			m.Asset.SecurityIDs = []string{kept}
		}
		return m, err
	}
	if err := r.sandbox.Configure(func(o *sandbox.Options) {
		o.RefuseCreate, o.RefuseCreateFor = "Invalid security template ID(s)", lost
	}); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for i := range 8 {
		for _, name := range []string{"lost", "kept"} {
			paths = append(paths, fmt.Sprintf("%s-%d.jpg", name, i))
			r.write(paths[len(paths)-1], 500, 1)
		}
	}
	r.watched(func(entries map[string]journal.Entry) bool {
		for path, e := range entries {
			if e.Status.Resting() != strings.HasPrefix(path, "kept") || e.Failures > 0 {
				return false
			}
		}
		return len(entries) == len(paths)
	})
	if err := r.sandbox.Configure(func(o *sandbox.Options) { o.RefuseCreate = "" }); err != nil {
		t.Fatal(err)
	}
	r.backfill()
	r.wantExactly(paths...)
}

// A create that is refused for one file's sake fails that file before long, though the
// words do not say so.
func TestCreateThatIsRefusedAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("alone.jpg", 500, 1)
	r.queue(sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"Forbidden"}`, Times: forGood})
	r.watched(func(entries map[string]journal.Entry) bool { return entries["alone.jpg"].Status == journal.Failed })
	if e := r.entry("alone.jpg"); !strings.Contains(e.Reason.Hint, "rights") {
		t.Errorf("the hint is %q", e.Reason.Hint)
	}
	if n := r.refusals(); n > 10 {
		t.Errorf("it was tried %d times", n)
	}
}

// A clock that is a day and an hour wrong changes nothing but for a line of the log.
func TestClockOfThisHostIsWrong(t *testing.T) {
	t.Parallel()
	for said, ahead := range map[string]time.Duration{"25h0m ahead of": -25 * time.Hour, "25h0m behind": 25 * time.Hour} {
		t.Run(said, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(o *sandbox.Options) { o.ClockAhead = ahead })
			var paths []string
			for i := range 6 {
				paths = append(paths, fmt.Sprintf("f%d.jpg", i))
				r.write(paths[i], 3000, 1)
			}
			r.queue(sandbox.Fault{Operation: "CreateAsset", About: "f3.jpg", Kind: sandbox.FaultResetAfter})
			r.backfill()
			r.wantExactly(paths...)
			s := r.sandbox.State()
			if len(s.Assets) != len(paths)+1 || s.Counts.Logins != 1 {
				t.Errorf("%d assets for %d files, one of them lost, and %d logins", len(s.Assets), len(paths), s.Counts.Logins)
			}
			if n := strings.Count(r.log.String(), "the clock of this host is "+said+" Tenovos'"); n != 1 {
				t.Errorf("it is said %d times:\n%s", n, r.log)
			}
		})
	}
	r := newRig(t, func(o *sandbox.Options) { o.ClockAhead, o.NoDate = -25*time.Hour, true })
	r.write("a.jpg", 3000, 1)
	r.backfill()
	r.wantExactly("a.jpg")
	if n := len(r.sandbox.State().Assets); n != 1 {
		t.Errorf("without a Date, %d assets were made", n)
	}
}

// URLs that live for seconds are used to their end.
func TestURLsThatLiveForSeconds(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *sandbox.Options) { o.URLLife = 6 * time.Second })
	r.store = func(ingest.Store) ingest.Store { return uploader.New(uploader.Config{}) }
	r.write("a.jpg", 3000, 1)
	r.backfill()
	r.wantExactly("a.jpg")
	if n := len(r.sandbox.State().Assets); n != 1 {
		t.Errorf("%d assets were made", n)
	}
}

// The documents' own words for an asset that is not valid end the file at once.
func TestAssetThatIsNotValidFailsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	words := []string{"Failed to parse Asset", "Invalid Asset: Missing Security Template ID(s)", "Unexpected end of JSON input", "Metadata Template not found"}
	for i, text := range words {
		path := fmt.Sprintf("f%d.jpg", i)
		r.write(path, 500, 1)
		r.queue(sandbox.Fault{Operation: "CreateAsset", About: path, Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"` + text + `"}`})
	}
	r.backfill()
	for _, e := range r.entries() {
		if e.Status != journal.Failed {
			t.Errorf("%s is %s: %+v", e.Path, e.Status, e.Reason)
		}
	}
	if n := r.sandbox.State().Counts.Requests["CreateAsset"]; n != len(words) {
		t.Errorf("%d creates", n)
	}
}
