package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

func apiError(kind tenovos.Kind) error {
	return fmt.Errorf("create asset: %w", &tenovos.Error{Op: "create asset", Kind: kind, Status: 400, Message: "no"})
}

// Refusals that are no file's own.
var (
	proxys403    = &uploader.IntermediaryError{Host: "store.example", Err: &uploader.StoreError{Status: 403}}
	bornDead     = &uploader.ExpiredError{Life: 24 * time.Hour, Age: time.Second, Cause: &uploader.StoreError{Status: 403, Code: "AccessDenied"}}
	foreignReply = &tenovos.Error{Op: "create asset", Kind: tenovos.Unavailable, Status: 413, Err: tenovos.ErrIntermediary}
	mayNotUpload = &tenovos.Error{Op: "create asset", Kind: tenovos.Rejected, Status: 403, Err: tenovos.ErrForbidden}
)

// TestDispose holds one answer for each kind of error, and where the answer
// depends on the status or on what was tried before, one for each.
func TestDispose(t *testing.T) {
	l := limits{attempts: 3, expiries: 2}
	for _, c := range []struct {
		name   string
		entry  journal.Entry
		err    error
		unmade bool    // the create that failed made nothing
		want   verdict // reason is not compared
		hint   bool
	}{
		{name: "moved by somebody else", err: journal.ErrMoved, want: verdict{do: leave}},
		{name: "the process ends", err: fmt.Errorf("upload: %w", context.Canceled), want: verdict{do: leave}},
		{name: "drained", err: uploader.ErrStopped, want: verdict{do: leave}},
		{name: "journal", err: fmt.Errorf("x: %w", journal.ErrJournal), want: verdict{do: stop}},
		{name: "journal while a part is stored", err: fmt.Errorf("upload: %w", &journalError{journal.ErrFull}), want: verdict{do: stop}},

		{name: "gone before anything", entry: journal.Entry{Status: journal.Settled}, err: uploader.ErrSourceGone, want: verdict{to: journal.Superseded}},
		{name: "gone during the upload", entry: journal.Entry{Status: journal.Uploading}, err: uploader.ErrSourceGone, want: verdict{to: journal.Settled}},
		{name: "gone after the upload", entry: journal.Entry{Status: journal.Verifying}, err: uploader.ErrSourceGone, want: verdict{to: journal.Held}, hint: true},
		{name: "folder away", entry: journal.Entry{Status: journal.Mapped}, err: mounts.Gone(fs.ErrNotExist), want: verdict{do: retry, after: mounts.Wait}},
		{name: "share's server died", entry: journal.Entry{Status: journal.Uploading, Failures: 2}, err: mounts.Gone(&fs.PathError{Op: "open", Path: "/drop", Err: syscall.ENOTCONN}), want: verdict{do: retry, after: mounts.Wait}},
		{name: "folder not readable", entry: journal.Entry{Status: journal.Verified}, err: mounts.Gone(&fs.PathError{Op: "open", Path: "/drop", Err: fs.ErrPermission}), want: verdict{do: retry, after: mounts.Wait}},
		{name: "changed", entry: journal.Entry{Status: journal.Uploading}, err: uploader.ErrSourceChanged, want: verdict{to: journal.Settled}},
		{name: "unreadable", entry: journal.Entry{Status: journal.Settled}, err: &fs.PathError{Op: "open", Path: "a", Err: fs.ErrPermission}, want: verdict{to: journal.Failed}, hint: true},
		{name: "disk error", entry: journal.Entry{Status: journal.Uploading}, err: &fs.PathError{Op: "read", Path: "a", Err: syscall.EIO}, want: verdict{do: retry, count: true}},
		{name: "disk error, again and again", entry: journal.Entry{Status: journal.Uploading, Failures: 2}, err: &fs.PathError{Op: "read", Path: "a", Err: syscall.EIO}, want: verdict{to: journal.Failed, count: true}, hint: true},

		{name: "expired", entry: journal.Entry{Status: journal.Uploading}, err: uploader.ErrURLExpired, want: verdict{to: journal.Mapped, expiry: true}},
		{name: "expired too often", entry: journal.Entry{Status: journal.Uploading, Expiries: 1}, err: uploader.ErrURLExpired, want: verdict{to: journal.Held, expiry: true}, hint: true},
		{name: "clock", entry: journal.Entry{Status: journal.Uploading}, err: uploader.ErrClockSkew, want: verdict{do: retry, shared: outage.ContentStore, waits: true, last: journal.Held, dead: true}, hint: true},
		{name: "wrong ETag", entry: journal.Entry{Status: journal.Uploading}, err: uploader.ErrChecksum, want: verdict{do: retry, count: true}},
		{name: "wrong ETag twice", entry: journal.Entry{Status: journal.Uploading, Reason: journal.Reason{Class: reasons.ClassChecksum}}, err: uploader.ErrChecksum, want: verdict{to: journal.Failed, count: true}, hint: true},
		{name: "upload forgotten", entry: journal.Entry{Status: journal.Uploading}, err: uploader.ErrNoSuchUpload, want: verdict{to: journal.Mapped, count: true}},
		{name: "store refuses", entry: journal.Entry{Status: journal.Uploading}, err: &uploader.StoreError{Status: 403, Code: "AccessDenied"}, want: verdict{to: journal.Mapped, count: true, shared: outage.ContentStore}},
		{name: "store refuses to the end", entry: journal.Entry{Status: journal.Uploading, Failures: 2}, err: &uploader.StoreError{Status: 403, Code: "AccessDenied"}, want: verdict{to: journal.Failed, count: true, shared: outage.ContentStore}, hint: true},
		{name: "store busy", entry: journal.Entry{Status: journal.Uploading}, err: &uploader.StoreError{Status: 503, Code: "SlowDown"}, want: verdict{do: retry, count: true, shared: outage.ContentStore}},
		{name: "a proxy refuses", entry: journal.Entry{Status: journal.Uploading, Failures: 9}, err: proxys403, want: verdict{do: retry, shared: outage.ContentStore, waits: true, last: journal.Held}, hint: true},
		{name: "dead when it was handed out", entry: journal.Entry{Status: journal.Uploading}, err: bornDead, want: verdict{to: journal.Mapped, expiry: true, shared: outage.ContentStore, dead: true}, hint: true},
		{name: "expired while a proxy refused", entry: journal.Entry{Status: journal.Uploading, Expiries: 9, Reason: journal.Reason{Class: reasons.ClassHeldUp}}, err: uploader.ErrURLExpired, want: verdict{to: journal.Mapped}},
		{name: "a proxy refuses the create", entry: journal.Entry{Status: journal.Creating}, err: foreignReply, want: verdict{do: pause, shared: outage.Call(journal.Creating), waits: true, last: journal.Failed}, hint: true},
		{name: "a proxy refuses a look", entry: journal.Entry{Status: journal.Verifying, Failures: 9}, err: foreignReply, want: verdict{do: pause, to: journal.Held, count: true}, hint: true},
		{name: "a right is missing", entry: journal.Entry{Status: journal.Creating}, unmade: true, err: mayNotUpload, want: verdict{do: pause, to: journal.Mapped, shared: sharedCreate, waits: true, last: journal.Failed}, hint: true},
		{name: "stalled", entry: journal.Entry{Status: journal.Uploading}, err: uploader.ErrStalled, want: verdict{do: retry, count: true, shared: outage.ContentStore}},
		{name: "unreachable", entry: journal.Entry{Status: journal.Uploading}, err: uploader.ErrUnreachable, want: verdict{do: retry, count: true, shared: outage.ContentStore}},
		{name: "store redirects", entry: journal.Entry{Status: journal.Uploading, Failures: 2}, err: &uploader.StoreError{Status: 307, Code: "TemporaryRedirect"}, want: verdict{do: retry, shared: outage.ContentStore, waits: true, last: journal.Held}, hint: true},
		{name: "URL of this machine", entry: journal.Entry{Status: journal.Uploading, Failures: 2}, err: uploader.ErrForeignHost, want: verdict{to: journal.Held}, hint: true},

		{name: "throttled", entry: journal.Entry{Status: journal.Creating}, unmade: true, err: apiError(tenovos.Throttled), want: verdict{do: pause, to: journal.Mapped, after: outage.FirstProbe}},
		{name: "throttled for a day", entry: journal.Entry{Status: journal.Creating},
			unmade: true, err: &tenovos.Error{Op: "create asset", Kind: tenovos.Throttled, RetryAfter: 24 * time.Hour},
			want: verdict{do: pause, to: journal.Mapped, after: outage.LongestRest}},
		{name: "API down", entry: journal.Entry{Status: journal.Uploading}, err: apiError(tenovos.Unavailable), want: verdict{do: pause, count: true}},
		{name: "API down during the look for a lost create", entry: journal.Entry{Status: journal.Creating}, err: &stage.LookError{Err: apiError(tenovos.Unavailable)}, want: verdict{do: pause, count: true}},
		{name: "look for a lost create refused", entry: journal.Entry{Status: journal.Creating}, err: &stage.LookError{Err: apiError(tenovos.Rejected)}, want: verdict{do: retry, count: true}},
		{name: "look for a lost create refused to the end", entry: journal.Entry{Status: journal.Creating, Failures: 9}, err: &stage.LookError{Err: apiError(tenovos.Rejected)}, want: verdict{to: journal.Failed}, hint: true},
		{name: "look at a lost completion failing for good", entry: journal.Entry{Status: journal.Completing, Failures: 9}, err: &stage.LookError{Err: apiError(tenovos.Unavailable)}, want: verdict{do: pause, count: true}},
		{name: "API down to the end while verifying", entry: journal.Entry{Status: journal.Verifying, Failures: 9}, err: apiError(tenovos.Unavailable), want: verdict{do: pause, to: journal.Held, count: true}, hint: true},
		{name: "unreadable while verifying", entry: journal.Entry{Status: journal.Verifying}, err: &fs.PathError{Op: "open", Path: "a", Err: fs.ErrPermission}, want: verdict{to: journal.Held}, hint: true},
		{name: "API down, not created", entry: journal.Entry{Status: journal.Creating}, unmade: true, err: apiError(tenovos.Unavailable), want: verdict{do: pause, to: journal.Mapped, count: true}},
		{name: "unauthorized", entry: journal.Entry{Status: journal.Mapped}, err: apiError(tenovos.Unauthorized), want: verdict{do: pause, count: true}},
		{name: "unauthorized to the end", entry: journal.Entry{Status: journal.Mapped, Failures: 2}, err: apiError(tenovos.Unauthorized), want: verdict{do: pause, to: journal.Failed, count: true}, hint: true},
		{name: "create in doubt", entry: journal.Entry{Status: journal.Creating}, err: apiError(tenovos.Ambiguous), want: verdict{do: pause, count: true, shared: outage.Call(journal.Creating)}},
		{name: "create refused", entry: journal.Entry{Status: journal.Creating}, unmade: true, err: apiError(tenovos.Rejected), want: verdict{to: journal.Failed}, hint: true},
		{name: "look refused before a create", entry: journal.Entry{Status: journal.Settled, Failures: 9}, err: &stage.HoldingsError{Err: apiError(tenovos.NotFound)}, want: verdict{do: retry, shared: outage.Call(journal.Settled), waits: true, last: journal.Held}, hint: true},
		{name: "complete refused", entry: journal.Entry{Status: journal.Completing}, err: apiError(tenovos.Rejected), want: verdict{to: journal.Mapped, count: true}},
		{name: "asset vanished", entry: journal.Entry{Status: journal.Verifying}, err: apiError(tenovos.NotFound), want: verdict{to: journal.Held}, hint: true},
		{name: "cancel refused", entry: journal.Entry{Status: journal.Cancelling}, err: apiError(tenovos.Rejected), want: verdict{do: retry}},
		{name: "a cancel never fails the file", entry: journal.Entry{Status: journal.Cancelling, Failures: 9}, err: errors.New("odd"), want: verdict{do: retry}},

		{name: "refused login", entry: journal.Entry{Status: journal.Mapped, Failures: 9}, err: fmt.Errorf("%w: %w", tenovos.ErrSession, apiError(tenovos.Rejected)), want: verdict{do: retry}},
		{name: "anything else", entry: journal.Entry{Status: journal.Mapped}, err: errors.New("odd"), want: verdict{do: retry, count: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := l
			l.unmade = c.unmade
			got := dispose(c.entry, c.err, l)
			reason := got.reason
			got.reason = journal.Reason{}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if c.hint && (reason.Message == "" || reason.Hint == "") {
				t.Errorf("an operator is told too little: %+v", reason)
			}
			if got.to != "" && c.entry.Status != "" {
				to := got.to
				if c.entry.Status == journal.Uploading || c.entry.Status == journal.Completing {
					if !journal.CanAdvance(journal.Cancelling, to) {
						t.Errorf("a cancel cannot lead to %s", to)
					}
				} else if got.do == moveOn && !journal.CanAdvance(c.entry.Status, to) {
					t.Errorf("%s cannot become %s", c.entry.Status, to)
				}
			}
		})
	}
}

