package batches

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filetime"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

const (
	// pace is how often the batches that wait are looked at: the watcher and the folder are
	// asked, and the journal after a commit. It is for all members of a batch at once:
	// they themselves are not run meanwhile.
	pace = 500 * time.Millisecond

	// share is the part of its time that a folder may spend on that, so that many large
	// batches are looked at less often: one in so many.
	share = 10

	// maxWait is when a member runs again if nobody released it.
	maxWait = 24 * time.Hour

	// goneAtOnce bounds how many of the files that hold a batch back are looked for at a
	// time.
	goneAtOnce = 64

	// reasonPace is the time for each member between two changes of the reason that all
	// of them show.
	reasonPace = time.Millisecond
)

// Mounts are the file systems of the drop folders.
type Mounts interface {
	// Look opens a folder to look at its files.
	Look(folder string) (root *file.Root, closeRoot func(), err error)
}

// Resting passes over entries that rest and whose files are gone.
type Resting interface {
	PassOver(ctx context.Context, folder string, files []journal.RestingFile) error
}

// Deps are what batches are released with.
type Deps struct {
	Journal *journal.Journal
	Mounts  Mounts
	Resting Resting
	Alarms  *alarms.Alarms
	Log     zerolog.Logger
	Now     func() time.Time
	Wake    func() // called when files are released, or a backfill need not wait for them
}

// Batches are those of one folder. They belong to one goroutine.
type Batches struct {
	deps       Deps
	folder     dropfolder.Folder
	journal    journal.Batches
	companions journal.Companions
	waiting    map[journal.Batch]*waitingBatch
}

// New returns the batches of a folder that has Drops.
func New(f dropfolder.Folder, d Deps) *Batches {
	return &Batches{
		deps: d, folder: f, journal: journal.BatchesOf(d.Journal), companions: journal.CompanionsOf(d.Journal),
		waiting: make(map[journal.Batch]*waitingBatch),
	}
}

// Waits returns until when a mapped entry waits for its batch, if nobody releases that, and
// for what reason.
func Waits(e journal.Entry, now time.Time) (until time.Time, why journal.Reason) {
	dir, _, below := strings.Cut(e.Path, "/")
	if !below {
		dir = ""
	}
	return now.Add(maxWait), waitsFor(dir, nil)
}

// Loop releases the batches that are complete and says of the others what they wait for,
// until idle closes or ctx ends. A share that hangs may hold it up for ever.
func (bs *Batches) Loop(ctx context.Context, idle <-chan struct{}) error {
	a := bs.deps.Alarms.Set(bs.folder.Name, pace, journal.AboutEntries, journal.AboutCompanions)
	defer a.End()
	for {
		if more, err := a.Wait(ctx, idle); !more {
			return err
		}
		begun := time.Now()
		if err := bs.checkAll(ctx, a); err != nil {
			return err
		}
		a.SetPace(max(pace, share*time.Since(begun)))
		if len(bs.waiting) > 0 {
			a.At(bs.deps.Now())
		}
	}
}

// waitingBatch is what is known of a batch, what was said of it, and how far its files were
// looked for.
type waitingBatch struct {
	fresh    bool // of what follows nothing may have changed in the journal
	state    journal.BatchState
	blockers []journal.Entry // held or failed members, if those are all of them
	manifest string          // the one that makes the files of the folder itself a batch

	reason   journal.Reason
	mapped   int
	reasonAt time.Time
	after    int64 // id of the last one looked for
	looked   bool  // all of them were looked for
}

// checkAll looks at all batches that wait.
func (bs *Batches) checkAll(ctx context.Context, a *alarms.Alarm) error {
	if a.Poked() {
		if err := bs.list(ctx); err != nil {
			return err
		}
	}
	for b, w := range bs.waiting {
		if err := bs.check(ctx, b, w, a); err != nil && !errors.Is(err, journal.ErrMoved) {
			return err
		}
	}
	return nil
}

// list brings the batches that wait up to date. Of those that did nothing is known for
// certain any more.
func (bs *Batches) list(ctx context.Context) error {
	all, err := bs.journal.In(ctx, bs.folder.Name)
	if err != nil {
		return err
	}
	open := make(map[journal.Batch]bool, len(all))
	for _, b := range all {
		open[b] = true
		if bs.waiting[b] == nil {
			bs.waiting[b] = &waitingBatch{}
		}
		bs.waiting[b].fresh = false
	}
	maps.DeleteFunc(bs.waiting, func(b journal.Batch, _ *waitingBatch) bool { return !open[b] })
	return nil
}

