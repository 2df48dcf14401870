package access

import (
	"cmp"
	"context"
	"crypto/sha256"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// What wrong logins may take.
const (
	wrongPause   = time.Second     // before a wrong login is told so
	maxPausing   = 64              // of these at once; more are told at once to come later
	maxWaiting   = 64              // logins that wait for their turn with bcrypt
	longestWait  = 5 * time.Second // of one of them
	bcryptShare  = 4               // bcrypt takes a quarter of one processor,
	bcryptAhead  = 8 * time.Second // and may be this far ahead of that after a quiet time;
	firstWait    = time.Second / 2 // who made no mistake yet waits for that no longer than this
	maxRemember  = 1024            // wrong logins, and sources of them
	sayWrongEach = time.Minute
)

// guesses looks at logins that were not right before, one at a time. Who made the fewest
// mistakes comes first, and of these the last to come: a flood of wrong logins holds up
// itself, and neither a processor nor the right login.
type guesses struct {
	log zerolog.Logger

	mu      sync.Mutex
	waiting []*guess    // in the order of their arrival
	working bool        // somebody has the turn
	ended   time.Time   // when the last turn did
	free    time.Time   // when bcrypt has not taken more than its share
	alarm   *time.Timer // for next
	wrong   map[[sha256.Size]byte]bool
	sources map[netip.Addr]int // how many wrong logins each made
	pausing int
	said    time.Time
	unsaid  int
}

// guess is a login that waits for its turn.
type guess struct {
	from netip.Addr
	turn chan bool // true: it has the turn; false: it has to give way
}

func newGuesses(log zerolog.Logger) *guesses {
	return &guesses{log: log, wrong: map[[sha256.Size]byte]bool{}, sources: map[netip.Addr]int{}}
}

// try returns what comes of a login that check decides on, which takes its time. sum stands
// for the login.
func (g *guesses) try(ctx context.Context, from netip.Addr, sum [sha256.Size]byte, check func() bool) verdict {
	if g.isWrong(sum) {
		return wrong
	}
	if !g.wait(ctx, from) {
		g.note(from)
		return busy
	}
	if g.isWrong(sum) { // by now
		g.done(0)
		return wrong
	}
	began := time.Now()
	ok := check()
	g.done(time.Since(began))
	if ok {
		return right
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.wrong) >= maxRemember {
		clear(g.wrong)
	}
	g.wrong[sum] = true
	return wrong
}

func (g *guesses) isWrong(sum [sha256.Size]byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.wrong[sum]
}

// wait returns whether the turn came; then done is to be called.
func (g *guesses) wait(ctx context.Context, from netip.Addr) bool {
	me := &guess{from: from, turn: make(chan bool, 1)}
	g.mu.Lock()
	if len(g.waiting) >= maxWaiting { // the oldest of who made the most mistakes goes
		worst := slices.MaxFunc(g.waiting, g.byMistakes)
		g.leave(worst)
		worst.turn <- false
	}
	g.waiting = append(g.waiting, me)
	g.next()
	g.mu.Unlock()

	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	select {
	case mine := <-me.turn:
		return mine
	case <-timer.C:
	case <-ctx.Done():
	}
	g.mu.Lock()
	waited := g.leave(me)
	g.mu.Unlock()
	if !waited && <-me.turn { // it came in this moment, and is handed on
		g.done(0)
	}
	return false
}

func (g *guesses) byMistakes(a, b *guess) int {
	return cmp.Compare(g.sources[a.from], g.sources[b.from])
}

// leave takes a guess out of those who wait. g.mu is held.
func (g *guesses) leave(one *guess) bool {
	i := slices.Index(g.waiting, one)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// next gives the turn to somebody, now or when the time has come. g.mu is held.
func (g *guesses) next() {
	if g.working || len(g.waiting) == 0 {
		return
	}
	last := slices.Clone(g.waiting)
	slices.Reverse(last)
	one := slices.MinFunc(last, g.byMistakes)
	at := g.free
	if first := g.ended.Add(firstWait); g.sources[one.from] == 0 && first.Before(at) {
		at = first
	}
	if g.alarm != nil {
		g.alarm.Stop()
	}
	if rest := time.Until(at); rest > 0 {
		g.alarm = time.AfterFunc(rest, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.next()
		})
		return
	}
	g.leave(one)
	g.working = true
	one.turn <- true
}

// done ends a turn that took the processor for a while.
func (g *guesses) done(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = time.Now()
	if earliest := g.ended.Add(-bcryptAhead); g.free.Before(earliest) {
		g.free = earliest
	}
	g.free = g.free.Add(bcryptShare * took)
	g.working = false
	g.next()
}

// slow keeps a wrong login waiting before it is told so, where there are not too many.
func (g *guesses) slow(ctx context.Context, from netip.Addr) verdict {
	g.note(from)
	g.mu.Lock()
	if g.pausing >= maxPausing {
		g.mu.Unlock()
		return busy
	}
	g.pausing++
	g.mu.Unlock()
	timer := time.NewTimer(wrongPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	g.mu.Lock()
	g.pausing--
	g.mu.Unlock()
	return wrong
}

// note counts a wrong login, and says so now and then. Its user is not said: a password is
// easily typed there.
func (g *guesses) note(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.sources) >= maxRemember {
		clear(g.sources)
	}
	g.sources[from]++
	g.unsaid++
	if now := time.Now(); now.Sub(g.said) >= sayWrongEach {
		g.log.Warn().Stringer("from", from).Int("wrong_logins", g.unsaid).Msg("a wrong login to the status page was refused; the next is logged in a minute at the earliest, with their number")
		g.said, g.unsaid = now, 0
	}
}
