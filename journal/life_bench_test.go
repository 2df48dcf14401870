package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// What BenchmarkLife measures: so many files at a time, in so many hands, so often. Many
// short rounds in turn bear more of what else the machine does than a few long ones.
const lifeFiles, lifeWorkers, lifeRounds = 500, 8, 21

// BenchmarkLife measures the journal alone: small files go through all their moves,
// with what the pipeline reads in between, over a journal of 10,000 filed entries and
// over one of a million, in turn. It reports the medians, and how many times as long
// a file takes over the second.
func BenchmarkLife(b *testing.B) {
	small, large := openLife(b, 10_000), openLife(b, 1_000_000)
	small.live(b, lifeFiles) // what is used for the first time is not measured
	large.live(b, lifeFiles)
	for b.Loop() {
		var fast, slow []float64
		for range lifeRounds {
			fast = append(fast, lifeFiles/small.live(b, lifeFiles).Seconds())
			slow = append(slow, lifeFiles/large.live(b, lifeFiles).Seconds())
		}
		slices.Sort(fast)
		slices.Sort(slow)
		b.ReportMetric(fast[lifeRounds/2], "files/s@10k")
		b.ReportMetric(slow[lifeRounds/2], "files/s@1M")
		b.ReportMetric(fast[lifeRounds/2]/slow[lifeRounds/2], "x@1M")
	}
}

// openLife opens a journal of as many filed entries, as a daemon finds it.
func openLife(b *testing.B, rows int) *life {
	b.Helper()
	path := filepath.Join(b.TempDir(), "journal.db")
	j, err := Open(b.Context(), path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	history(b, j, rows)
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	if j, err = Open(b.Context(), path, Options{}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = j.Close() })
	<-j.checked // or the check would compete with what is measured
	return &life{journal: j, next: rows, skip: map[int64]bool{}}
}

// life brings files through a journal as a dispatcher and its workers do.
type life struct {
	journal *Journal
	next    int // the file that is admitted next, as historyFile has it

	mu   sync.Mutex
	skip map[int64]bool // entries in a worker's hands
}

// live admits n files and files them.
func (l *life) live(b *testing.B, n int) time.Duration {
	b.Helper()
	begun := time.Now()
	freed := make(chan struct{}, 1)
	g, ctx := errgroup.WithContext(b.Context())
	slots := make(chan struct{}, lifeWorkers)
	g.Go(func() error { return l.admit(ctx, n, freed) })
	g.Go(func() error {
		for left := n; left > 0; {
			sent, err := l.handOut(ctx, g, slots, freed)
			if err != nil {
				return err
			}
			if left -= sent; sent > 0 {
				continue
			}
			if _, _, err := l.journal.NextWake(ctx, time.Now()); err != nil {
				return err
			}
			select {
			case <-freed:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun)
}

// admit records files as the watcher finds them, a hundred at a time.
func (l *life) admit(ctx context.Context, n int, freed chan<- struct{}) error {
	files := make([]file.File, n)
	for i := range files {
		l.next++
		files[i] = historyFile(l.next)
	}
	for batch := range slices.Chunk(files, 100) {
		fresh, err := l.journal.Reader().Unknown(ctx, batch)
		if err == nil {
			_, err = l.journal.Admit(ctx, fresh)
		}
		if err != nil {
			return err
		}
		poke(freed)
	}
	return nil
}

func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// handOut gives an entry to each free worker.
func (l *life) handOut(ctx context.Context, g *errgroup.Group, slots, freed chan struct{}) (int, error) {
	free := cap(slots) - len(slots)
	if free == 0 {
		return 0, nil
	}
	l.mu.Lock()
	var held []int64
	for id := range l.skip {
		held = append(held, id)
	}
	l.mu.Unlock()
	claims, err := l.journal.Runnable(ctx, time.Now(), shares(free, "photos"), held, free)
	if err != nil {
		return 0, err
	}
	for _, c := range claims {
		slots <- struct{}{}
		l.mu.Lock()
		l.skip[c.ID] = true
		l.mu.Unlock()
		g.Go(func() error {
			defer func() {
				l.mu.Lock()
				delete(l.skip, c.ID)
				l.mu.Unlock()
				<-slots
				poke(freed)
			}()
			if err := l.work(ctx, c); err != nil {
				return fmt.Errorf("entry %d: %w", c.ID, err)
			}
			return nil
		})
	}
	return len(claims), nil
}

// work carries one entry to its end, as the pipeline does.
func (l *life) work(ctx context.Context, c Claim) (err error) {
	e := c.Entry
	if !c.Whole() {
		e, err = l.journal.Entry(ctx, c.ID)
	}
	for err == nil && e.Status != Filed {
		e, err = l.step(ctx, e)
	}
	return err
}

// lifeAsset is as long as that of a file with a handful of values.
var lifeAsset, _ = json.Marshal(map[string]string{"templateId": "t", "metadata": fmt.Sprintf("%600s", "m")})

// step is what the pipeline asks and records of an ordinary small file in a status.
func (l *life) step(ctx context.Context, e Entry) (Entry, error) {
	j := l.journal
	name := filepath.Base(e.Path)
	switch e.Status {
	case Settled:
		prev, _, err := j.Reader().Previous(ctx, e)
		if err != nil {
			return e, err
		}
		if _, err := j.Reader().SameFile(ctx, e); err != nil {
			return e, err
		}
		if same, err := j.Reader().HasSameSize(ctx, e); err != nil || same {
			return e, errors.Join(err, errors.New("its size is known"))
		}
		return j.Advance(ctx, Move{ID: e.ID, Was: &e, From: Settled, To: Creating, Asset: lifeAsset, Filename: name,
			FactsAt: time.Now(), MappedAt: e.MappedAt, Previous: &prev.ID, ChangeTime: &e.ChangeTime})
	case Creating:
		return j.Advance(ctx, Move{ID: e.ID, Was: &e, From: Creating, To: Uploading, Created: &Creation{
			ObjectID: fmt.Sprintf("0b5e6a52-0d6c-4a3c-9d3e-%012d", e.ID), FileID: fmt.Sprintf("1c6f7b63-1e7d-4b4d-8e4f-%012d", e.ID),
			OriginalFileID: fmt.Sprintf("1c6f7b63-1e7d-4b4d-8e4f-%012d", e.ID), Expires: time.Now().Add(24 * time.Hour), PartSize: e.Size,
			Parts: []Part{{Number: 1, Size: e.Size, URL: secret.URL(fmt.Sprintf("https://store.example/masters/%012d/%s?%s=%0300d", e.ID, name, signature, 0))}},
		}})
	default:
		sum := fmt.Sprintf("%032d", e.ID)
		done := Part{Number: 1, ETag: `"` + sum + `"`, MD5: []byte(sum[:16]), Proven: true, DoneAt: time.Now()}
		return j.Advance(ctx, Move{ID: e.ID, Was: &e, From: Uploading, To: Filed, Learned: Learned{SHA256: []byte(sum), Parts: []Part{done}}})
	}
}
