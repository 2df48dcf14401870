package manifest

import (
	order "container/list"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// DefaultMemory is what the manifests of a [Cache] may take of memory together
// where nothing else is said, and DefaultVirtualRows how many rows of one manifest may
// make assets without files.
const (
	DefaultMemory      = 256 << 20
	DefaultVirtualRows = 100_000
)

const (
	// keepFor is how many times as long as its reading took a manifest stays that is in
	// use: where there is no room for all, most of the time goes into using them.
	keepFor = 8

	// roomWait is when room is looked for again where nobody knows when there is some.
	roomWait = 250 * time.Millisecond

	// readPatience is how long the reading of a manifest is waited for by those who need
	// it, before they are sent away.
	readPatience = time.Second

	// maxReadWait bounds how long they stay away.
	maxReadWait = 30 * time.Second

	resizedBy = 8 << 20

	// KeepUnused is how long a manifest is kept when nobody asks for it.
	KeepUnused = 5 * time.Minute
)

// ErrStopped says that a manifest is not read because of [Cache.Stop].
var ErrStopped = errors.New("the reading of manifests was ended")

// NotYetError says that a manifest cannot be looked at for now, and when to ask again.
type NotYetError struct {
	Manifest string // its path below the folder
	After    time.Duration
	limit    int64 // of the memory, where that is what there is too little of; else 0
}

func (e *NotYetError) Error() string {
	if e.limit > 0 {
		return fmt.Sprintf("the manifest %s waits for room: those of all folders that are in use take the %s of `manifests.memory`", metadata.Clean(e.Manifest), mib(e.limit))
	}
	return fmt.Sprintf("the manifest %s is just being read", metadata.Clean(e.Manifest))
}

func mib(bytes int64) string { return fmt.Sprintf("%.4g MiB", float64(bytes)/(1<<20)) }

// Cache bounds what the manifests of all folders take of memory together. Those that
// were not used for the longest time are let go where another one needs the room, and
// are read again when they are needed. It is safe for concurrent use, and nobody waits
// in it for a file system.
type Cache struct {
	// Resized, where it is set before the first use, is told how many bytes manifests
	// take, when that has changed by resizedBy or more. It is called concurrently.
	Resized func(bytes int64)

	limit int64
	stop  chan struct{}
	once  sync.Once

	mu    sync.Mutex
	told  int64       // to Resized
	taken int64       // bytes, of those that are kept and of those that are being read
	kept  order.List  // of *cached, the least recently used one first
	sweep *time.Timer // lets go what nobody asked for in a while; nil before there is anything
}

// NewCache returns a Cache of so many bytes.
func NewCache(limit int64) *Cache { return &Cache{limit: limit, stop: make(chan struct{})} }

// Stop ends what is being read, and the waiting for it, with ErrStopped. Nothing is
// read afterwards.
func (t *Cache) Stop() { t.once.Do(func() { close(t.stop) }) }

func (t *Cache) stopped() error {
	select {
	case <-t.stop:
		return ErrStopped
	default:
		return nil
	}
}

// Patiently calls do until it does not return a NotYetError any more, at the times that
// these name.
func (t *Cache) Patiently(do func() error) error {
	for {
		err := do()
		later, ok := errors.AsType[*NotYetError](err)
		if !ok {
			return err
		}
		select {
		case <-time.After(later.After):
		case <-t.stop:
			return ErrStopped
		}
	}
}

// cached is a manifest that was read, until it is let go.
type cached struct {
	manifest   *Manifest
	size       int64
	took       time.Duration // to read it
	read, used time.Time
	pins       int // of those who keep it from being let go
	place      *order.Element
}

// get returns the manifest of a table, nil if it was let go. With pin it is not let go
// before unpin.
func (t *Cache) get(tb *cached, pin bool) *Manifest {
	if tb == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if tb.place == nil {
		return nil
	}
	tb.used = time.Now()
	t.kept.MoveToBack(tb.place)
	if pin {
		tb.pins++
	}
	return tb.manifest
}

func (t *Cache) unpin(tb *cached) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tb.pins--
}

// letGo forgets a table, which may be nil.
func (t *Cache) letGo(tb *cached) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(tb)
}

func (t *Cache) drop(tb *cached) {
	if tb == nil || tb.place == nil {
		return
	}
	t.kept.Remove(tb.place)
	t.taken -= tb.size
	tb.place, tb.manifest = nil, nil
}

