package ingest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// TestNoFileLeavesUnproven moves and deletes files under stores whose ETags say nothing
// about the bytes: by Tenovos' checksum, else by the content that is read back, else not.
func TestNoFileLeavesUnproven(t *testing.T) {
	t.Parallel()
	const forGood = 1000
	damage := sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultWrongETag, Times: 2}
	for _, tc := range []struct {
		name   string
		knobs  func(*sandbox.Options)
		faults []sandbox.Fault
		status journal.Status
		says   string
	}{
		{"KMS", func(o *sandbox.Options) { o.SSEKMS = true }, nil, journal.Filed, ""},
		{"KMS in many parts", func(o *sandbox.Options) { o.SSEKMS, o.MultipartUnasked = true, true }, nil, journal.Filed, ""},
		{"KMS that does not say so", func(o *sandbox.Options) { o.SilentKMS = true }, nil, journal.Filed, ""},
		{"no checksum", func(o *sandbox.Options) { o.SSEKMS, o.Checksums = true, "none" }, nil, journal.Filed, ""},
		{"weak ETags", func(o *sandbox.Options) { o.WeakETags, o.MultipartUnasked, o.Checksums = true, true, "none" }, nil, journal.Filed, ""},
		{"neither checksum nor content", func(o *sandbox.Options) { o.SSEKMS, o.Checksums = true, "none" },
			[]sandbox.Fault{{Operation: "GetAssetContent", Kind: sandbox.FaultStatus, Status: 502, Times: forGood}}, journal.Held, "uploaded, unverified"},
		{"a page in place of the content", func(o *sandbox.Options) { o.SSEKMS, o.Checksums = true, "none" },
			[]sandbox.Fault{{Operation: "GetObject", Kind: sandbox.FaultGarbage, Times: forGood}}, journal.Held, "uploaded, unverified"},
		{"an empty page in place of the content", func(o *sandbox.Options) { o.SSEKMS, o.Checksums = true, "none" },
			[]sandbox.Fault{{Operation: "GetObject", Kind: sandbox.FaultGarbage, Body: "\n", Times: forGood}}, journal.Held, "uploaded, unverified"},
		{"a page in place of the content, for a while", func(o *sandbox.Options) { o.SSEKMS, o.Checksums = true, "none" },
			[]sandbox.Fault{{Operation: "GetObject", Kind: sandbox.FaultGarbage}}, journal.Filed, ""},
		{"other bytes, by the checksum", func(o *sandbox.Options) { o.SSEKMS = true }, []sandbox.Fault{damage}, journal.Failed, "holds other bytes"},
		{"other bytes, by the content", func(o *sandbox.Options) { o.SSEKMS, o.Checksums = true, "none" }, []sandbox.Fault{damage}, journal.Failed, "holds other bytes"},
		{"other bytes, as the ETags say", nil, []sandbox.Fault{damage}, journal.Failed, "what arrived twice"},
	} {
		for _, after := range []dropfolder.After{dropfolder.AfterMove, dropfolder.AfterDelete} {
			t.Run(fmt.Sprint(tc.name, ", ", after), func(t *testing.T) {
				t.Parallel()
				r := newFilingRig(t, after)
				r.config.VerifyTimeout = 2 * time.Second
				if tc.knobs != nil {
					if err := r.sandbox.Configure(tc.knobs); err != nil {
						t.Fatal(err)
					}
				}
				r.queue(tc.faults...)
				r.write("a.jpg", 1000, 1)
				r.backfill()
				e := r.entry("a.jpg")
				if e.Status != tc.status || !strings.Contains(e.Reason.Message, tc.says) {
					t.Fatalf("it is %s: %+v\n%s", e.Status, e.Reason, r.log)
				}
				switch {
				case tc.status == journal.Held && !r.exists("a.jpg"):
					t.Errorf("the file left: %v", r.files())
				case tc.status == journal.Failed && !r.exists("_failed/a.jpg"):
					t.Errorf("the file is neither in its place nor among the failed: %v", r.files())
				case tc.status == journal.Filed && (r.exists("a.jpg") || r.exists("_ingested/a.jpg") != (after == dropfolder.AfterMove)):
					t.Errorf("the file is not where it should be: %v", r.files())
				case tc.status == journal.Filed:
					r.wantNothingLeft(r.sandbox.State())
				}
				if strings.HasPrefix(tc.says, "what arrived") && len(available(r.sandbox.State())) > 0 {
					t.Error("an asset with other bytes was left behind")
				}
			})
		}
	}
}

// A content that cannot be read once, when the time for it is over already, as after an
// outage, is read again before anybody is asked.
func TestContentIsReadAgain(t *testing.T) {
	r := newFilingRig(t, dropfolder.AfterMove)
	r.config.VerifyTimeout = 2 * time.Nanosecond
	if err := r.sandbox.Configure(func(o *sandbox.Options) { o.SSEKMS, o.Checksums = true, "none" }); err != nil {
		t.Fatal(err)
	}
	r.queue(sandbox.Fault{Operation: "GetAssetContent", Kind: sandbox.FaultStatus, Status: 502})
	r.write("a.jpg", 1000, 1)
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Filed || !r.exists("_ingested/a.jpg") {
		t.Errorf("it is %s: %+v", e.Status, e.Reason)
	}
}