// check releases a batch if it is complete. The watcher is asked first: what it
// has emitted by then is in the journal. What the journal said before stands for it until
// a commit: it is compared once more when the batch is released.
func (bs *Batches) check(ctx context.Context, b journal.Batch, w *waitingBatch, a *alarms.Alarm) (err error) {
	coming := bs.folder.Drops.Drop(b.Dir)
	if !w.fresh {
		w.blockers, w.manifest = nil, ""
		if w.state, err = bs.journal.State(ctx, b); err != nil {
			return err
		}
		w.fresh = true
	}
	if w.state.Mapped == 0 {
		return nil
	}
	if b.Dir == "" {
		if together, err := bs.rootTogether(ctx, w); err != nil || !together {
			return errors.Join(err, bs.releaseEach(ctx, b))
		}
	}
	if w.state.Blocking > 0 && !coming.Moving {
		if err := bs.passOverGone(ctx, b, w); err != nil {
			return err
		}
		if a.Pending() { // some have gone
			if w.state, err = bs.journal.State(ctx, b); err != nil {
				return err
			}
		}
	}
	s := w.state
	if bs.complete(b, s, coming) {
		if err := bs.journal.Release(ctx, b, s); err != nil {
			return err
		}
		bs.deps.Log.Info().Str("folder", bs.folder.Name).Str("drop", b.Dir).Int("files", s.Mapped).Msg("the drop is complete: its files are created")
		bs.deps.Wake()
		return nil
	}
	return bs.setReason(ctx, b, s, coming, w)
}

// complete reports whether all of a batch is there, mapped without problems, and
// either declared complete by a sentinel that is no older than its files, or quiet.
func (bs *Batches) complete(b journal.Batch, s journal.BatchState, coming watcher.Drop) bool {
	if s.Settled+s.Blocking > 0 || coming != (watcher.Drop{}) {
		return false
	}
	if !bs.deps.Now().Before(s.LastSeen.Add(bs.folder.Settle)) {
		return true
	}
	at := bs.folder.Drops.Announced(b.Dir)
	return !at.IsZero() && filetime.Of(at) >= s.LastModTime
}

// rootTogether reports whether the files that lie in the folder itself are one batch: a
// manifest lies there with them.
func (bs *Batches) rootTogether(ctx context.Context, w *waitingBatch) (_ bool, err error) {
	if bs.folder.Companions == nil {
		return false, nil
	}
	root, closeRoot, err := bs.deps.Mounts.Look(bs.folder.Name)
	if err != nil {
		return true, nil //nolint:nilerr // the folder is not there: nothing is concluded
	}
	defer closeRoot()
	if w.manifest != "" && root.Holds(w.manifest) {
		return true, nil
	}
	w.manifest = ""
	manifests, err := bs.companions.In(ctx, bs.folder.Name, ".", func(path string) bool {
		about, ok := bs.folder.Companions.About(path)
		return ok && about.Dir == "."
	})
	if i := slices.IndexFunc(manifests, root.Holds); i >= 0 {
		w.manifest = manifests[i]
	}
	return w.manifest != "", err
}

// releaseEach releases files that are in no batch, each by itself: a manifest may
// have come up to Folder.Settle after them.
func (bs *Batches) releaseEach(ctx context.Context, b journal.Batch) error {
	until := bs.deps.Now()
	if !bs.folder.Ready {
		until = until.Add(-bs.folder.Settle)
	}
	n, err := bs.journal.ReleaseSeen(ctx, b, until)
	if n > 0 {
		bs.deps.Wake()
	}
	return err
}

