package outage

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Gate holds the whole pool back while Tenovos cannot be worked with. It closes
// when an error proves to be everyone's trouble and opens when a probe succeeds;
// each costs one log line, however long the outage and however many files wait.
type Gate struct {
	log   zerolog.Logger
	told  func(by, why string) // told each change; "" is open
	now   func() time.Time
	probe func(context.Context) error

	mu      sync.Mutex
	why     string        // "" is open
	since   time.Time     // when it closed
	rest    time.Duration // wait that the server asked for
	pause   time.Duration // next wait before a probe; grows until something worked
	changed chan struct{} // closed and replaced whenever why changes
	turns   int           // how often it closed and opened
	opened  time.Time     // when it opened last
}

// NewGate makes an open gate. told is told of each change, with the class (see journal.Pauses)
// and the reason why it closed, or "" and "", while the gate is locked: it must not ask the gate. probe fails while Tenovos cannot be worked with.
func NewGate(log zerolog.Logger, now func() time.Time, told func(by, why string), probe func(context.Context) error) *Gate {
	return &Gate{log: log, told: told, now: now, probe: probe, pause: FirstProbe, changed: make(chan struct{})}
}

// Account is asked who its user is, which changes nothing.
type Account interface {
	CurrentUser(ctx context.Context) (tenovos.User, error)
}

// Probe asks Tenovos for something harmless: nil is that it answers.
func Probe(ctx context.Context, api Account) error {
	_, err := api.CurrentUser(ctx)
	odd := errors.Is(err, tenovos.ErrRejected) || errors.Is(err, tenovos.ErrNotFound)
	if odd && !errors.Is(err, tenovos.ErrIntermediary) {
		return nil // an answer, if an odd one
	}
	return err
}

// Everybodys reports an error of Tenovos that is likely to meet every call: whoever meets
// it asks the gate.
func Everybodys(err error) bool {
	return errors.Is(err, tenovos.ErrIntermediary) || errors.Is(err, tenovos.ErrUnavailable) || errors.Is(err, tenovos.ErrThrottled) ||
		errors.Is(err, tenovos.ErrUnauthorized)
}

// Reason returns why the pool waits, or "".
func (g *Gate) Reason() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why
}

// Wait returns when the gate is open, drain closes or ctx ends.
func (g *Gate) Wait(ctx context.Context, drain <-chan struct{}) error {
	for {
		g.mu.Lock()
		why, changed := g.why, g.changed
		g.mu.Unlock()
		if why == "" {
			return nil
		}
		select {
		case <-changed:
		case <-drain:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// operatorPatience is how long the gate may have been closed before an operator who
// waits for an answer is told so.
const operatorPatience = 10 * time.Second

// Outlasts waits until the gate is open or drain closes, and returns "", or until it
// has been closed for operatorPatience, and returns why.
func (g *Gate) Outlasts(ctx context.Context, drain <-chan struct{}) (why string, err error) {
	for {
		g.mu.Lock()
		why, changed, left := g.why, g.changed, operatorPatience-g.now().Sub(g.since)
		g.mu.Unlock()
		if why == "" || left <= 0 {
			return why, nil
		}
		select {
		case <-changed:
		case <-time.After(left):
		case <-drain:
			return "", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// Shut closes the gate, or changes the reason, without a word: whoever does so tells
// of it. Nothing opens it while nobody probes.
func (g *Gate) Shut(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.why = why
	g.signal()
}

// Blame decides whether an error is everyone's trouble: it is when the server
// asked for a rest, when the gate is closed already, or when a probe fails too.
// It then closes the gate.
func (g *Gate) Blame(ctx context.Context, cause error, rest time.Duration) bool {
	if rest == 0 && g.Reason() == "" && g.probe(ctx) == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.why != "" || ctx.Err() != nil {
		return true
	}
	g.why, g.since, g.rest = secret.Sentence(cause), g.now(), rest
	g.signal()
	g.log.Warn().Str("reason", g.why).
		Msg("Tenovos or its content store cannot be worked with: everything waits, no file loses an attempt; tried again until it is over")
	g.told(pausedBy(cause), g.why)
	return true
}

// pausedBy is the class of what an error that is everyone's trouble is about.
func pausedBy(cause error) string {
	_, api := errors.AsType[*tenovos.Error](cause)
	switch {
	case errors.Is(cause, tenovos.ErrThrottled):
		return journal.PausedByThrottling
	case errors.Is(cause, tenovos.ErrUnauthorized) && !errors.Is(cause, tenovos.ErrIntermediary):
		return journal.PausedByCredentials
	case api:
		return journal.PausedByTenovos
	}
	return journal.PausedByStore
}

// Blamed is Blame for an error of a call to Tenovos: one of a kind that is likely to meet
// every call is everyone's trouble, or that of whoever met it.
func (g *Gate) Blamed(ctx context.Context, cause error) bool {
	return Everybodys(cause) && g.Blame(ctx, cause, RetryAfter(cause))
}

// RetryAfter is the wait that Tenovos asked for with an error, within LongestRest: it is a
// wish, and who asks for a day may mean a minute.
func RetryAfter(err error) time.Duration {
	if te, ok := errors.AsType[*tenovos.Error](err); ok {
		return min(te.RetryAfter, LongestRest)
	}
	return 0
}

// Worked notes that a call which changes something has succeeded: only that, not
// a probe, shows that the trouble is over.
func (g *Gate) Worked() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pause = FirstProbe
}

func (g *Gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log.Info().Str("after", g.now().Sub(g.since).Round(time.Second).String()).Msg("going on")
	g.why, g.opened = "", g.now()
	g.told("", "")
	g.signal()
}

// raggedEnd is how long after an outage errors may still be of it: connections
// that died unnoticed, gateways that come back one by one.
const raggedEnd = 5 * time.Second

// JustOpened reports that the gate opened a short time ago.
func (g *Gate) JustOpened() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.opened.IsZero() && g.now().Sub(g.opened) < raggedEnd
}

// Epoch changes whenever the gate closes or opens.
func (g *Gate) Epoch() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.turns
}

// signal wakes everyone who waits for a change. g.mu is held.
func (g *Gate) signal() {
	g.turns++
	close(g.changed)
	g.changed = make(chan struct{})
}

const (
	// FirstProbe is the wait before the first probe of a closed gate; the waits grow to
	// lastProbe.
	FirstProbe = time.Second
	lastProbe  = 30 * time.Second
)

// Run probes while the gate is closed, until idle closes or ctx ends.
func (g *Gate) Run(ctx context.Context, idle <-chan struct{}) error {
	for {
		g.mu.Lock()
		why, changed := g.why, g.changed
		var timer <-chan time.Time
		if why != "" {
			timer = time.After(max(g.pause, g.rest))
			g.pause, g.rest = min(2*g.pause, lastProbe), 0
		}
		g.mu.Unlock()
		select {
		case <-idle:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-timer:
			if g.probe(ctx) == nil {
				g.open()
			}
		}
	}
}
