package ingest_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// The fault table. A trouble is an operation of which something goes wrong; it is
// met on one or more ways by which a file gets in, once and for good. Every fault
// has a file of its own, by whose name it is aimed, and other files go on beside
// it. Many such files share a pipeline, so that a thousand cases cost a hundred.

// way is how a file gets in.
type way struct {
	name               string
	multipart, version bool
}

var (
	single    = way{name: "single"}
	multipart = way{name: "multipart", multipart: true}
	version   = way{name: "version", version: true}
)

// trouble is an operation of which something goes wrong.
type trouble struct {
	name      string
	operation string
	body      string          // only requests whose body contains it
	ways      []way           // on which the operation is met
	first     []sandbox.Fault // what goes wrong before, so that the operation is needed
	verify    bool            // with verify: asset
	reads     bool            // nothing is done by it, so that it makes no difference whether it worked
	along     bool            // a delete takes all versions along
}

// refusedPut makes a client give an upload up, however many meet it.
func refusedPut(operation string) sandbox.Fault {
	return sandbox.Fault{Operation: operation, Kind: sandbox.FaultStatus, Status: http.StatusNotFound, Body: "<Error><Code>NoSuchUpload</Code></Error>"}
}

var lostCreate = sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultResetAfter}

var troubles = []trouble{
	{name: "create", operation: "CreateAsset", ways: []way{single, multipart, version}},
	{name: "put", operation: sandbox.PutObject, ways: []way{single, version}},
	{name: "put part", operation: sandbox.PutPart, ways: []way{multipart}},
	{name: "complete", operation: "FinishUpload", body: `"action":"complete"`, ways: []way{multipart}},
	{name: "cancel", operation: "FinishUpload", body: `"action":"cancel"`, ways: []way{multipart},
		first: []sandbox.Fault{refusedPut(sandbox.PutPart)}},
	{name: "delete", operation: "DeleteAsset", ways: []way{single, version}, first: []sandbox.Fault{refusedPut(sandbox.PutObject)}},
	{name: "delete after cancel", operation: "DeleteAsset", ways: []way{multipart}, first: []sandbox.Fault{refusedPut(sandbox.PutPart)}},
	{name: "verify", operation: "GetAsset", ways: []way{single, multipart, version}, verify: true, reads: true},
	{name: "look after complete", operation: "GetAsset", ways: []way{multipart}, reads: true,
		first: []sandbox.Fault{{Operation: "FinishUpload", BodyHas: `"action":"complete"`, Kind: sandbox.FaultResetAfter}}},
	{name: "look at twin", operation: "GetAsset", ways: []way{single, version}, reads: true, first: []sandbox.Fault{lostCreate}},
	{name: "search", operation: "Search", ways: []way{single, multipart}, reads: true, first: []sandbox.Fault{lostCreate}},
	{name: "list versions", operation: "GetVersions", ways: []way{version}, reads: true, first: []sandbox.Fault{lostCreate}},
	{name: "look at a removal", operation: "GetVersions", ways: []way{single, version}, reads: true, along: true,
		first: []sandbox.Fault{refusedPut(sandbox.PutObject)}},
	{name: "delete all versions", operation: "DeleteAsset", body: `"action":"delete"`, ways: []way{version}, along: true,
		first: []sandbox.Fault{refusedPut(sandbox.PutObject)}},
	{name: "bring versions back", operation: "DeleteAsset", body: `"action":"undelete"`, ways: []way{version}, along: true,
		first: []sandbox.Fault{refusedPut(sandbox.PutObject)}},
}

