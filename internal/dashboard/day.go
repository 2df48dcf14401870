package dashboard

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// day is what came of files in the last 24 hours, by the hour, the oldest first.
type day struct {
	hours    []hour
	counting bool // of the latest events some are still to be counted
}

// hour is what came of files in one hour.
type hour struct {
	begin               time.Time
	filed, failed, held int
	bytes               int64 // of what was filed
}

// hoursShown are those of a day, the one that has just begun among them.
const hoursShown = 24

// Bounds of what counting takes: of a look that somebody waits for, and of one that goes on
// with it while a page is open.
const (
	countFor   = 40 * time.Millisecond
	countOnFor = 700 * time.Millisecond
	countStep  = 1_000 // events
	farBehind  = 20_000
)

// ledger counts events by the hour, each once, as far as it has come.
type ledger struct {
	mu     sync.Mutex      // held while somebody counts
	hours  map[int64]*hour // by their begin, in unix seconds
	cursor int64           // the last event that was counted
}

// look returns the day as it is, or as it was before while somebody counts already.
func (l *ledger) look(ctx context.Context, events journal.Events, before day) (day, error) {
	if !l.mu.TryLock() {
		before.counting = true
		return before, nil
	}
	defer l.mu.Unlock()
	return l.catchUp(ctx, events, time.Now(), countFor)
}

// countOn goes on with counting, which nobody waits for.
func (l *ledger) countOn(ctx context.Context, events journal.Events) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.catchUp(ctx, events, time.Now(), countOnFor)
	return err
}

// catchUp goes on with counting for a while, and returns the day as far as that came. l.mu
// is held.
func (l *ledger) catchUp(ctx context.Context, events journal.Events, now time.Time, within time.Duration) (day, error) {
	begin := now.Truncate(time.Hour).Add(-(hoursShown - 1) * time.Hour)
	last, err := events.Last(ctx)
	if err != nil {
		return day{}, err
	}
	if l.hours == nil {
		l.hours = map[int64]*hour{}
	}
	if last-l.cursor > farBehind { // of most of them nobody wants to know any more
		from, err := events.Before(ctx, begin)
		if err != nil {
			return day{}, err
		}
		l.cursor = max(l.cursor, from)
	}
	for until := time.Now().Add(within); l.cursor < last && time.Now().Before(until); {
		upTo := min(l.cursor+countStep, last)
		counted, err := events.Hours(ctx, l.cursor, upTo)
		if err != nil {
			return day{}, err
		}
		for _, h := range counted {
			l.add(h)
		}
		l.cursor = upTo
	}
	d := day{counting: l.cursor < last}
	for at := range l.hours {
		if at < begin.Unix() {
			delete(l.hours, at)
		}
	}
	for i := range hoursShown {
		one := hour{begin: begin.Add(time.Duration(i) * time.Hour).In(now.Location())}
		if h := l.hours[one.begin.Unix()]; h != nil {
			h.begin = one.begin
			one = *h
		}
		d.hours = append(d.hours, one)
	}
	return d, nil
}

func (l *ledger) add(of journal.HourOf) {
	h := l.hours[of.Begin.Unix()]
	if h == nil {
		h = &hour{}
		l.hours[of.Begin.Unix()] = h
	}
	switch of.Status { // no other is counted
	case journal.Filed:
		h.filed += of.Count
		h.bytes += of.Bytes
	case journal.Failed:
		h.failed += of.Count
	case journal.Held:
		h.held += of.Count
	}
}

// hourView is an hour as the chart shows it.
type hourView struct {
	X, FiledY, FiledH, BadY, BadH int
	Filed, Bad                    bool
	Label                         string
}

// rowView is an hour as the table shows it.
type rowView struct{ Hour, Filed, Bytes, Failed, Held string }

// The chart's bars stand on its axis and have this height at the most.
const (
	axisY  = 100
	barMax = 90
	stepX  = 20
)

func (d day) view() any {
	out := struct {
		Sum, Alt string
		Hours    []hourView
		Rows     []rowView
	}{}
	var sum hour
	most := 0
	for _, h := range d.hours {
		sum.filed += h.filed
		sum.failed += h.failed
		sum.held += h.held
		sum.bytes += h.bytes
		most = max(most, h.filed+h.failed+h.held)
	}
	out.Sum = fmt.Sprintf("%s %s ingested (%s); files failed %s %s and were held %s %s, retries included.",
		count(sum.filed), plural(sum.filed, "file was", "files were"), bytesText(sum.bytes),
		count(sum.failed), plural(sum.failed, "time", "times"), count(sum.held), plural(sum.held, "time", "times"))
	switch {
	case d.counting:
		out.Sum += " They are still being counted."
	case most == 0:
		out.Sum = "No file was ingested, failed or held."
	}
	if most == 0 {
		return out
	}
	out.Alt = "Files by the hour: " + out.Sum + " The table below has the numbers."
	for i, h := range d.hours {
		bad := h.failed + h.held
		v := hourView{X: i*stepX + 2, Filed: h.filed > 0, Bad: bad > 0}
		v.FiledH, v.BadH = barOf(h.filed, most), barOf(bad, most)
		v.FiledY = axisY - v.FiledH
		v.BadY = v.FiledY - v.BadH
		if h.begin.Hour()%6 == 0 {
			v.Label = h.begin.Format("15:04")
		}
		out.Hours = append(out.Hours, v)
		if h.filed+bad > 0 {
			out.Rows = append(out.Rows, rowView{h.begin.Format("2 Jan 15:04"), count(h.filed), bytesText(h.bytes), count(h.failed), count(h.held)})
		}
	}
	return out
}

// barOf is the height of a bar: one file is seen beside a million.
func barOf(n, most int) int {
	if n == 0 {
		return 0
	}
	return max(2, n*(barMax-2)/most)
}
