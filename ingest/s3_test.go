package ingest_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// The tests here move content into a real S3 server; `make test-s3` starts one.

func TestS3Single(t *testing.T) {
	r := newS3Rig(t)
	paths := []string{
		"no bytes.txt", "plain.jpg", "deep/er/b.jpg", " two  spaces and some around ", "ümläut ÄÖÜß.png",
		"u\u0308 decomposed.png", "a#b%c&d?e+f=g;h,i@j$k!l'm(n)o*p~q:r.tif", "100%25 %2F %00.jpg", "🎬 클립 映画.mov",
		`back\slash "quoted" <tag> |pipe| ^{x}[y].jpg`, strings.Repeat("n", 196) + ".jpg",
	}
	for i, p := range paths {
		r.write(p, i*70_001, 1)
	}
	r.backfill()
	r.wantStored(t, paths...)
	if len(r.ledger.done) != len(paths) {
		t.Errorf("%d PUTs were stored, want %d", len(r.ledger.done), len(paths))
	}
	for _, d := range r.ledger.done {
		if !d.Comparable || strings.Trim(d.ETag, `"`) != hex.EncodeToString(d.MD5) {
			t.Errorf("the ETag %s was not compared with the MD5 %x", d.ETag, d.MD5)
		}
	}
	r.backfill()
	if len(r.ledger.jobs) != len(paths) {
		t.Error("a second run sent something again")
	}
}

func TestS3SignedHeader(t *testing.T) {
	r := newS3Rig(t)
	r.bucket.signHeader = true
	r.write("a.jpg", 3*mib, 1)
	r.backfill()
	r.wantStored(t, "a.jpg")
	a := available(r.sandbox.State())[0]
	head, err := r.bucket.call(t.Context(), http.MethodHead, a.Key, nil, nil)
	if err != nil || head.header.Get("x-amz-meta-objectid") != a.ObjectID {
		t.Errorf("the object belongs to %q, want %s; %v", head.header.Get("x-amz-meta-objectid"), a.ObjectID, err)
	}
	if e := r.wantEntry(t, "a.jpg", journal.Filed, 1, 0); e.Failures != 0 {
		t.Errorf("%d failures were counted", e.Failures)
	}
}

func TestS3Multipart(t *testing.T) {
	r := newS3Rig(t)
	r.write(long, longSize, 1)
	r.backfill()
	r.wantStored(t, long)
	data := content(long, longSize, 1)
	first, last := md5.Sum(data[:100*mib]), md5.Sum(data[100*mib:])
	want := fmt.Sprintf(`"%x-2"`, md5.Sum(append(first[:], last[:]...)))
	for _, o := range r.bucket.objects(t) {
		if o.ETag != want {
			t.Errorf("the ETag is %s, want %s of two parts", o.ETag, want)
		}
	}
	for _, d := range r.ledger.done {
		if !d.Comparable {
			t.Errorf("the ETag of part %d was not compared", d.Number)
		}
	}
}

// killedOnComplete is an account whose caller dies when the upload is completed,
// before it is told.
type killedOnComplete struct {
	ingest.API
	kill func()
}

func (k killedOnComplete) CompleteUpload(ctx context.Context, c tenovos.Completion) error {
	if err := k.API.CompleteUpload(ctx, c); err != nil {
		return err
	}
	k.kill()
	return ctx.Err()
}

func TestS3ResumeAfterEachKill(t *testing.T) {
	r := newS3Rig(t)
	r.write(long, longSize, 1)
	r.dies(t, func(kill func()) { // the long part is on its way, the short one stored
		slow := uploader.New(uploader.Config{Parts: 2, Bandwidth: uploader.Steady(32 * mib)})
		r.store = func(ingest.Store) ingest.Store {
			return r.ledger.over(storeFunc(func(ctx context.Context, job uploader.Job) error {
				done := job.Done
				job.Done = func(ctx context.Context, d uploader.Done) error {
					defer kill()
					return done(ctx, d)
				}
				return slow.Upload(ctx, job)
			}))
		}
	})
	if len(r.bucket.openUploads(t)) != 1 || len(r.bucket.objects(t)) != 0 {
		t.Fatal("want an open upload and no object after the first kill")
	}
	r.dies(t, func(kill func()) {
		r.api = func(a ingest.API) ingest.API { return killedOnComplete{a, kill} }
	})
	r.backfill()
	r.wantStored(t, long)
	r.wantEntry(t, long, journal.Filed, 1, 0)
	if len(r.ledger.jobs) != 2 || !slices.Equal(r.ledger.jobs[0], []int{1, 2}) || !slices.Equal(r.ledger.jobs[1], []int{1}) {
		t.Errorf("parts were sent as %v, want 1 and 2, then 1", r.ledger.jobs)
	}
}

