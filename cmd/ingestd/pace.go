package main

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/tenovos-ingest/ingestd/journal"
)

// How long the work is watched to tell how long the rest takes: less than
// paceLeast tells nothing, and what is longer ago than paceSpan not much.
const (
	paceLeast = 10 * time.Second
	paceSpan  = time.Minute
)

// sample is what was left to do at a time.
type sample struct {
	at   time.Time
	left journal.Backlog
}

// pace is a window of samples, oldest first.
type pace []sample

// add returns the window with one more sample, without those that are too old: the
// first of the rest is at least paceSpan old, if there is one.
func (p pace) add(s sample) pace {
	for len(p) > 1 && s.at.Sub(p[1].at) >= paceSpan {
		p = p[1:]
	}
	return append(p, s)
}

// rates returns the files and bytes a second that went away in the window; false
// if that is too short.
func (p pace) rates() (files, bytes float64, ok bool) {
	if len(p) < 2 {
		return 0, 0, false
	}
	first, last := p[0], p[len(p)-1]
	span := last.at.Sub(first.at)
	if span < paceLeast {
		return 0, 0, false
	}
	return float64(first.left.Files-last.left.Files) / span.Seconds(),
		float64(first.left.Bytes-last.left.Bytes) / span.Seconds(), true
}

// longest bounds what is told: beyond, it is no estimate any more.
const longest = 100 * 24 * time.Hour

// estimate returns how long what is left will take; false if nothing can be said.
// Small files cost time by their number, large ones by their size, so it is the
// longer of the two times. The rates are those of the window: with an order by
// size, the files that come are not like those that went.
func (p pace) estimate() (time.Duration, bool) {
	files, bytes, ok := p.rates()
	if !ok {
		return 0, false
	}
	left := p[len(p)-1].left
	seconds := 0.0
	for _, kind := range []struct{ left, rate float64 }{{float64(left.Files), files}, {float64(left.Bytes), bytes}} {
		switch {
		case kind.left == 0:
		case kind.rate <= 0:
			return 0, false // it does not get less
		default:
			seconds = max(seconds, kind.left/kind.rate)
		}
	}
	if seconds > longest.Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// String tells the rate and the time that is left.
func (p pace) String() string {
	files, bytes, ok := p.rates()
	if !ok {
		return "no estimate yet"
	}
	s := fmt.Sprintf("%s files/s, %s/s · ", humanize.FtoaWithDigits(max(0, files), 2), humanize.IBytes(uint64(max(0, bytes))))
	left, ok := p.estimate()
	if !ok {
		return s + "no estimate yet"
	}
	return s + roundly(left) + " left"
}

// roundly tells a time no more exactly than it can be known.
func roundly(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 45*time.Second:
		return "less than a minute"
	case d < 57*time.Minute+30*time.Second:
		minutes := d.Round(time.Minute)
		if minutes > 20*time.Minute {
			minutes = d.Round(5 * time.Minute)
		}
		return fmt.Sprintf("about %d min", max(1, int(minutes.Minutes())))
	case d < 10*time.Hour:
		d = d.Round(10 * time.Minute)
		if d%time.Hour == 0 {
			return fmt.Sprintf("about %d h", int(d.Hours()))
		}
		return fmt.Sprintf("about %d h %d min", int(d.Hours()), int(d.Minutes())%60)
	case d < 2*day:
		return fmt.Sprintf("about %d h", int(d.Round(time.Hour).Hours()))
	}
	return fmt.Sprintf("about %d days", int(d.Round(day)/day))
}
