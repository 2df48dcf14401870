package outage

import (
	"math"
	"strings"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// circuitSet holds the circuits. What refuses one file after the other is no file's doing, even while
// Tenovos answers other calls: the way to the content store, the right to create
// assets of a kind. Each of these is a circuit. When tripFiles different files have
// been refused and none as large went through in between, it trips: who needs it is put
// off without a call, and costs nothing, but for one file at a time, which tries again
// after longer and longer rests. The first success ends it for all. Those that were
// refused take turns with one that was not: some are refused for good, for what is in
// them, and only another file shows that they are alone. As that costs an asset, its turn
// comes less and less often.
//
// What the proxies of this world refuse is often a size. So files that are smaller than
// all that were refused may try too, and once one is through, they go on beside the
// larger ones that wait.
type circuitSet struct {
	now func() time.Time

	mu     sync.Mutex
	all    map[string]*circuit
	lately time.Time // when an asset was created last
	freed  bool      // a circuit is whole because who found it broken came to rest
	ends   int       // how often others were set free
}

// ContentStore is the circuit of the way to the content store. A circuit is named by what a
// file needs of it.
const ContentStore = "store"

// Create is the circuit of the right to create assets like one: of its template, with its
// security templates.
func Create(a tenovos.NewAsset) string {
	return "create " + a.TemplateID + " " + strings.Join(a.SecurityIDs, " ")
}

// Call is the circuit of the API's call that an entry with a status makes.
func Call(s journal.Status) string { return "call " + string(s) }

// circuit is one of them.
type circuit struct {
	refused map[int64]*refusal // unfinished files that it refused
	tripped bool
	why     string
	since   time.Time
	rests   int       // how often in a row it was found tripped
	next    time.Time // when one may try again
	trial   int64     // entry that tries; 0: none
	began   time.Time // when it was let in
	small   bool      // what is smaller than all that were refused goes through
	lighter int64     // the smallest file, in bytes, that was put off until next

	fresh  int64 // an entry that was not refused yet and is put off until next; 0: none
	stale  int   // how often those that were have tried since the last one that was not
	turned int   // how often one that was not has tried in vain
}

// refusal is what a circuit knows of a file.
type refusal struct {
	open    bool  // nothing as large went through since
	size    int64 // bytes
	attempt int64 // the upload's
	times   int   // how often it was refused
	passed  int   // how often others went through meanwhile
	larger  int   // how often others as large did
}

// Files, and times.
const (
	tripFiles = 3
	firstRest = time.Second
	// LongestRest is the longest wait between two trials of a circuit, and the longest that
	// is granted to a server which asks for one.
	LongestRest = time.Minute
	// heldUp is how long files wait whose trial would tell nothing new. They are woken
	// when the circuit is whole.
	heldUp = 15 * time.Minute
	// longestStale is how often those that were refused try, at most, until another does.
	longestStale = 16
	// trialTime is how long one may try before another may beside it: a share that hangs
	// may keep the first for good.
	trialTime = 5 * time.Minute
	// aloneAfter is how often a file is refused while others go through until that is
	// its own trouble.
	aloneAfter = 3
)

func newCircuitSet(now func() time.Time) *circuitSet {
	return &circuitSet{now: now, all: make(map[string]*circuit)}
}

// reason returns why files are held back that is everyone's trouble, or "".
func (c *circuitSet) reason() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	why := ""
	for name, x := range c.all {
		if x.tripped && !x.small && (name == ContentStore || !c.lately.After(x.since)) {
			why = max(why, x.why) // any, but the same each time
		}
	}
	return why
}

// enter asks for leave to use a circuit with a body of size bytes. Else it says until
// when to wait, and why.
func (c *circuitSet) enter(name string, id, size int64) (until time.Time, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x, now := c.all[name], c.now()
	if x == nil || !x.tripped || x.trial == id || x.small && size < x.smallest() {
		return time.Time{}, ""
	}
	if x.trial != 0 && now.Sub(x.began) >= trialTime {
		x.trial = 0
	}
	due := x.trial == 0 && !now.Before(x.next)
	if due && !x.yields(id, size, now) {
		x.trial, x.began, x.fresh = id, now, 0
		return time.Time{}, ""
	}
	if x.fresh == 0 && x.refused[id] == nil {
		x.fresh = id
	}
	until = now.Add(heldUp)
	if size < x.lighter || x.refused[id] != nil || x.fresh == id {
		x.lighter = min(x.lighter, size)
		switch until = x.next; {
		case x.trial != 0:
			until = now.Add(firstRest)
		case due:
			until = x.next.Add(firstRest)
		}
	}
	return until, x.why
}

// yields reports whether an entry lets others go first whose turn it is; not for long,
// for they may be gone.
func (x *circuit) yields(id, size int64, now time.Time) bool {
	fresh := x.stale >= min(1<<min(x.turned, 10), longestStale)
	switch {
	case !now.Before(x.next.Add(firstRest)):
		return false
	case x.refused[id] != nil:
		return fresh && x.fresh != 0
	}
	return !fresh && size >= x.smallest()
}

