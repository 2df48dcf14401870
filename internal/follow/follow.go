package follow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
)

const (
	page     = 100              // events that are read at once, and held at the most
	stride   = 1000             // events without interest after which the place is noted all the same
	firstTry = time.Second      // pause after the first failure; it doubles
	lastTry  = 30 * time.Second // the longest
	longest  = 10 * time.Minute // that a receiver may ask for
)

// ThreeDays is how long events wait for a receiver of word: later nobody wants it.
const ThreeDays = 3 * 24 * time.Hour

// Event is one line of the feed.
type Event struct {
	ID           int64 // in the order of the feed
	Time         time.Time
	Kind         string // of a folder, or of all: paused, resumed, drop_done; "" of an entry
	Folder, Path string
	Entry        int64  // 0 for none
	Status       string // that the entry came to; "" where it stayed in its own
	Was          string // the one that it had before
	Reason, Hint string
	ObjectID     string
}

// Feed is what has happened, in order.
type Feed interface {
	// After returns the first events after an id, limit of them at the most.
	After(ctx context.Context, id int64, limit int) ([]Event, error)
}

// Places remembers how far each follower is.
type Places interface {
	// Cursor returns the id of the last event that a follower is done with: the last that there
	// is, for one that has followed nothing yet.
	Cursor(ctx context.Context, name string) (int64, error)
	SetCursor(ctx context.Context, name string, id int64) error
}

// Taker takes events for a Follower. Its methods are called by one goroutine.
type Taker interface {
	// Wants reports whether the event is to be taken. It may ask the journal.
	Wants(ctx context.Context, e Event) (bool, error)
	// Take takes events that are wanted, in order, and reports whether it is done with all it
	// was given. Else it is given more: more says that there is more already. It may end with
	// none, when what was given before is all there is. After an error it
	// is given the same again, from the first that it was not done with.
	Take(ctx context.Context, events []Event, more bool) (done bool, err error)
}

// Key names the event in all that is told of it, also by another run: a receiver that gets it
// twice knows it by that. A journal that was begun anew gives no number twice at one time.
func (e Event) Key() string { return fmt.Sprintf("%d-%d", e.ID, e.Time.UnixMilli()) }

// Later is the error of a Taker that is to be asked again after a time at the earliest.
type Later struct {
	After time.Duration
	Err   error
}

func (l *Later) Error() string { return l.Err.Error() }
func (l *Later) Unwrap() error { return l.Err }

// Options are how a Follower follows.
type Options struct {
	Name   string                               // names its place
	Title  string                               // what it is, in logs; without secrets
	Gather time.Duration                        // how long the first event of a quiet time waits for others
	AtOnce int                                  // events that are taken at once; 0 is a page
	Notify func(c chan<- struct{}) (end func()) // has a channel told of news
	Keep   time.Duration                        // how long events wait for a taker that takes none; 0 is for ever
	Grace  time.Duration                        // how long what is left may take in the end
	Now    func() time.Time
	Log    zerolog.Logger
	// Trouble remembers for `status` why nothing is taken, "" that something is. nil: nobody
	// asks.
	Trouble func(ctx context.Context, why string) error

	// FirstTry replaces the pause after the first failure; 0 is a second.
	FirstTry time.Duration
}

// Follower brings the events of a feed to a Taker.
type Follower struct {
	Options
	feed   Feed
	places Places
	taker  Taker

	noted int64 // the place as it is remembered
	done  int64 // all up to here is taken, or nothing to take
	read  int64 // all up to here was given to the taker, which may not be done with it

	failures int
	why      string        // the last of them
	since    time.Time     // of the first of these failures
	given    int           // events that were given up meanwhile
	later    time.Duration // what the receiver asked for, see Later
}

// New returns a follower.
func New(o Options, feed Feed, places Places, taker Taker) *Follower {
	if o.AtOnce == 0 {
		o.AtOnce = page
	}
	if o.FirstTry == 0 {
		o.FirstTry = firstTry
	}
	return &Follower{Options: o, feed: feed, places: places, taker: taker}
}

// Run follows until end closes, and then brings what there is still, as long as its receiver
// takes it, for Options.Grace at the most. What is left then waits for the next Run. ctx ends
// it at once. The error is the journal's.
func (f *Follower) Run(ctx context.Context, end <-chan struct{}) error {
	news := make(chan struct{}, 1)
	defer f.Notify(news)()
	if err := f.begin(ctx); err != nil {
		return err
	}
	taking, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // what is on its way when the end comes may arrive
		select {
		case <-taking.Done():
		case <-end:
			stop := time.AfterFunc(f.Grace, cancel)
			<-taking.Done()
			stop.Stop()
		}
	}()
	for ending := false; ; {
		err := f.pass(taking)
		if taking.Err() != nil {
			return f.note(context.WithoutCancel(ctx))
		}
		if err != nil {
			return err
		}
		if ending || f.failures > 0 && over(end) {
			return f.note(context.WithoutCancel(ctx))
		}
		ending = !f.wait(ctx, news, end)
	}
}

// over reports that a channel to which nobody sends was closed.
func over(end <-chan struct{}) bool {
	select {
	case <-end:
		return true
	default:
		return false
	}
}

