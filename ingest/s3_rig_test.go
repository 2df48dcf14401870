package ingest_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// long is the smallest file that is uploaded in parts, one of 100 MiB and one of
// 1 MiB, under a name that wants escaping wherever it goes.
const (
	long     = "Ölgemälde & Skizze #1 (100%?+).mov"
	longSize = 101 * mib
)

// s3Rig is a rig whose content lies in a bucket.
type s3Rig struct {
	*rig
	bucket *bucket
	ledger *ledger
}

func newS3Rig(t *testing.T) *s3Rig {
	t.Helper()
	b := newBucket(t)
	r := newRig(t, func(o *sandbox.Options) { o.Store = b })
	r.config.VerifyAsset = true // the MD5 that the sandbox finds in the bucket
	s := &s3Rig{rig: r, bucket: b, ledger: &ledger{}}
	r.store = s.ledger.over
	return s
}

// ledger is a Store that writes down what is asked of the real one and what is
// stored.
type ledger struct {
	store ingest.Store

	mu   sync.Mutex
	jobs [][]int         // the numbers of the parts of each upload
	done []uploader.Done // in the order of their reports
}

func (l *ledger) over(store ingest.Store) ingest.Store {
	l.store = store
	return l
}

func (l *ledger) Upload(ctx context.Context, job uploader.Job) error {
	var numbers []int
	for _, p := range job.Parts {
		numbers = append(numbers, p.Number)
	}
	done := job.Done
	job.Done = func(ctx context.Context, d uploader.Done) error {
		l.mu.Lock()
		l.done = append(l.done, d)
		l.mu.Unlock()
		return done(ctx, d)
	}
	l.mu.Lock()
	l.jobs = append(l.jobs, numbers)
	l.mu.Unlock()
	return l.store.Upload(ctx, job)
}

// storeFunc is a Store that is a function.
type storeFunc func(ctx context.Context, job uploader.Job) error

func (f storeFunc) Upload(ctx context.Context, job uploader.Job) error { return f(ctx, job) }

// sparse puts a file of zeros into the drop, where the content does not matter.
func (r *s3Rig) sparse(path string, size int64) {
	r.t.Helper()
	r.write(path, 0, 0)
	if err := os.Truncate(filepath.Join(r.drop, path), size); err != nil {
		r.t.Fatal(err)
	}
}

// wantStored is wantExactly, with the content in the bucket.
func (r *s3Rig) wantStored(t *testing.T, paths ...string) {
	t.Helper()
	r.wantExactly(paths...)
	r.wantBucket(t)
}

// wantBucket fails unless the bucket holds the content of each available asset and
// nothing else.
func (r *s3Rig) wantBucket(t *testing.T) {
	t.Helper()
	stored := map[string]storedObject{}
	for _, o := range r.bucket.objects(t) {
		stored[o.Key] = o
	}
	for _, a := range available(r.sandbox.State()) {
		o, ok := stored[a.Key]
		delete(stored, a.Key)
		if sum := r.bucket.md5(t, a.Key); !ok || o.Size != a.ContentSize || sum != a.ContentMD5 {
			t.Errorf("%s: the bucket holds %d bytes of MD5 %s, want %d of %s", a.Filename, o.Size, sum, a.ContentSize, a.ContentMD5)
		}
		if etag := strings.Trim(o.ETag, `"`); a.UploadID == "" && etag != a.ContentMD5 {
			t.Errorf("%s: ETag %s is not the content's MD5 %s", a.Filename, etag, a.ContentMD5)
		}
	}
	for key := range stored {
		t.Errorf("%s was left in the bucket", key)
	}
	r.wantNothingOpen(t)
}

// wantNothingOpen fails where the server itself knows of an upload that nobody
// ended, or a signature has got into a text that people read.
func (r *s3Rig) wantNothingOpen(t *testing.T) {
	t.Helper()
	for _, u := range r.bucket.openUploads(t) {
		t.Errorf("the upload %s of %s was left open", u.UploadID, u.Key)
	}
	texts := r.log.String()
	for _, e := range r.entries() {
		texts += e.Reason.Message + e.Reason.Hint
	}
	if strings.Contains(texts, "X-Amz-") || strings.Contains(texts, r.bucket.secret) {
		t.Error("a signed URL or the store's secret is in the log or the journal")
	}
}

// wantEntry returns the latest generation of a path after checking how it got
// where it is.
func (r *s3Rig) wantEntry(t *testing.T, path string, status journal.Status, attempts, expiries int) journal.Entry {
	t.Helper()
	e := r.entry(path)
	if e.Status != status || e.AttemptCount != attempts || e.Expiries != expiries {
		t.Errorf("%s is %s after %d attempts and %d expiries, want %s, %d, %d; reason: %s\nlog:\n%s",
			path, e.Status, e.AttemptCount, e.Expiries, status, attempts, expiries, e.Reason.Message, r.log)
	}
	return e
}

// dies runs a process until something kills it; nothing is tidied up then.
func (r *s3Rig) dies(t *testing.T, arrange func(kill func())) {
	t.Helper()
	ctx, kill := context.WithTimeout(t.Context(), time.Minute)
	defer kill()
	arrange(kill)
	p := r.start()
	defer r.close(p)
	if err := r.run(ctx, p); err != nil || ctx.Err() != context.Canceled {
		t.Fatalf("the process was to be killed: %v, %v\n%s", err, ctx.Err(), r.dump(p))
	}
	r.store, r.api = r.ledger.over, nil
}

// put sends body to a part's URL, whatever the part should hold.
func (r *s3Rig) put(ctx context.Context, part uploader.Part, body []byte) (uploader.Done, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, part.URL.Reveal(), bytes.NewReader(body))
	if err != nil {
		return uploader.Done{}, err
	}
	res, err := r.bucket.http.Do(req)
	if err != nil {
		return uploader.Done{}, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return uploader.Done{}, fmt.Errorf("put part %d: %s", part.Number, res.Status)
	}
	sum := md5.Sum(body)
	return uploader.Done{Number: part.Number, ETag: res.Header.Get("ETag"), MD5: sum[:], Comparable: true}, nil
}
