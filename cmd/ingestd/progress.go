package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/journal"
)

// progressEvery is how often a terminal is told how far a backfill is; a log is
// told after a second and then less and less often.
const (
	progressEvery = 500 * time.Millisecond
	firstInLog    = time.Second
	lastInLog     = time.Minute
)

// showProgress tells how far the backfill is, until over closes.
func (b *backfill) showProgress(e *engine, walked, over <-chan struct{}) {
	p := &progress{engine: e, folders: b.names()}
	terminal := isTerminal(b.err)
	tell := firstInLog
	next := time.Now().Add(tell)
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-over:
			if terminal {
				fmt.Fprint(display.Unwrap(b.err), "\r\x1b[K")
			}
			return
		case <-tick.C:
		}
		now := time.Now()
		p.look(closed(walked), now)
		switch {
		case terminal:
			fmt.Fprintf(display.Unwrap(b.err), "\r\x1b[K%s", p.line())
		case !now.Before(next):
			b.log.Info().Msg(p.line())
			tell = min(2*tell, lastInLog)
			next = now.Add(tell)
		}
	}
}

func (b *backfill) names() []string {
	names := make([]string, len(b.folders))
	for i, f := range b.folders {
		names[i] = f.Name
	}
	return names
}

// progress is what is told of a run.
type progress struct {
	engine  *engine
	folders []string

	walked bool
	paused string          // why everything waits
	left   journal.Backlog // once walked
	known  bool            // left is
	unseen int             // assets that do not show their bulk edit yet
	pace   pace
	next   time.Time // when the journal is asked again
}

// askShare bounds what asking costs: 1/askShare of the time, for adding up a queue
// of a million files takes some 0.2 s.
const askShare = 50

// look brings the progress up to date.
func (p *progress) look(walked bool, now time.Time) {
	p.walked, p.paused = walked, p.engine.pipeline.Paused()
	if p.paused != "" {
		p.pace = nil // what was measured says nothing of what comes after
	}
	if !walked || now.Before(p.next) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	begun := time.Now()
	left, err := p.engine.journal.Reader().Backlog(ctx, p.folders)
	p.next = now.Add(max(time.Second, askShare*time.Since(begun)))
	if err != nil {
		return // the run meets the same trouble, and says so
	}
	p.left, p.known = left, true
	if n, _, err := journal.OpenEditsOf(p.engine.journal.Reader()).Bulk(ctx, nil, p.folders); err == nil {
		p.unseen = n
	}
	if p.paused == "" {
		p.pace = p.pace.add(sample{at: now, left: left})
	}
}

// line says how far the run is.
func (p *progress) line() string {
	l := progressLine{
		walked: p.walked && p.known, found: p.engine.allWalked(), bytes: p.engine.bytes.Load(),
		done: p.engine.pipeline.Stats().Rested, left: p.left, unseen: p.unseen, paused: p.paused, pace: p.pace.String(),
	}
	s := l.String()
	if a, ok := p.largest(); ok {
		s += fmt.Sprintf(" · %s %d%%", display.Name(a.Path), 100*a.Sent/a.Size)
	}
	return s
}

// progressLine is what a line tells of a run.
type progressLine struct {
	walked       bool
	found, bytes int64 // by the walk
	done         int64 // files that came to rest
	left         journal.Backlog
	unseen       int // assets that do not show their bulk edit yet
	paused       string
	pace         string
}

// String is the line. There is no estimate while the walk goes on: what it will
// find is not known. And none while everything waits.
func (l progressLine) String() string {
	var parts []string
	if l.walked {
		parts = append(parts, fmt.Sprintf("%s of %s files done, %s left",
			humanize.Comma(l.done), humanize.Comma(l.done+l.left.Files), humanize.IBytes(uint64(l.left.Bytes))))
	} else {
		parts = append(parts, fmt.Sprintf("walking: %s files found so far, %s", humanize.Comma(l.found), humanize.IBytes(uint64(l.bytes))),
			humanize.Comma(l.done)+" done")
	}
	switch {
	case l.paused != "":
		parts = append(parts, "waiting for Tenovos: "+oneLine(l.paused))
	case l.walked && l.unseen > 0 && l.left.Files == 0:
		parts = append(parts, fmt.Sprintf("waiting for a bulk edit: not seen yet in %s assets", humanize.Comma(int64(l.unseen))))
	case l.walked:
		parts = append(parts, l.pace)
	}
	return strings.Join(parts, " · ")
}

// largest is the largest of the files that are being sent.
func (p *progress) largest() (ingest.Activity, bool) {
	var largest ingest.Activity
	for _, a := range p.engine.pipeline.Active() {
		if a.Sent > 0 && a.Size > largest.Size {
			largest = a
		}
	}
	return largest, largest.Size > 0
}
