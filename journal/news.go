package journal

import "sync"

// Topic says what a commit was about, so that whoever waits for work of one kind is not
// woken by the rest.
type Topic uint16

// The topics. A commit is about entries unless its method says otherwise: a wake-up too
// many costs a look, one too few leaves work lying.
const (
	AboutEntries    Topic = 1 << iota
	AboutCompanions       // companions that Companions.Due returns
	AboutRows             // manifests that DueManifests returns
	AboutChores
	AboutEdits
	AboutEvents            // Event: moves into a rest and out of one, new reasons
	AboutFolders           // what the watchers say of them
	AboutNotes             // see Notes
	AboutNothing Topic = 0 // what nobody waits for in this process
)

// topics joins the topics of one commit.
func topics(about []Topic) (all Topic) {
	if len(about) == 0 {
		return AboutEntries | AboutEvents
	}
	for _, t := range about {
		all |= t
	}
	return all
}

// news wakes those who wait for commits. Safe for concurrent use.
type news struct {
	mu sync.Mutex
	to map[chan<- struct{}]Topic
}

// tell is called after each commit.
func (n *news) tell(about Topic) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c, t := range n.to {
		if t&about != 0 {
			signal(c)
		}
	}
}

// Notify has c told of each commit about one of the topics, after it is durable. The
// channel must have room for one value: many commits are one value, and whoever takes it
// out before it reads the journal misses none. Called again for a channel, it replaces
// the topics; AboutNothing ends it.
func (j *Journal) Notify(c chan<- struct{}, about ...Topic) {
	j.news.mu.Lock()
	defer j.news.mu.Unlock()
	if j.news.to == nil {
		j.news.to = make(map[chan<- struct{}]Topic)
	}
	if j.news.to[c] = topics(about); j.news.to[c] == AboutNothing {
		delete(j.news.to, c)
	}
}