// faults are what can go wrong with the trouble's operation, by name.
func (tr trouble) faults() map[string]sandbox.Fault {
	out := map[string]sandbox.Fault{
		"reset before": {Kind: sandbox.FaultResetBefore},
		"reset after":  {Kind: sandbox.FaultResetAfter},
		"cut reply":    {Kind: sandbox.FaultCutBody},
		"cut request":  {Kind: sandbox.FaultReadCut},
		"slow":         {Kind: sandbox.FaultStall, Delay: 300 * time.Millisecond},
		"slow reply":   {Kind: sandbox.FaultStallAfter, Delay: 300 * time.Millisecond},
		"stall":        {Kind: sandbox.FaultStall, Delay: 2 * patience},
		"stall after":  {Kind: sandbox.FaultStallAfter, Delay: 2 * patience},
	}
	answers := map[string]sandbox.Fault{
		"garbage":      {Kind: sandbox.FaultGarbage},
		"error in 200": {Kind: sandbox.FaultErrorIn200},
	}
	for _, status := range []int{400, 401, 403, 404, 409, 429, 500, 502, 503, 504} {
		f := sandbox.Fault{Kind: sandbox.FaultStatus, Status: status}
		if status == http.StatusTooManyRequests {
			f.RetryAfter = "1"
		}
		answers[fmt.Sprint(status)] = f
	}
	if tr.puts() {
		out["wrong etag"] = sandbox.Fault{Kind: sandbox.FaultWrongETag}
		out["stall midway"] = sandbox.Fault{Kind: sandbox.FaultStall, Bytes: 1000, Delay: 2 * patience}
		for name, code := range map[string]string{
			"expired": "<Code>AccessDenied</Code><Message>Request has expired</Message>",
			"skewed":  "<Code>RequestTimeTooSkewed</Code>",
		} {
			answers[name] = sandbox.Fault{Kind: sandbox.FaultStatus, Status: http.StatusForbidden, Body: "<Error>" + code + "</Error>"}
		}
	} else {
		answers["refused"] = sandbox.Fault{Kind: sandbox.FaultStatus, Status: http.StatusForbidden, Body: `{"message":"Invalid fields for metadata template"}`}
	}
	for name, f := range answers {
		out[name] = f
		// Who may not create, or must slow down, is told so before the work.
		before := tr.operation == "CreateAsset" && slices.Contains([]string{"401", "403", "429"}, name)
		if !tr.reads && !before {
			f.Worked = true
			out[name+" but worked"] = f
		}
	}
	return out
}

// patience is how long the pipelines of these tests wait for a reply. It is long
// beside what a busy machine needs, since a reply that is late is a lost one.
const patience = 2 * time.Second

// faulted is a file and the fault that it meets.
type faulted struct {
	name, path string
	fault      sandbox.Fault
}

func TestFaults(t *testing.T) {
	tests := map[string]func(*testing.T){}
	for _, tr := range troubles {
		for _, w := range tr.ways {
			for times, often := range map[int]string{1: "once", forGood: "for good"} {
				chunk := 0
				for names := range slices.Chunk(tr.chosen(w, times), tr.beside()) {
					chunk++
					tests[fmt.Sprintf("%s/%s/%s/%d", tr.name, w.name, often, chunk)] = func(t *testing.T) { tr.test(t, w, times, names) }
				}
			}
		}
	}
	together(t, 12, tests)
}

// beside is how many faults may be met in one test. A store that fails one file
// after the other fails them all, and then it is not the files' trouble any more. It
// is the same with creates.
func (tr trouble) beside() int {
	if tr.puts() || tr.operation == "CreateAsset" {
		return 2
	}
	return 100
}

func (tr trouble) puts() bool {
	return tr.operation == sandbox.PutObject || tr.operation == sandbox.PutPart
}

// oneOf is how much of the table is run: the race detector makes SQLite ten times
// slower, so that it sees a tenth of the faults, others on each way.
var oneOf = 1

// chosen lists the names of the faults that are met on a way.
func (tr trouble) chosen(w way, times int) []string {
	offset := times % 2
	for _, c := range tr.name + w.name {
		offset += int(c)
	}
	var out []string
	for i, name := range slices.Sorted(maps.Keys(tr.faults())) {
		switch {
		case (i+offset)%oneOf != 0:
		case times == forGood && strings.HasPrefix(name, "429"):
			// To be asked to slow down is everyone's trouble, see TestTroubleForAll.
		default:
			out = append(out, name)
		}
	}
	return out
}

// forGood is how often a fault strikes that does not pass.
const forGood = 100_000

