package dropdone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/follow"
)

const (
	page   = 100
	stride = 1000 // events after which the place is noted all the same
	// quiet is how long nothing must happen to a drop at the least: what is copied one by one
	// is one drop.
	quiet   = 2 * time.Second
	patient = time.Minute // how long files that settle elsewhere in a folder count as the drop's, where nobody knows better
)

// Name is that of its place among those of the followers of the feed.
const Name = "drops"

// Done is the kind of the event that a drop is done.
const Done = "drop_done"

// The statuses that make something below a directory a drop, and all that are a rest.
var (
	delivered = []string{"filed", "held", "failed", "duplicate"}
	rests     = append([]string{"cancelled", "ignored", "superseded", "withdrawn"}, delivered...)
)

// Folder is a drop folder.
type Folder struct {
	Settle time.Duration // how long nothing must happen to a drop
	// Itself says that the files in the folder itself are a drop, too, called "".
	Itself bool
	// Arriving reports that something of a drop is still coming, and whether that may be of
	// another drop.
	Arriving func(dir string) (arriving, perhaps bool)
}

// Watch looks for drops that are done.
type Watch struct {
	Folders map[string]Folder
	Feed    follow.Feed
	Places  follow.Places
	Notify  func(c chan<- struct{}) (end func()) // has a channel told of events
	// Open reports that an entry of a drop is on its way.
	Open func(ctx context.Context, folder, dir string) (bool, error)
	// Tell records that a drop is done, as an event of the feed.
	Tell func(ctx context.Context, folder, dir, summary string) error
	Now  func() time.Time

	read, noted int64
	candidates  map[drop]*candidate
}

// drop is what lies below one directory.
type drop struct{ folder, dir string }

// candidate is a drop of which something came to rest since it was told of.
type candidate struct {
	first int64          // id of the first such event
	by    map[string]int // what became of its files
	last  time.Time      // when something was heard of it
	due   time.Time      // when to look; zero: when something is heard of it
}

// Run watches until ctx ends. The error is the journal's, or ctx's.
func (d *Watch) Run(ctx context.Context) error {
	news := make(chan struct{}, 1)
	defer d.Notify(news)()
	id, err := d.Places.Cursor(ctx, Name)
	if err != nil {
		return err
	}
	d.read, d.noted, d.candidates = id, id, make(map[drop]*candidate)
	for {
		if err := d.look(ctx); err != nil {
			return err
		}
		if !d.wait(ctx, news) {
			return errors.Join(ctx.Err(), d.remember(context.WithoutCancel(ctx), 1))
		}
	}
}

// wait returns true when it is time to look.
func (d *Watch) wait(ctx context.Context, news <-chan struct{}) bool {
	var next time.Time
	for _, c := range d.candidates {
		if !c.due.IsZero() && (next.IsZero() || c.due.Before(next)) {
			next = c.due
		}
	}
	var timer <-chan time.Time
	if !next.IsZero() {
		t := time.NewTimer(next.Sub(d.Now()))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-news:
	case <-timer:
		return true
	case <-ctx.Done():
		return false
	}
	gather := time.NewTimer(200 * time.Millisecond) // many events are one look
	defer gather.Stop()
	select {
	case <-gather.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// look reads what is new, and tells of what is done.
func (d *Watch) look(ctx context.Context) error {
	for {
		events, err := d.Feed.After(ctx, d.read, page)
		if err != nil {
			return err
		}
		for _, e := range events {
			d.note(e)
			d.read = e.ID
		}
		if len(events) < page {
			break
		}
	}
	for what, c := range d.candidates {
		if c.due.IsZero() || d.Now().Before(c.due) {
			continue
		}
		if err := d.check(ctx, what, c); err != nil {
			return err
		}
	}
	return d.remember(ctx, stride)
}

// note takes in one event.
func (d *Watch) note(e follow.Event) {
	f, ours := d.Folders[e.Folder]
	if !ours {
		return
	}
	if e.Kind == Done {
		delete(d.candidates, drop{e.Folder, e.Path})
		return
	}
	dir, _, below := strings.Cut(e.Path, "/")
	if !below {
		dir = ""
	}
	if e.Kind != "" || e.Status == "" || !below && !f.Itself {
		return
	}
	what := drop{e.Folder, dir}
	c := d.candidates[what]
	if c == nil && !slices.Contains(delivered, e.Status) {
		return
	}
	if c == nil {
		c = &candidate{first: e.ID, by: make(map[string]int)}
		d.candidates[what] = c
	}
	if c.by[e.Was] > 0 {
		c.by[e.Was]--
	}
	if slices.Contains(rests, e.Status) {
		c.by[e.Status]++
	}
	c.last = d.Now()
	c.due = c.last.Add(max(f.Settle, quiet))
}

// check tells of a drop if it is done.
func (d *Watch) check(ctx context.Context, what drop, c *candidate) error {
	f := d.Folders[what.folder]
	now := d.Now()
	if arriving, perhaps := f.Arriving(what.dir); arriving && (!perhaps || now.Before(c.last.Add(patient))) {
		c.due = now.Add(max(f.Settle, quiet))
		return nil
	}
	c.due = time.Time{}
	if open, err := d.Open(ctx, what.folder, what.dir); err != nil || open {
		return err // what is on its way will be heard of
	}
	summary := summaryOf(c.by)
	if summary == "" { // what was there went round again, and is gone
		delete(d.candidates, what)
		return nil
	}
	if err := d.Tell(ctx, what.folder, what.dir, summary); err != nil {
		return err
	}
	delete(d.candidates, what) // before its event is read: what comes in between is another drop
	return nil
}

// summaryOf counts what became of the files of a drop; "" where nothing of it was delivered.
func summaryOf(by map[string]int) string {
	var parts []string
	for _, status := range append(slices.Clone(delivered), "cancelled", "ignored") {
		if n := by[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.Replace(status, "duplicate", "already in", 1)))
		}
	}
	return strings.Join(parts, ", ")
}

// remember notes the place from which another process has to read, if that is so many events
// further: before the first event of what was not told of. What it reads twice ends with what
// was told, unless the files were taken to another directory since.
func (d *Watch) remember(ctx context.Context, least int64) error {
	place := d.read
	for _, c := range d.candidates {
		place = min(place, c.first-1)
	}
	if place-d.noted < least {
		return nil
	}
	d.noted = place
	return d.Places.SetCursor(ctx, Name, place)
}