func TestS3Cancel(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(r *s3Rig) error // when the short part is stored
		status    journal.Status
		stored    []string
	}{
		"the file is rewritten": {func(r *s3Rig) error { r.write(long, 1000, 2); return nil }, journal.Filed, []string{long}},
		"the file is removed":   {func(r *s3Rig) error { return os.Remove(filepath.Join(r.drop, long)) }, journal.Superseded, nil},
		"the operator says so": {func(r *s3Rig) error {
			_, err := journal.Ask(t.Context(), r.journal, desk.RequestCancel, []byte(`{"folders": ["drop"]}`))
			return err
		}, journal.Cancelled, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newS3Rig(t)
			r.sparse(long, longSize)
			slow := uploader.New(uploader.Config{Bandwidth: uploader.Steady(32 * mib)})
			r.store = func(ingest.Store) ingest.Store {
				return r.ledger.over(storeFunc(func(ctx context.Context, job uploader.Job) error {
					if all := job.Parts; len(all) > 1 {
						job.Parts = all[1:]
						if err := slow.Upload(ctx, job); err != nil {
							return err
						}
						if err := tt.meanwhile(r); err != nil {
							t.Error(err)
						}
						job.Parts = all[:1]
					}
					return slow.Upload(ctx, job)
				}))
			}
			r.backfill()
			r.wantStored(t, tt.stored...)
			e := r.entry(long)
			if e.Status != tt.status {
				t.Errorf("%s is %s, want %s: %s\n%s", long, e.Status, tt.status, e.Reason.Message, r.log)
			}
			if u := r.sandbox.State().Uploads; len(u) != 1 || u[0].Status != "cancelled" {
				t.Errorf("want one upload, cancelled, got %+v", u)
			}
		})
	}
}

func TestS3ExpiredURL(t *testing.T) {
	for name, tt := range map[string]struct {
		size int64
		part int           // whose first URL is dead
		late time.Duration // how far our clock is behind the store's
	}{
		"single, by our clock":        {size: 1000},
		"single, by the store's word": {size: 3 * mib, late: 2 * time.Hour},
		"part, by our clock":          {size: longSize, part: 1},
		"part, by the store's word":   {size: longSize, part: 2, late: 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			r := newS3Rig(t)
			r.write(long, int(tt.size), 1)
			var once sync.Once
			r.bucket.age = func(part int) (age time.Duration) {
				if part == tt.part {
					once.Do(func() { age = 25 * time.Hour })
				}
				return age
			}
			r.store = func(ingest.Store) ingest.Store {
				return r.ledger.over(uploader.New(uploader.Config{Parts: 2, Clock: func() time.Time { return time.Now().Add(-tt.late) }}))
			}
			r.backfill()
			r.wantStored(t, long)
			if e := r.wantEntry(t, long, journal.Filed, 2, 1); e.Failures != 0 {
				t.Errorf("%d failures were counted", e.Failures)
			}
		})
	}
}

// TestS3ForgottenUpload aborts the upload behind everyone's back, as a bucket's
// lifecycle rule does.
func TestS3ForgottenUpload(t *testing.T) {
	r := newS3Rig(t)
	r.write(long, longSize, 1)
	forget := sync.OnceFunc(func() {
		for _, u := range r.bucket.openUploads(t) {
			if err := r.bucket.AbortUpload(t.Context(), u.Key, u.UploadID); err != nil {
				t.Error(err)
			}
		}
	})
	r.store = func(s ingest.Store) ingest.Store {
		return r.ledger.over(storeFunc(func(ctx context.Context, job uploader.Job) error {
			forget()
			return s.Upload(ctx, job)
		}))
	}
	r.backfill()
	r.wantStored(t, long)
	r.wantEntry(t, long, journal.Filed, 2, 0)
	if got := available(r.sandbox.State()); len(got) != 1 || got[0].ContentSize != longSize {
		t.Errorf("want one asset with all its content, got %+v", got)
	}
}