func (tr trouble) test(t *testing.T, w way, times int, names []string) {
	r := newRig(t, func(o *sandbox.Options) {
		o.MultipartUnasked = w.multipart
		if tr.along {
			o.DeleteScope, o.UndeleteScope = "all", "version"
		}
	})
	r.impatient(patience)
	r.journal = filepath.Join(ramDisk(t), "journal.db")
	r.config.Workers = 16
	r.config.MaxAttempts = 3
	r.config.VerifyAsset = tr.verify
	r.config.VerifyTimeout = 3 * patience
	var offset atomic.Int64
	r.clock = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }

	others := []string{"other-1.jpg", "other-2.jpg", "other-3.jpg"}
	var files []faulted
	faults := tr.faults()
	for i, name := range names {
		path := fmt.Sprintf("f%02d-%s.jpg", i, strings.ReplaceAll(name, " ", "-"))
		files = append(files, faulted{name, path, faults[name]})
		r.write(path, 3000, 1)
	}
	if w.version {
		r.backfill()
		for _, f := range files {
			r.write(f.path, 3000, 2)
		}
	}
	for _, path := range others {
		r.write(path, 3000, 1)
	}
	for _, f := range files {
		for _, first := range tr.first {
			first.About = f.path
			r.queue(first)
		}
		f.fault.Operation, f.fault.BodyHas, f.fault.About, f.fault.Times = tr.operation, tr.body, f.path, times
		r.queue(f.fault)
	}

	r.settle(time.Minute)
	struck := r.struck()
	r.sandbox.ClearFaults()
	r.finishChores(&offset)

	entries := map[string]journal.Entry{}
	for _, e := range r.entries() {
		if e.Generation >= entries[e.Path].Generation {
			entries[e.Path] = e
		}
	}
	for _, path := range others {
		r.wantIn(way{}, entries[path], "")
	}
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			r := *r
			r.t = t
			if n := struck[f.path]; n == 0 || times == 1 && n != 1+len(tr.first) {
				t.Errorf("the faults struck %d times", n)
			}
			e := entries[f.path]
			switch {
			case e.Status == journal.Filed:
				r.wantIn(w, e, tr.operation)
			case times == 1 && !tr.mayRest(f):
				t.Errorf("one fault stopped it: %s, %d failures: %+v", e.Status, e.Failures, e.Reason)
			default:
				r.wantRest(w, e, tr.operation)
			}
		})
	}
	s := r.sandbox.State()
	for _, v := range s.Violations {
		t.Errorf("the client broke a rule: %s: %s (%s)", v.Operation, v.Rule, v.Detail)
	}
	r.wantNoSecrets()
}

// mayRest reports whether a fault that strikes once may keep a file out: what the
// API refuses in so many words is for an operator to decide.
func (tr trouble) mayRest(f faulted) bool {
	name := strings.TrimSuffix(f.name, " but worked")
	refusal := slices.Contains([]string{"400", "404", "409", "error in 200", "refused"}, name)
	switch {
	case tr.operation == "CreateAsset", tr.operation == "GetAsset" && tr.verify:
		return refusal
	case tr.puts():
		return name == "skewed"
	}
	return false
}

// impatient gives the pipelines short time-outs.
func (r *rig) impatient(patience time.Duration) {
	acct := r.account
	r.api = func(ingest.API) ingest.API {
		c, err := tenovos.New(tenovos.Config{
			URL: r.web.URL + r.sandbox.Options().BasePath(), Version: "1.5",
			APIKey: secret.Text(acct.APIKey), Username: acct.Users[0].Username, Password: secret.Text(acct.Users[0].Password),
			MaxConcurrentCalls: 16, CallTimeout: patience,
		})
		if err != nil {
			r.t.Fatal(err)
		}
		r.t.(*testing.T).Cleanup(c.Close)
		return c
	}
	r.store = func(ingest.Store) ingest.Store {
		return uploader.New(uploader.Config{Parts: 2, ExpiryMargin: 100 * time.Millisecond, StallAfter: patience / 2})
	}
}

// settle runs a pipeline until every file rests, and names those that do not
// within a time.
func (r *rig) settle(limit time.Duration) {
	r.t.Helper()
	p := r.start()
	defer r.close(p)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := r.run(ctx, p); err != nil {
		r.t.Errorf("the pipeline broke: %v", err)
	}
	if ctx.Err() == nil {
		return
	}
	for _, e := range r.entries() {
		if !e.Status.Resting() {
			r.t.Errorf("%s does not come to rest: %s, %d failures, %d tries: %+v", e.Path, e.Status, e.Failures, e.Tries, e.Reason)
		}
	}
}

// struck counts how often faults struck each file, and fails for those that never
// did.
func (r *rig) struck() map[string]int {
	out := map[string]int{}
	for _, f := range r.sandbox.Faults() {
		out[f.About] += f.Struck
		if f.Struck == 0 {
			r.t.Errorf("a fault never struck: %s %s for %s", f.Operation, f.Kind, f.About)
		}
	}
	return out
}