func TestReasonsHoldNoSignature(t *testing.T) {
	err := &url.Error{Op: "Put", URL: "https://b/k?X-Amz-Signature=5f7e", Err: syscall.ECONNRESET}
	if r := reasons.Of(reasons.ClassNetwork, err, ""); strings.Contains(r.Message, "5f7e") {
		t.Error(r.Message)
	}
}

func TestBackoffGrowsToItsLimit(t *testing.T) {
	p := &core{cfg: Config{RetryInitial: 1000, RetryMax: 16_000}}
	last := p.backoff(1)
	if last > 1000 || last < 800 {
		t.Errorf("the first wait is %d", last)
	}
	for n := 2; n < 100; n++ {
		d := p.backoff(n)
		if d > 16_000 || d < 800 {
			t.Fatalf("wait %d is %d", n, d)
		}
	}
}

// TestDeniedIsWaitedFor: a daemon spends a file's attempts on waiting for the right to
// read it, whoever refuses it; a backfill does not.
func TestDeniedIsWaitedFor(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EACCES, syscall.EPERM} {
		err := &shelf.DeniedError{User: "ingestd", What: `may not read "a", which belongs to alice:drop with mode 0600`, Err: &fs.PathError{Op: "open", Path: "a", Err: errno}}
		for _, c := range []struct {
			name  string
			entry journal.Entry
			waits bool
			want  verdict
		}{
			{"first", journal.Entry{Status: journal.Settled}, true, verdict{do: retry, count: true}},
			{"last", journal.Entry{Status: journal.Settled, Failures: 2}, true, verdict{to: journal.Failed, count: true}},
			{"in mid-upload", journal.Entry{Status: journal.Uploading}, true, verdict{do: retry, count: true}},
			{"handed over", journal.Entry{Status: journal.Verifying, Failures: 2}, true, verdict{to: journal.Held, count: true}},
			{"in a backfill", journal.Entry{Status: journal.Settled}, false, verdict{to: journal.Failed}},
		} {
			got := dispose(c.entry, err, limits{attempts: 3, expiries: 2, waits: c.waits})
			if !strings.Contains(got.reason.Message, "the user ingestd may not read") || got.reason.Hint == "" {
				t.Errorf("%s, %v: the reason is %+v", c.name, errno, got.reason)
			}
			if got.reason = (journal.Reason{}); got != c.want {
				t.Errorf("%s, %v: %+v, want %+v", c.name, errno, got, c.want)
			}
		}
	}
}