// stays returns until when a table is not let go for another one's sake: a while, if it
// is in use.
func (tb *cached) stays() time.Time {
	until, unused := tb.read.Add(keepFor*tb.took), tb.used.Add(tb.took)
	if unused.Before(until) {
		return unused
	}
	return until
}

// take makes room for so many bytes more, and takes it, or says when to ask again.
func (t *Cache) take(bytes int64) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	wait = roomWait
	free := t.limit - t.taken
	var going []*cached
	for e := t.kept.Front(); e != nil && free < bytes; e = e.Next() {
		tb := e.Value.(*cached) //nolint:forcetypeassert // there is nothing else in it
		stays := tb.stays().Sub(now)
		switch {
		case tb.pins > 0:
		case stays > 0:
			wait = max(min(wait, stays), time.Millisecond)
		default:
			going, free = append(going, tb), free+tb.size
		}
	}
	if free < bytes {
		return wait, false
	}
	for _, tb := range going {
		t.drop(tb)
	}
	t.taken += bytes
	return 0, true
}

func (t *Cache) giveBack(bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken -= bytes
}

// claim is what a manifest that is being read takes of memory. It implements quota.
type claim struct {
	cache *Cache
	bytes int64 // that were taken of the limit
	used  int64 // of these
	since time.Time
}

// errCrowded says that there is no room for a manifest that might have it alone.
var errCrowded = errors.New("there is no room for the manifest beside others")

// claim takes room for a manifest that needs so much at the least, or says when to ask
// again.
func (t *Cache) claim(least int64) (c *claim, wait time.Duration) {
	least = min(least, t.limit)
	if wait, ok := t.take(least); !ok {
		return nil, wait
	}
	t.tell()
	return &claim{cache: t, bytes: least, since: time.Now()}, 0
}

// grow implements quota.
func (c *claim) grow(bytes int64) error {
	c.used += bytes
	more := c.used - c.bytes
	if more <= 0 {
		return nil
	}
	if c.used > c.cache.limit {
		return fmt.Errorf("it takes more memory than the %s that `manifests.memory` allows for the manifests of all folders; split it, or raise that", mib(c.cache.limit))
	}
	if _, ok := c.cache.take(more); !ok {
		return errCrowded
	}
	c.bytes += more
	return nil
}

// goOn implements quota.
func (c *claim) goOn() error { return c.cache.stopped() }

// end gives back what was claimed, or keeps of it what a manifest takes; that may be
// nil.
func (c *claim) end(m *Manifest) *cached {
	defer c.cache.tell()
	if m == nil {
		c.cache.giveBack(c.bytes)
		return nil
	}
	now := time.Now()
	tb := &cached{manifest: m, size: m.size(), took: now.Sub(c.since), read: now, used: now}
	t := c.cache
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken += tb.size - c.bytes
	tb.place = t.kept.PushBack(tb)
	if t.sweep == nil {
		t.sweep = time.AfterFunc(KeepUnused, t.letGoUnused)
	}
	return tb
}

// tell calls Resized where there is news.
func (t *Cache) tell() {
	t.mu.Lock()
	now := t.taken
	news := t.Resized != nil && max(now-t.told, t.told-now) >= resizedBy
	if news {
		t.told = now
	}
	t.mu.Unlock()
	if news {
		t.Resized(now)
	}
}

// letGoUnused forgets the tables that nobody asked for in a while.
func (t *Cache) letGoUnused() {
	defer t.tell()
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := t.kept.Front(); e != nil; {
		tb := e.Value.(*cached) //nolint:forcetypeassert // there is nothing else in it
		e = e.Next()
		if time.Since(tb.used) < KeepUnused {
			break
		}
		if tb.pins == 0 {
			t.drop(tb)
		}
	}
	t.sweep = nil
	if t.kept.Len() > 0 && t.stopped() == nil {
		t.sweep = time.AfterFunc(KeepUnused/2, t.letGoUnused)
	}
}

// passing reports that a manifest cannot be looked at just now: trouble of the
// file system that may pass, or a NotYetError, or the end of all reading.
func passing(err error) bool {
	_, later := errors.AsType[*NotYetError](err)
	return later || errors.Is(err, ErrStopped) || file.Passing(err)
}