// finishChores lets a day pass, so that all clean-up work that is left over is
// done or known to be needless.
func (r *rig) finishChores(offset *atomic.Int64) {
	r.t.Helper()
	offset.Store(int64(25 * time.Hour))
	p := r.start()
	defer r.close(p)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	open := func() []journal.Chore {
		chores, err := journal.ChoresOf(p.journal).Due(context.Background(), r.clock().Add(1000*time.Hour), "", 1000)
		if err != nil {
			r.t.Fatal(err)
		}
		return chores
	}
	if len(open()) == 0 {
		return
	}
	over := make(chan struct{})
	var ran sync.WaitGroup
	ran.Go(func() {
		if err := p.Run(ctx, over, nil); err != nil {
			r.t.Errorf("the pipeline broke: %v", err)
		}
	})
	defer ran.Wait()
	defer close(over)
	for len(open()) > 0 {
		select {
		case <-ctx.Done():
			for _, c := range open() {
				r.t.Errorf("clean-up work is left: %s of %s: %s", c.Kind, c.Filename, c.Message)
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// remains are what the account holds of one file.
type remains struct {
	assets  []sandbox.Asset // available ones with content, earlier versions included
	removed []sandbox.Asset
	empty   int
	open    int // uploads
	orphans int // open uploads of removed assets, without parts: their ids came with a reply that was lost
}

func (r *rig) remains(filename string) remains {
	var out remains
	s := r.sandbox.State()
	deleted := map[string]bool{}
	for _, a := range s.Assets {
		switch {
		case a.Filename != filename:
		case a.Deleted:
			deleted[a.ObjectID] = true
			out.removed = append(out.removed, a)
		case !a.HasContent:
			out.empty++
		default:
			out.assets = append(out.assets, a)
		}
	}
	for _, u := range s.OpenUploads() {
		switch {
		case filepath.Base(u.Key) != filename:
		case deleted[u.ObjectID] && len(u.Parts) == 0:
			out.orphans++
		default:
			out.open++
		}
	}
	return out
}

// wantClean fails where something empty or open was left behind of a file, or
// where an asset was removed that held the file's content.
func (r *rig) wantClean(m remains, path, operation string) {
	r.t.Helper()
	if m.empty > 0 {
		r.t.Errorf("%d empty assets were left behind", m.empty)
	}
	if m.open > 0 || m.orphans > 0 && operation != "CreateAsset" && operation != "Search" {
		r.t.Errorf("%d uploads were left open, %d of them of a lost create", m.open+m.orphans, m.orphans)
	}
	for _, a := range m.removed {
		if a.ContentMD5 == r.md5(path) && operation != sandbox.PutObject {
			r.t.Errorf("an asset that held the content was removed")
		}
	}
}

// wantIn fails unless a file is in exactly once, after what was there before.
func (r *rig) wantIn(w way, e journal.Entry, operation string) {
	r.t.Helper()
	path := e.Path
	m := r.remains(path)
	r.wantClean(m, path, operation)
	versions := 1
	if w.version {
		versions = 2
	}
	right := 0
	for _, a := range m.assets {
		if a.Current && a.ContentMD5 == r.md5(path) {
			right++
		}
	}
	if right != 1 || len(m.assets) != versions {
		r.t.Errorf("%s: %d assets, %d of them current with the right content, want %d and 1", path, len(m.assets), right, versions)
	}
	if e.Status != journal.Filed {
		r.t.Errorf("%s is %s: %+v", path, e.Status, e.Reason)
	}
}

// wantRest fails unless a file that is not in rests with words that help, and
// left nothing behind. What was handed over, but could not be seen right, stays.
func (r *rig) wantRest(w way, e journal.Entry, operation string) {
	r.t.Helper()
	m := r.remains(e.Path)
	r.wantClean(m, e.Path, operation)
	if e.Status != journal.Failed && e.Status != journal.Held {
		r.t.Errorf("it is %s: %+v", e.Status, e.Reason)
	}
	if e.Reason.Message == "" || e.Reason.Hint == "" {
		r.t.Errorf("it rests without a message or a hint: %+v", e.Reason)
	}
	before := 0
	if w.version {
		before = 1
	}
	if n := len(m.assets) - before; n != 0 && (n != 1 || e.Status != journal.Held || e.Reason.Class != journal.ClassUnverified) {
		r.t.Errorf("it is %s (%s), and %d assets hold its content: a retry would make another", e.Status, e.Reason.Class, n)
	}
}
