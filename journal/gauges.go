package journal

import (
	"context"
	"fmt"
	"sync"
)

// gauges are the states of folders that are still to be recorded. They ride on the next
// commit, whatever it is about, so that they cost none, and that a file is not counted as
// settling any more once it has come to rest. Safe for concurrent use.
type gauges struct {
	mu     sync.Mutex
	next   map[string]FolderState
	riding []FolderState // with the transaction that is under way
}

func (g *gauges) set(states []FolderState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next == nil {
		g.next = make(map[string]FolderState)
	}
	for _, s := range states {
		g.next[s.Name] = s
	}
}

// waiting returns what is still to be recorded.
func (g *gauges) waiting() (states []FolderState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.next {
		states = append(states, s)
	}
	return states
}

// ride returns what records the states that wait within a transaction; nil if there are
// none. Only the writer calls it.
func (g *gauges) ride() func(*session) error {
	if g.riding = g.waiting(); len(g.riding) == 0 {
		return nil
	}
	return func(tx *session) error {
		for _, s := range g.riding {
			if err := setFolder(context.Background(), tx, s); err != nil {
				g.riding = nil
				return fmt.Errorf("record the state of folder %s: %w", s.Name, err)
			}
		}
		return nil
	}
}

// arrived drops what was committed with the transaction, unless it changed meanwhile.
func (g *gauges) arrived() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.riding {
		if g.next[s.Name] == s {
			delete(g.next, s.Name)
		}
	}
	g.riding = nil
}