// finding is what a refusal means.
type finding struct {
	everyones bool // the circuit is tripped
	news      bool // it was not before
	lonely    bool // all who wait to try have been refused
	until     time.Time
	times     int  // that the file was refused
	alone     bool // others go through again and again
	limit     bool // smaller ones go through, all the time
	others    bool // are refused, too
}

// refuse notes that a circuit refused an entry's body of size bytes.
func (c *circuitSet) refuse(name string, id, attempt, size int64, why string) finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	x, now := c.all[name], c.now()
	if x == nil {
		x = &circuit{refused: make(map[int64]*refusal)}
		c.all[name] = x
	}
	r, known := x.refused[id]
	if !known {
		r = &refusal{}
		x.refused[id] = r
	}
	if r.larger < aloneAfter { // else it says nothing about others
		x.small = x.small && size >= x.smallest()
		r.open = true
	}
	r.size, r.attempt, r.times = size, attempt, r.times+1
	if !x.tripped && x.open() < tripFiles {
		return finding{times: r.times, alone: r.passed >= aloneAfter, others: x.open() > 1}
	}
	f := finding{everyones: true, news: !x.tripped, times: r.times}
	if f.news {
		x.tripped, x.since, x.rests, x.trial, x.began, x.small = true, now, 0, id, now, false
	}
	if x.trial == id || x.trial == 0 && !now.Before(x.next) { // the others were on their way when it tripped
		x.trial, x.why = 0, why
		switch {
		case f.news: // which was no trial
			x.stale, x.turned = 0, 0
		case known:
			x.stale++
		default:
			x.stale, x.turned = 0, x.turned+1
		}
		x.next = now.Add(min(firstRest<<min(x.rests, 10), LongestRest))
		x.rests++
	}
	x.lighter, f.lonely, f.limit = x.smallest(), x.fresh == 0, x.small
	if f.until = x.next; !now.Before(f.until) { // another one tries just now
		f.until = now.Add(firstRest)
	}
	return f
}

// again reports that an attempt was refused before: the same request would be, too.
func (c *circuitSet) again(name string, id, attempt int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.all[name]
	return x != nil && x.refused[id] != nil && x.refused[id].attempt == attempt
}

// pass notes that a circuit let an entry's body of size bytes through. It reports whether
// others that were held back may go on.
func (c *circuitSet) pass(name string, id, size int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.HasPrefix(name, "create ") {
		c.lately = c.now()
	}
	x := c.all[name]
	if x == nil {
		return false
	}
	before := x.smallest()
	for other, r := range x.refused {
		r.passed++
		if r.size <= size {
			r.larger++
			r.open = false
		}
		if other == id { // which shows that it was not alone
			r.larger = 0
		}
	}
	if x.mend(c.now()) || x.tripped && x.smallest() > before {
		c.ends++
		return true
	}
	return false
}

// endings is how often others were set free until now.
func (c *circuitSet) endings() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ends
}

// mend is for a circuit of which something went through now, or a file was forgotten.
// It reports whether that sets others free.
func (x *circuit) mend(now time.Time) bool {
	was := *x
	switch {
	case !x.tripped:
	case x.open() == 0:
		x.tripped, x.fresh = false, 0
	case !x.small: // what is larger may try at once, too
		x.small, x.trial, x.rests, x.next = true, 0, 0, now
		x.stale, x.turned = 1, 0
	}
	return was.tripped != x.tripped || was.small != x.small
}

// open is how many files it refused without anything as large going through.
func (x *circuit) open() int {
	n := 0
	for _, r := range x.refused {
		if r.open {
			n++
		}
	}
	return n
}

func (x *circuit) smallest() int64 {
	least := int64(math.MaxInt64)
	for _, r := range x.refused {
		if r.open {
			least = min(least, r.size)
		}
	}
	return least
}

// held is the size in bytes from which files are held back, where smaller ones go
// through; 0 where none are.
func (c *circuitSet) held() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	least := int64(0)
	for _, x := range c.all {
		if x.tripped {
			least = max(least, x.smallest())
		}
	}
	return least
}

// any reports whether anything is held back.
func (c *circuitSet) any() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.all {
		if x.tripped {
			return true
		}
	}
	return false
}

// leave gives back the turns of an entry that came to no result.
func (c *circuitSet) leave(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.all {
		if x.trial == id {
			x.trial = 0
		}
	}
}

// forget drops an entry that has come to rest.
func (c *circuitSet) forget(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, x := range c.all {
		if x.refused[id] == nil {
			continue
		}
		delete(x.refused, id)
		if x.open() == 0 {
			if x.mend(c.now()) {
				c.freed = true
				c.ends++
			}
		}
		if len(x.refused) == 0 {
			delete(c.all, name)
		}
	}
}

// takeFreed reports once that forgetting has set others free.
func (c *circuitSet) takeFreed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	freed := c.freed
	c.freed = false
	return freed
}