// TestContradictionUnderKeep looks at the asset of a file that stays, too, where an ETag
// looks like the MD5 of other bytes; one that says that it is none is believed.
func TestContradictionUnderKeep(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		knobs  func(*sandbox.Options)
		faults []sandbox.Fault
		status journal.Status
		looks  bool
	}{
		"KMS":    {func(o *sandbox.Options) { o.SSEKMS = true }, nil, journal.Filed, false},
		"silent": {func(o *sandbox.Options) { o.SilentKMS = true }, nil, journal.Filed, true},
		"damaged": {func(*sandbox.Options) {},
			[]sandbox.Fault{{Operation: sandbox.PutObject, Kind: sandbox.FaultWrongETag, Times: 2}}, journal.Failed, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, want.knobs)
			r.queue(want.faults...)
			r.write("a.jpg", 1000, 1)
			r.backfill()
			looks := r.sandbox.State().Counts.Requests["GetAsset"]
			if e := r.entry("a.jpg"); e.Status != want.status || (looks > 0) != want.looks {
				t.Errorf("it is %s after %d looks: %+v", e.Status, looks, e.Reason)
			}
		})
	}
}

// TestLeftoversAreProvedFirst has a folder move what it kept until now, and duplicates of
// it: not before the bytes are proved to be there.
func TestLeftoversAreProvedFirst(t *testing.T) {
	for _, after := range []dropfolder.After{dropfolder.AfterMove, dropfolder.AfterDelete} {
		t.Run(string(after), func(t *testing.T) {
			r := newFilingRig(t, dropfolder.AfterKeep)
			knobs := func(f func(*sandbox.Options)) {
				if err := r.sandbox.Configure(f); err != nil {
					t.Fatal(err)
				}
			}
			knobs(func(o *sandbox.Options) { o.SSEKMS, o.Checksums = true, "none" })
			r.write("a.jpg", 1000, 1)
			r.backfill()
			r.writeAlike("copy.jpg", "a.jpg")
			r.backfill()
			if a, c := r.entry("a.jpg"), r.entry("copy.jpg"); a.Status != journal.Filed || c.Status != journal.Duplicate {
				t.Fatalf("they are %s and %s", a.Status, c.Status)
			}
			r.config.Folders[0].After = after
			r.queue(sandbox.Fault{Operation: "GetAssetContent", Kind: sandbox.FaultStatus, Status: 403, Times: 2})
			tried := 1
			if after == dropfolder.AfterMove {
				tried = 2 // the duplicate as well
			}
			r.rescan("they were looked at", func(p *process) bool {
				n := 0
				for _, c := range r.chores(p) {
					n += c.Tries
				}
				return n >= tried
			})
			r.wantFiles("a.jpg", "copy.jpg")
			if !strings.Contains(r.log.String(), "nothing proves that Tenovos holds its bytes") {
				t.Errorf("the log does not say why:\n%s", r.log)
			}
			r.sandbox.ClearFaults()
			r.clock = func() time.Time { return time.Now().Add(time.Hour) } // the chores are due
			r.rescan("they are moved", func(p *process) bool { return !r.exists("a.jpg") && len(r.chores(p)) == 0 })
			if after == dropfolder.AfterMove {
				r.wantFiles("_ingested/a.jpg", "_ingested/copy.jpg")
			} else {
				r.wantFiles("copy.jpg") // a duplicate is never deleted
			}
		})
	}
}

// TestForeignUploadURLs holds files whose URLs an https API hands out for this machine:
// their assets are removed, no more are made, and a retry goes on.
func TestForeignUploadURLs(t *testing.T) {
	r := newRig(t, nil)
	r.config.Workers = 1
	r.store = func(ingest.Store) ingest.Store { return uploader.New(uploader.Config{API: "https://api.invalid/v1"}) }
	for i := range 6 {
		r.write(fmt.Sprintf("%d.jpg", i), 1000, 1)
	}
	r.backfill()
	for i := range 6 {
		e := r.entry(fmt.Sprintf("%d.jpg", i))
		if e.Status != journal.Held || !strings.Contains(e.Reason.Message, r.web.URL) || e.Reason.Hint == "" {
			t.Errorf("%s is %s: %+v", e.Path, e.Status, e.Reason)
		}
	}
	s := r.sandbox.State()
	if n := s.Counts.Requests["CreateAsset"]; n != 1 || len(available(s)) > 0 || s.Counts.Requests[sandbox.PutObject] > 0 {
		t.Errorf("%d assets were made, %d are left, %d files were sent", n, len(available(s)), s.Counts.Requests[sandbox.PutObject])
	}
	r.store = nil
	r.ask(desk.RequestRetry, desk.Selection{})
	r.backfill()
	r.wantExactly("0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg")
}

// TestProxiesBeforeTheStore ingests through each of them.
func TestProxiesBeforeTheStore(t *testing.T) {
	for _, knob := range []string{"refuse", "refuse-late", "ignore", "http10"} {
		r := newRig(t, func(o *sandbox.Options) { o.Expect, o.WeakETags = knob, true })
		for i := range 3 {
			r.write(fmt.Sprintf("%d.mov", i), 2*mib, 1)
		}
		r.config.Workers = 1
		r.backfill()
		r.wantExactly("0.mov", "1.mov", "2.mov")
		if want := map[bool]int{true: 4, false: 3}[strings.HasPrefix(knob, "refuse")]; r.sandbox.State().Counts.Requests[sandbox.PutObject] != want {
			t.Errorf("%s: %d requests, want %d", knob, r.sandbox.State().Counts.Requests[sandbox.PutObject], want)
		}
	}
}