// begin finds the place. One who never followed begins with what happens from now on.
func (f *Follower) begin(ctx context.Context) error {
	id, err := f.places.Cursor(ctx, f.Name)
	if err != nil {
		return err
	}
	f.noted, f.done, f.read = id, id, id
	f.trouble(ctx, "") // of a process before
	return nil
}

// wait returns true when it is time to look at the feed again, false when end closed.
func (f *Follower) wait(ctx context.Context, news, end <-chan struct{}) bool {
	if f.failures == 0 {
		select {
		case <-news:
		case <-end:
			return false
		case <-ctx.Done():
			return false
		}
	}
	pause := f.Gather
	if f.failures > 0 {
		pause = max(f.later, min(f.FirstTry<<min(f.failures-1, 16), max(lastTry, f.FirstTry)))
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-end:
		return false
	case <-ctx.Done():
		return false
	}
}

// pass brings all there is, until something is not taken. The error is the journal's.
func (f *Follower) pass(ctx context.Context) error {
	f.read = f.done
	for {
		events, err := f.feed.After(ctx, f.read, page)
		if err != nil {
			return err
		}
		taken, err := f.bring(ctx, events)
		if err != nil || !taken || len(events) < page {
			return err
		}
	}
}

// bring gives one page to the taker.
func (f *Follower) bring(ctx context.Context, events []Event) (taken bool, err error) {
	more := len(events) == page
	var wanted []Event
	for _, e := range events {
		want, err := f.taker.Wants(ctx, e)
		if err != nil {
			return false, err
		}
		if want && f.tooOld(e) {
			want = false
			f.giveUp(ctx)
			if len(wanted) == 0 && f.read == f.done {
				f.read, f.done = e.ID, e.ID // it is not counted again
			}
		}
		if want {
			wanted = append(wanted, e)
		}
		if len(wanted) == f.AtOnce {
			if taken, err := f.take(ctx, wanted, more || e.ID != events[len(events)-1].ID, e.ID); !taken || err != nil {
				return false, err
			}
			wanted = wanted[:0]
		}
	}
	last := f.read
	if len(events) > 0 {
		last = events[len(events)-1].ID
	}
	if len(wanted) > 0 || f.read > f.done && !more {
		return f.take(ctx, wanted, more, last)
	}
	if f.read == f.done { // the taker waits for nothing
		f.done = last
	}
	f.read = last
	if f.done-f.noted >= stride {
		return true, f.note(ctx)
	}
	return true, nil
}

// tooOld reports that an event is not tried any more: its receiver has been away for longer
// than events are kept for it.
func (f *Follower) tooOld(e Event) bool {
	return f.failures > 0 && f.Keep > 0 && f.Now().Sub(e.Time) > f.Keep
}

// trouble says what keeps events from being taken, to who asks. That it could not be said is no
// trouble of its own.
func (f *Follower) trouble(ctx context.Context, why string) {
	if f.Trouble == nil {
		return
	}
	if err := f.Trouble(context.WithoutCancel(ctx), why); err != nil {
		f.Log.Debug().Err(err).Str("receiver", f.Title).Msg("how it does could not be recorded")
	}
}

// giveUp counts an event that is given up. It is said with the first, and how many they were
// when the receiver is back: one each minute would drown the log.
func (f *Follower) giveUp(ctx context.Context) {
	if f.given++; f.given == 1 {
		f.trouble(ctx, f.why+"; what is older than three days is given up")
		f.Log.Error().Str("receiver", f.Title).Time("away_since", f.since).Dur("older_than", f.Keep).
			Msg("old events are given up from now on, because their receiver takes none; `ingestd status` and `ingestd history` tell what they were about")
	}
}

// take gives events to the taker, the last wanted up to an id.
func (f *Follower) take(ctx context.Context, events []Event, more bool, upTo int64) (taken bool, err error) {
	done, err := f.taker.Take(ctx, events, more)
	if err != nil {
		if ctx.Err() != nil {
			return false, nil //nolint:nilerr // it was told to end
		}
		f.later = 0
		if l, ok := errors.AsType[*Later](err); ok {
			f.later = min(l.After, longest)
		}
		f.why = err.Error()
		if f.failures++; f.failures == 1 {
			f.since = f.Now()
			f.trouble(ctx, f.why)
			f.Log.Warn().Err(err).Str("receiver", f.Title).Msg("events are not taken: they wait in the journal, and it is tried again and again; the files go on")
		}
		return false, nil
	}
	f.read = upTo
	if !done { // nothing has arrived yet
		return true, nil
	}
	if f.failures > 0 {
		f.Log.Info().Str("receiver", f.Title).Int("tries", f.failures).Time("away_since", f.since).Int("given_up", f.given).Msg("events are taken again")
		f.trouble(ctx, "")
	}
	f.failures, f.given, f.later, f.done = 0, 0, 0, upTo
	return true, f.note(context.WithoutCancel(ctx)) // it has happened
}

// note remembers the place.
func (f *Follower) note(ctx context.Context) error {
	if f.done == f.noted {
		return nil
	}
	if err := f.places.SetCursor(ctx, f.Name, f.done); err != nil {
		return err
	}
	f.noted = f.done
	return nil
}
