package ingest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// gate holds the whole pool back while Tenovos cannot be worked with. It closes
// when an error proves to be everyone's trouble and opens when a probe succeeds;
// each costs one log line, however long the outage and however many files wait.
type gate struct {
	log   zerolog.Logger
	told  func(why string) // told each change; "" is open
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

func newGate(log zerolog.Logger, now func() time.Time, told func(string), probe func(context.Context) error) *gate {
	return &gate{log: log, told: told, now: now, probe: probe, pause: firstProbe, changed: make(chan struct{})}
}

// probe asks Tenovos for something harmless: nil is that it answers.
func probe(ctx context.Context, api API) error {
	_, err := api.CurrentUser(ctx)
	odd := errors.Is(err, tenovos.ErrRejected) || errors.Is(err, tenovos.ErrNotFound)
	if odd && !errors.Is(err, tenovos.ErrIntermediary) {
		return nil // an answer, if an odd one
	}
	return err
}

// reason returns why the pool waits, or "".
func (g *gate) reason() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why
}

// wait returns when the gate is open, drain closes or ctx ends.
func (g *gate) wait(ctx context.Context, drain <-chan struct{}) error {
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

// outlasts waits until the gate is open or drain closes, and returns "", or until it
// has been closed for operatorPatience, and returns why.
func (g *gate) outlasts(ctx context.Context, drain <-chan struct{}) (why string, err error) {
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

// shut closes the gate, or changes the reason, without a word: whoever does so tells
// of it. Nothing opens it while nobody probes.
func (g *gate) shut(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.why = why
	g.signal()
}

// blame decides whether an error is everyone's trouble: it is when the server
// asked for a rest, when the gate is closed already, or when a probe fails too.
// It then closes the gate.
func (g *gate) blame(ctx context.Context, cause error, rest time.Duration) bool {
	if rest == 0 && g.reason() == "" && g.probe(ctx) == nil {
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
	g.told(g.why)
	return true
}

// worked notes that a call which changes something has succeeded: only that, not
// a probe, shows that the trouble is over.
func (g *gate) worked() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pause = firstProbe
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log.Info().Str("after", g.now().Sub(g.since).Round(time.Second).String()).Msg("going on")
	g.why, g.opened = "", g.now()
	g.told("")
	g.signal()
}

// raggedEnd is how long after an outage errors may still be of it: connections
// that died unnoticed, gateways that come back one by one.
const raggedEnd = 5 * time.Second

// justOpened reports that the gate opened a short time ago.
func (g *gate) justOpened() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.opened.IsZero() && g.now().Sub(g.opened) < raggedEnd
}

// epoch changes whenever the gate closes or opens.
func (g *gate) epoch() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.turns
}

// signal wakes everyone who waits for a change. g.mu is held.
func (g *gate) signal() {
	g.turns++
	close(g.changed)
	g.changed = make(chan struct{})
}

// Probes while the gate is closed start at a second and grow to half a minute.
const (
	firstProbe = time.Second
	lastProbe  = 30 * time.Second
)

// run probes while the gate is closed, until idle closes or ctx ends.
func (g *gate) run(ctx context.Context, idle <-chan struct{}) error {
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

// gateTurned is told why Tenovos is waited for, and "" when it is not any more.
func (p *Pipeline) gateTurned(paused func(why string)) func(why string) {
	return func(why string) {
		paused(pauses(why, p.holdups.reason()))
		if why == "" {
			p.stir()
		}
	}
}

// stir has the dispatcher and every loop look: what kept them from their work may be over.
func (p *Pipeline) stir() {
	p.alarms.Ring()
	p.wake()
}
