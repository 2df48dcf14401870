package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/bars"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/journal"
)

// lookEvery is how often it is looked how far the work is; a terminal is told each time, a
// log after a second and then less and less often.
const (
	lookEvery  = 250 * time.Millisecond
	firstInLog = time.Second
	lastInLog  = time.Minute
)

// showProgress tells how far the backfill is, until over closes.
func (b *backfill) showProgress(e *engine, walked, over <-chan struct{}) {
	p := &progress{engine: e, folders: b.names(), walked: func() bool { return closed(walked) }}
	if t := barsOf(b.err); t != nil {
		defer t.Show(p, nil)()
		<-over
		return
	}
	tell := firstInLog
	next := time.Now().Add(tell)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		now := time.Now()
		p.look(now)
		if !now.Before(next) {
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
	walked  func() bool
	before  ingest.Stats // what it did before the work that is told of

	seen    bool // walked was true
	paused  string
	stats   ingest.Stats // of the work that is told of
	active  []ingest.Activity
	resumed int64           // bytes of the active that were stored before, as when the journal was asked
	all     journal.Backlog // the work, done and left, as when the journal was asked
	known   bool            // all is
	left    journal.Backlog // of files on their way, what has not left yet
	unseen  int             // assets that do not show their bulk edit yet
	pace    pace
	next    time.Time // when the journal is asked again
}

// askShare bounds what asking costs: 1/askShare of the time, for adding up a queue
// of a million files takes some 0.2 s.
const askShare = 50

// Look implements bars.Progress.
func (p *progress) Look() (bars.View, time.Duration) {
	p.look(time.Now())
	return p.view(), lookEvery
}

// look brings the progress up to date, and reports whether it asked the journal.
func (p *progress) look(now time.Time) (asked bool) {
	p.seen, p.paused, p.active = p.walked(), p.engine.pipeline.Paused(), p.engine.pipeline.Active()
	p.stats = p.engine.pipeline.Stats()
	p.stats.Rested -= p.before.Rested
	p.stats.Bytes -= p.before.Bytes
	if p.seen && (!now.Before(p.next) || p.resumes()) {
		p.ask(now)
		asked = true
	}
	if !p.known {
		return asked
	}
	p.left = journal.Backlog{Files: max(0, p.all.Files-p.stats.Rested), Bytes: max(0, p.all.Bytes-p.sent())}
	switch {
	case p.paused != "":
		p.pace = nil // what was measured says nothing of what comes after
	case len(p.pace) == 0 || now.Sub(p.pace[len(p.pace)-1].at) >= time.Second:
		p.pace = p.pace.add(sample{at: now, left: p.left})
	}
	return asked
}

// resumes reports whether an upload goes on, or has ended, that was begun before: what of it
// was stored then did not leave now, and is not in the work as the journal told it last.
func (p *progress) resumes() bool { return resumedOf(p.active) != p.resumed }

func resumedOf(active []ingest.Activity) int64 {
	var sum int64
	for _, a := range active {
		sum += a.Resumed
	}
	return sum
}

// ask asks the journal for the work. What the journal does not tell, the run meets as well,
// and says so.
func (p *progress) ask(now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	begun := time.Now()
	left, err := p.engine.journal.Reader().Backlog(ctx, p.folders)
	p.next = now.Add(max(time.Second, askShare*time.Since(begun)))
	if err != nil {
		return
	}
	p.resumed = resumedOf(p.active)
	p.all, p.known = journal.Backlog{Files: p.stats.Rested + left.Files, Bytes: p.stats.Bytes + left.Bytes}, true
	for _, a := range p.active {
		p.all.Bytes += a.Stored
	}
	if n, _, err := journal.OpenEditsOf(p.engine.journal.Reader()).Bulk(ctx, nil, p.folders); err == nil {
		p.unseen = n
	}
}

// sent is how many bytes of the work have left.
func (p *progress) sent() int64 {
	sum := p.stats.Bytes
	for _, a := range p.active {
		sum += a.Sent
	}
	return sum
}

// texts say how far the run is.
func (p *progress) texts() []string {
	l := progressLine{
		walked: p.seen && p.known, found: p.engine.allWalked(), bytes: p.engine.bytes.Load(),
		done: p.stats.Rested, left: p.left, unseen: p.unseen, paused: p.paused, pace: p.pace.String(),
	}
	return l.texts()
}

// line says how far the run is, for a log.
func (p *progress) line() string {
	s := strings.Join(p.texts(), " · ")
	if a, ok := p.largest(); ok {
		s += fmt.Sprintf(" · %s %d%%", display.Name(a.Path), 100*a.Sent/a.Size)
	}
	return s
}

// view says how far the run is, for bars.
func (p *progress) view() bars.View {
	v := bars.View{Text: p.texts(), Files: onTheirWay(p.active)}
	if !p.seen || !p.known {
		return v
	}
	v.Done, v.Total = p.sent(), p.all.Bytes
	if v.Total == 0 { // all files are empty, or sent
		v.Done, v.Total = p.stats.Rested, p.all.Files
	}
	return v
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

// texts are the parts of the line. There is no estimate while the walk goes on: what it will
// find is not known. And none while everything waits.
func (l progressLine) texts() []string {
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
	return parts
}

// String is the line.
func (l progressLine) String() string { return strings.Join(l.texts(), " · ") }

// largest is the largest of the files that are being sent.
func (p *progress) largest() (ingest.Activity, bool) {
	var largest ingest.Activity
	for _, a := range p.active {
		if a.Sent > 0 && a.Size > largest.Size {
			largest = a
		}
	}
	return largest, largest.Size > 0
}
