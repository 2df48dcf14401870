package mounts

import (
	"sync"
	"time"
)

// mount is what is known of the file system of one drop folder.
//
// A call to a share that hangs cannot be interrupted, and whoever made it is
// stuck. So the calls under way are counted: while one of them does not return the
// folder is not opened again, none of its files is handed out, and the worker that
// made it is not counted as one. Safe for concurrent use.
type mount struct {
	returned func() // told when a call returns that was long under way

	mu    sync.Mutex
	calls map[*call]bool // under way
	away  time.Time      // until then none of its files is handed out
	lost  time.Time      // since when the folder was not there; zero while it is
}

// call is a call to a file system, or a mixed one: several such calls together with
// something else that may take long, which proves nothing about the file system by itself.
type call struct {
	id    int64 // of the entry in whose flight it was made; 0: of none
	since time.Time
	mixed bool
}

func newMount(returned func()) *mount {
	return &mount{returned: returned, calls: make(map[*call]bool)}
}

// begin notes a call, and returns how it is noted that it returned.
func (m *mount) begin(id int64) (end func()) { return m.note(&call{id: id, since: time.Now()}) }

// beginMixed is begin for a mixed call.
func (m *mount) beginMixed(id int64) (end func()) {
	return m.note(&call{id: id, since: time.Now(), mixed: true})
}

func (m *mount) note(c *call) (end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[c] = true
	return func() {
		m.mu.Lock()
		delete(m.calls, c)
		m.mu.Unlock()
		if time.Since(c.since) >= HangAfter {
			m.returned()
		}
	}
}

// stuck returns the entries whose calls do not return, and whether that shows that the
// folder hangs; it does not if all of them are mixed.
func (m *mount) stuck(now time.Time) (ids []int64, hangs bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.calls {
		if now.Sub(c.since) >= HangAfter {
			ids = append(ids, c.id)
			hangs = hangs || !c.mixed
		}
	}
	return ids, hangs
}

func (m *mount) hangs(now time.Time) bool {
	_, hangs := m.stuck(now)
	return hangs
}

// leave has the files of a folder that is not there wait.
func (m *mount) leave(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = now.Add(Wait)
	if m.lost.IsZero() {
		m.lost = now
	}
}

// found notes that the folder is there.
func (m *mount) found() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = time.Time{}
}

// gone reports that the folder has not been there for so long that a backfill does
// not wait for it.
func (m *mount) gone(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.lost.IsZero() && now.Sub(m.lost) >= goneAfter
}

// usable reports whether files of the folder may be handed out.
func (m *mount) usable(now time.Time) bool {
	m.mu.Lock()
	away := now.Before(m.away)
	m.mu.Unlock()
	return !away && !m.hangs(now)
}