func TestS3PartsThatCannotBeCompleted(t *testing.T) {
	short := func(ctx context.Context, r *s3Rig, part uploader.Part) (uploader.Done, error) {
		return r.put(ctx, part, []byte("less than 5 MiB"))
	}
	overwritten := func(ctx context.Context, r *s3Rig, part uploader.Part) (uploader.Done, error) {
		done, err := r.put(ctx, part, make([]byte, 5*mib))
		if err != nil {
			return done, err
		}
		_, err = r.put(ctx, part, make([]byte, 5*mib+1))
		return done, err
	}
	for name, tt := range map[string]struct {
		send  func(context.Context, *s3Rig, uploader.Part) (uploader.Done, error)
		times int    // how many attempts are spoilt
		code  string // S3's, in the reason of a file that fails
	}{
		"too small once":     {send: short, times: 1},
		"too small always":   {send: short, times: 99, code: "EntityTooSmall"},
		"overwritten always": {send: overwritten, times: 99, code: "InvalidPart"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newS3Rig(t)
			r.sparse(long, longSize)
			attempts := 0 // one worker has the file
			r.store = func(s ingest.Store) ingest.Store {
				return r.ledger.over(storeFunc(func(ctx context.Context, job uploader.Job) error {
					if attempts++; attempts > tt.times {
						return s.Upload(ctx, job)
					}
					for _, part := range job.Parts {
						done, err := tt.send(ctx, r, part)
						if err != nil {
							return err
						}
						if err := job.Done(ctx, done); err != nil {
							return err
						}
					}
					return nil
				}))
			}
			r.backfill()
			if tt.code == "" {
				r.wantStored(t, long)
				r.wantEntry(t, long, journal.Filed, 2, 0)
				return
			}
			r.wantStored(t)
			e := r.wantEntry(t, long, journal.Failed, 2, 0)
			if !strings.Contains(e.Reason.Message, tt.code) || e.Reason.Hint == "" {
				t.Errorf("the reason does not name %s and what to do: %+v", tt.code, e.Reason)
			}
		})
	}
}

// flip is a transport that changes one byte on the way, a number of times.
type flip struct {
	http.RoundTripper
	mu   sync.Mutex
	left int
}

func (f *flip) RoundTrip(req *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left > 0 && req.Body != nil {
		f.left--
		req = req.Clone(req.Context())
		req.Body = &flippedBody{ReadCloser: req.Body}
	}
	return f.RoundTripper.RoundTrip(req)
}

type flippedBody struct {
	io.ReadCloser
	flipped bool
}

func (b *flippedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && !b.flipped {
		p[n/2] ^= 1
		b.flipped = true
	}
	return n, err
}

func TestS3ETagTellsOfABadNetwork(t *testing.T) {
	for name, tt := range map[string]struct {
		flips  int
		status journal.Status
	}{
		"once": {1, journal.Filed}, "always": {99, journal.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newS3Rig(t)
			r.write("a.jpg", mib, 1)
			wire := &flip{RoundTripper: r.bucket.http.Transport, left: tt.flips}
			r.store = func(ingest.Store) ingest.Store {
				return r.ledger.over(uploader.New(uploader.Config{HTTP: &http.Client{Transport: wire}}))
			}
			r.backfill()
			e := r.wantEntry(t, "a.jpg", tt.status, 1, 0)
			if tt.status == journal.Filed {
				r.wantStored(t, "a.jpg")
				return
			}
			// The bad bytes stay in the bucket, below an asset that is deleted.
			r.wantExactly()
			r.wantNothingOpen(t)
			if !strings.Contains(e.Reason.Message, "other bytes than were sent") || e.Reason.Hint == "" {
				t.Errorf("the reason does not say what happened and what to do: %+v", e.Reason)
			}
		})
	}
}