// passOverGone supersedes the members that hold a batch back and whose files were removed,
// a few at a time, so that the batch need not wait for the next scan.
func (bs *Batches) passOverGone(ctx context.Context, b journal.Batch, w *waitingBatch) error {
	blockers := w.blockers
	if blockers == nil {
		var err error
		if blockers, err = bs.journal.Blockers(ctx, b, w.after, goneAtOnce); err != nil {
			return err
		}
		if w.after == 0 && len(blockers) < goneAtOnce {
			w.blockers = blockers
		}
		if w.after = 0; len(blockers) == goneAtOnce {
			w.after = blockers[len(blockers)-1].ID
		}
	}
	w.looked = w.looked || w.after == 0
	var files []journal.RestingFile
	for _, e := range blockers {
		if e.Kind == journal.File { // else it is a row of a manifest: there is no file to be gone
			files = append(files, journal.RestingFile{
				ID: e.ID, Path: e.Path, Aside: e.Aside, MovedTo: e.MovedTo, Dev: e.Dev, Status: e.Status, Message: e.Reason.Message,
			})
		}
	}
	return bs.deps.Resting.PassOver(ctx, bs.folder.Name, files)
}

// setReason gives the members that wait the reason why, where it is news.
func (bs *Batches) setReason(ctx context.Context, b journal.Batch, s journal.BatchState, coming watcher.Drop, w *waitingBatch) error {
	r, err := bs.reason(ctx, b, s, coming, w.blockers)
	if err != nil {
		return err
	}
	if s.Blocking > 0 && !w.looked {
		r.Class = reasons.ClassWaiting // some of them may prove to be gone
	}
	turned := r.Class != w.reason.Class
	if r == w.reason && s.Mapped == w.mapped || !turned && bs.deps.Now().Before(w.reasonAt.Add(reasonPace*time.Duration(s.Mapped))) {
		return nil
	}
	if err := bs.journal.SetReason(ctx, b, s, r); err != nil {
		return err
	}
	w.reason, w.mapped, w.reasonAt = r, s.Mapped, bs.deps.Now()
	if turned && r.Class == journal.ClassBatch {
		bs.deps.Log.Warn().Str("folder", bs.folder.Name).Str("drop", b.Dir).Str("reason", r.Message).Str("hint", r.Hint).Msg("the drop waits")
		bs.deps.Wake() // a backfill does not wait for it
	}
	return nil
}

// reason says what a batch waits for. Where that does not come of itself, the
// class says so. The blockers are its held and failed members, as far as they are known.
func (bs *Batches) reason(ctx context.Context, b journal.Batch, s journal.BatchState, coming watcher.Drop, first []journal.Entry) (_ journal.Reason, err error) {
	var why []string
	if s.Blocking > 0 {
		if len(first) == 0 {
			if first, err = bs.journal.Blockers(ctx, b, 0, 1); err != nil {
				return journal.Reason{}, err
			}
		}
		text := fmt.Sprintf("%d of %d files are held or failed", s.Blocking, s.Members()+coming.Settling+coming.Waiting)
		if len(first) > 0 {
			name := strings.TrimPrefix(first[0].Path, b.Dir+"/")
			text += fmt.Sprintf(" (%s: %s)", strings.ToValidUTF8(name, "\uFFFD"), first[0].Reason.Message)
		}
		why = append(why, text)
	}
	arriving := s.Settled + coming.Settling
	if open, _, hours := bs.folder.Opening(bs.deps.Now()); !open && s.Settled > 0 {
		why = append(why, hours) // what has settled is not looked at before
		arriving = coming.Settling
	}
	if arriving > 0 {
		why = append(why, fmt.Sprintf("%d still arriving", arriving))
	}
	if coming.Waiting > 0 {
		why = append(why, fmt.Sprintf("%d without the sentinel", coming.Waiting))
	}
	if coming.Unreadable {
		why = append(why, "something in it cannot be read")
	}
	r := waitsFor(b.Dir, why)
	if len(why) > 0 && s.Settled+coming.Settling == 0 && !coming.Moving {
		r.Class = journal.ClassBatch
		r.Hint = "Complete the drop, or remove from it what is not to come."
	}
	if s.Blocking > 0 {
		r.Hint = "Correct the files that are held or failed, or `ingestd cancel` them, or remove them from the folder: the rest then goes by itself."
	}
	return r, nil
}

// waitsFor is the reason of a file whose batch is not complete.
func waitsFor(dir string, why []string) journal.Reason {
	drop := "the files that lie beside it"
	if dir != "" {
		drop = "the rest of its drop " + strings.ToValidUTF8(dir, "\uFFFD")
	}
	if len(why) == 0 {
		why = []string{"more may be on the way"}
	}
	return journal.Reason{Class: reasons.ClassWaiting, Message: "it waits for " + drop + ": " + strings.Join(why, ", ")}
}
