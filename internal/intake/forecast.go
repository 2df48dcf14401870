package intake

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Forecaster says what would become of files, by the stage that decides it, with no right
// to write: nothing is learned, nothing is changed in Tenovos, and nobody waits for what it
// looks at. It is for one goroutine.
type Forecaster struct {
	reader *journal.Reader // nil while there is no journal
	stage  *Intake
	now    time.Time // as far as the wait of the file at hand has come
}

// NewForecaster makes a forecaster. r is nil while there is no journal.
func NewForecaster(cfg Config, r *journal.Reader, api holdings.API) *Forecaster {
	f := &Forecaster{reader: r}
	known := interface {
		Journal
		holdings.Journal
	}(noJournal{})
	if r != nil {
		known = r
	}
	f.stage = New(cfg, Deps{
		Journal: known, API: api, Holdings: holdings.New(api, known), Log: zerolog.Nop(),
		Mounts: mounts.New(cfg.Folders, func() {}, zerolog.Nop()),
		Now:    func() time.Time { return f.now },
		Around: Around{
			Learn:     func(context.Context, int64, journal.Learned) error { return nil },
			InHand:    func(func(int64, *hands.Flight) bool) {},
			Abort:     func(int64) {},
			HoldBack:  func(*stage.Work, ...string) (journal.Move, bool) { return journal.Move{}, false },
			Passed:    func(context.Context, int64, int64, ...string) error { return nil },
			MayCreate: func(context.Context, *stage.Work, tenovos.NewAsset) bool { return false },
			Missed:    func(journal.Entry, dropfolder.Mapped) {},
			Renamed:   func(journal.Entry, string) {},
		},
	})
	return f
}

// Forecast is what would become of a file, or of a row of a manifest.
type Forecast struct {
	// Known is the latest entry of the path, where that is about this very file, or makes
	// the row one that is passed over; else its ID is 0, and Move is the stage's.
	Known journal.Entry
	// Move is the stage's last word. One that leaves the entry settled is a wait for
	// others; what only takes time is waited for by the forecast itself.
	Move journal.Move
	// Recognition is what the stage recognised the file as.
	Recognition
}

// newest is an id above all that a journal gives.
const newest = 1<<62 - 1

// rounds bounds how often the stage is asked: each wait that only takes time costs one.
const rounds = 10

// Forecast says what would become of a file, or of a row of a kind, that settled just now.
func (f *Forecaster) Forecast(ctx context.Context, found file.File, kind journal.Kind) (Forecast, error) {
	latest, err := f.latest(ctx, found)
	if err != nil {
		return Forecast{}, err
	}
	if latest.Describes(found) || kind != journal.File && latest.Kind == journal.File && latest.ID != 0 && latest.Status != journal.Superseded {
		return Forecast{Known: latest}, nil
	}
	f.now = time.Now()
	e := journal.Entry{
		ID: newest, File: found, Kind: kind, Status: journal.Settled, Generation: latest.Generation + 1, SeenAt: f.now,
	}
	for round := 1; ; round++ {
		w := &settled{Work: &stage.Work{Entry: e}}
		m, err := f.decide(ctx, w)
		waits := m.To == journal.Settled && !m.Stay.Unchanged && m.Stay.Renamed == nil
		if err != nil || !waits || round == rounds || m.Reason == e.Reason && m.Stay.Rehint == nil {
			return Forecast{Move: m, Recognition: w.as}, err
		}
		e = w.Entry
		if m.Stay.Rehint != nil {
			e.File = *m.Stay.Rehint
		}
		e.Reason, e.Tries = m.Reason, e.Tries+1
		if m.NotBefore.After(f.now) {
			f.now = m.NotBefore
		}
	}
}

func (f *Forecaster) latest(ctx context.Context, found file.File) (latest journal.Entry, err error) {
	if f.reader != nil {
		latest, _, err = f.reader.Latest(ctx, found.Folder, found.Path)
	}
	return latest, err
}

// decide runs the stage. What it says by an error is a move as well.
func (f *Forecaster) decide(ctx context.Context, w *settled) (journal.Move, error) {
	m, err := f.stage.decide(ctx, w)
	for _, release := range w.Release {
		release()
	}
	if rest, ok := errors.AsType[*stage.RestError](err); ok {
		return w.Moves(rest.To, rest.Reason), nil
	}
	if wait, ok := errors.AsType[*stage.WaitError](err); ok {
		return w.Stays(f.now.Add(wait.After), wait.Reason), nil
	}
	if errors.Is(err, file.ErrLocked) {
		return w.Stays(f.now, reasons.Locked(err)), nil
	}
	return m, err
}

// noJournal is the journal of who has ingested nothing yet.
type noJournal struct{}

func (noJournal) Previous(context.Context, journal.Entry) (e journal.Entry, ok bool, err error) {
	return e, false, nil
}
func (noJournal) HasNewer(context.Context, journal.Entry) (bool, error) { return false, nil }
func (noJournal) LastAttempt(_ context.Context, e journal.Entry) (journal.Entry, bool, error) {
	return e, false, nil
}
func (noJournal) SameFile(context.Context, journal.Entry) ([]journal.Entry, error) { return nil, nil }
func (noJournal) FormerPaths(context.Context, file.File) ([]string, error)         { return nil, nil }
func (noJournal) Displaced(context.Context, journal.Entry) (bool, error)           { return false, nil }
func (noJournal) HasSameSize(context.Context, journal.Entry) (bool, error)         { return false, nil }
func (noJournal) SameContent(context.Context, journal.Entry) ([]journal.Entry, error) {
	return nil, nil
}
func (noJournal) Named(context.Context, string, int64, []string) (n journal.Named, err error) {
	return n, nil
}
func (noJournal) KnownIDs(context.Context, []string) (map[string]bool, error) { return nil, nil }
func (noJournal) Adoptable(context.Context, int64, string) (bool, error)      { return true, nil }
