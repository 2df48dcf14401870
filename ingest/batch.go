package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/filetime"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

const (
	// dropPace is how often the drops that wait are looked at: the watcher and the folder
	// are asked, and the journal after a commit. It is for all members of a drop at once:
	// they themselves are not run meanwhile.
	dropPace = 500 * time.Millisecond

	// dropShare is the part of its time that a folder may spend on that, so that many
	// large drops are looked at less often: one in so many.
	dropShare = 10

	// dropWait is when a member runs again if nobody released it.
	dropWait = 24 * time.Hour

	// goneBatch bounds how many of the files that hold a drop back are looked for at
	// a time.
	goneBatch = 64

	// tellFor is the time for each member between two changes of the reason that all
	// of them show.
	tellFor = time.Millisecond
)

// waitForDrop lets a mapped entry wait until its drop is released.
func (p *Pipeline) waitForDrop(ctx context.Context, e journal.Entry) error {
	dir, _, below := strings.Cut(e.Path, "/")
	if !below {
		dir = ""
	}
	return waitForDrop(ctx, p.journal, e.ID, p.now().Add(dropWait), reasonDropComes(dir, nil))
}

// doDrops releases the drops of a folder that are complete and says of the others
// what they wait for, until idle closes or ctx ends. A share that hangs may hold it
// up for ever.
func (p *Pipeline) doDrops(ctx context.Context, f dropfolder.Folder, idle <-chan struct{}) error {
	a := p.alarms.set(f.Name, dropPace, journal.AboutEntries, journal.AboutCompanions)
	defer p.alarms.end(a)
	waiting := make(map[journal.Drop]*waitingDrop)
	for {
		if more, err := a.wait(ctx, idle); !more {
			return err
		}
		begun := time.Now()
		if err := p.checkDrops(ctx, f, waiting, a); err != nil {
			return err
		}
		if a.pace = max(dropPace, dropShare*time.Since(begun)); len(waiting) > 0 {
			a.at(p.now())
		}
	}
}

// waitingDrop is what is known of a drop, what was said of it, and how far its files were
// looked for.
type waitingDrop struct {
	fresh    bool // of what follows nothing may have changed in the journal
	state    journal.DropState
	blockers []journal.Entry // held or failed members, if those are all of them
	manifest string          // the one that makes the files of the folder itself a drop

	reason journal.Reason
	mapped int
	toldAt time.Time
	after  int64 // id of the last one looked for
	looked bool  // all of them were looked for
}

func (p *Pipeline) checkDrops(ctx context.Context, f dropfolder.Folder, waiting map[journal.Drop]*waitingDrop, a *alarm) error {
	if a.poked {
		if err := p.listDrops(ctx, f, waiting); err != nil {
			return err
		}
	}
	for d, w := range waiting {
		if err := p.checkDrop(ctx, f, d, w, a); err != nil && !errors.Is(err, journal.ErrMoved) {
			return err
		}
	}
	return nil
}

// listDrops brings the drops that wait up to date. Of those that did nothing is known for
// certain any more.
func (p *Pipeline) listDrops(ctx context.Context, f dropfolder.Folder, waiting map[journal.Drop]*waitingDrop) error {
	all, err := p.journal.Drops(ctx, f.Name)
	if err != nil {
		return err
	}
	open := make(map[journal.Drop]bool, len(all))
	for _, d := range all {
		open[d] = true
		if waiting[d] == nil {
			waiting[d] = &waitingDrop{}
		}
		waiting[d].fresh = false
	}
	maps.DeleteFunc(waiting, func(d journal.Drop, _ *waitingDrop) bool { return !open[d] })
	return nil
}

// checkDrop releases a drop if it is complete. The watcher is asked first: what it
// has emitted by then is in the journal. What the journal said before stands for it until
// a commit: it is compared once more when the drop is released.
func (p *Pipeline) checkDrop(ctx context.Context, f dropfolder.Folder, d journal.Drop, w *waitingDrop, a *alarm) (err error) {
	coming := f.Drops.Drop(d.Dir)
	if !w.fresh {
		w.blockers, w.manifest = nil, ""
		if w.state, err = p.journal.DropState(ctx, d); err != nil {
			return err
		}
		w.fresh = true
	}
	if w.state.Mapped == 0 {
		return nil
	}
	if d.Dir == "" {
		if together, err := p.rootTogether(ctx, f, w); err != nil || !together {
			return errors.Join(err, p.releaseEach(ctx, f, d))
		}
	}
	if w.state.Blocking > 0 && !coming.Moving {
		if err := p.passOverGone(ctx, f, d, w); err != nil {
			return err
		}
		if len(a.poke) > 0 { // some have gone
			if w.state, err = p.journal.DropState(ctx, d); err != nil {
				return err
			}
		}
	}
	s := w.state
	if p.dropComplete(f, d, s, coming) {
		if err := p.journal.ReleaseDrop(ctx, d, s); err != nil {
			return err
		}
		p.log.Info().Str("folder", f.Name).Str("drop", d.Dir).Int("files", s.Mapped).Msg("the drop is complete: its files are created")
		p.wake()
		return nil
	}
	return p.tellDrop(ctx, f, d, s, coming, w)
}

// dropComplete reports whether all of a drop is there, mapped without problems, and
// either declared complete by a sentinel that is no older than its files, or quiet.
func (p *Pipeline) dropComplete(f dropfolder.Folder, d journal.Drop, s journal.DropState, coming watcher.Drop) bool {
	if s.Settled+s.Blocking > 0 || coming != (watcher.Drop{}) {
		return false
	}
	if !p.now().Before(s.LastSeen.Add(f.Settle)) {
		return true
	}
	at := f.Drops.Announced(d.Dir)
	return !at.IsZero() && filetime.Of(at) >= s.LastModTime
}

// rootTogether reports whether the files that lie in the folder itself are one
// drop: a manifest lies there with them.
func (p *Pipeline) rootTogether(ctx context.Context, f dropfolder.Folder, w *waitingDrop) (_ bool, err error) {
	if f.Companions == nil {
		return false, nil
	}
	s, err := shelf.Open(p.mounts, f.Name, 0)
	if err != nil {
		return true, nil //nolint:nilerr // the folder is not there: nothing is concluded
	}
	defer s.Close()
	if w.manifest != "" && s.Holds(w.manifest) {
		return true, nil
	}
	w.manifest = ""
	manifests, err := p.journal.CompanionsIn(ctx, f.Name, ".", func(path string) bool {
		about, ok := f.Companions.About(path)
		return ok && about.Dir == "."
	})
	if i := slices.IndexFunc(manifests, s.Holds); i >= 0 {
		w.manifest = manifests[i]
	}
	return w.manifest != "", err
}

// releaseEach releases files that are in no drop, each by itself: a manifest may
// have come up to Folder.Settle after them.
func (p *Pipeline) releaseEach(ctx context.Context, f dropfolder.Folder, d journal.Drop) error {
	until := p.now()
	if !f.Ready {
		until = until.Add(-f.Settle)
	}
	n, err := p.journal.ReleaseSeen(ctx, d, until)
	if n > 0 {
		p.wake()
	}
	return err
}

// passOverGone supersedes the members that hold a drop back and whose files were
// removed, a few at a time, so that the drop need not wait for the next scan.
func (p *Pipeline) passOverGone(ctx context.Context, f dropfolder.Folder, d journal.Drop, w *waitingDrop) error {
	blockers := w.blockers
	if blockers == nil {
		var err error
		if blockers, err = p.journal.Blockers(ctx, d, w.after, goneBatch); err != nil {
			return err
		}
		if w.after == 0 && len(blockers) < goneBatch {
			w.blockers = blockers
		}
		if w.after = 0; len(blockers) == goneBatch {
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
	return unlessAway(p.resting.passOver(ctx, f.Name, files, func(string) bool { return false }))
}

// tellDrop gives the members that wait the reason why, where it is news.
func (p *Pipeline) tellDrop(ctx context.Context, f dropfolder.Folder, d journal.Drop, s journal.DropState, coming watcher.Drop, w *waitingDrop) error {
	r, err := p.reasonOfDrop(ctx, d, s, coming, w.blockers)
	if err != nil {
		return err
	}
	if s.Blocking > 0 && !w.looked {
		r.Class = reasons.ClassWaiting // some of them may prove to be gone
	}
	turned := r.Class != w.reason.Class
	if r == w.reason && s.Mapped == w.mapped || !turned && p.now().Before(w.toldAt.Add(tellFor*time.Duration(s.Mapped))) {
		return nil
	}
	if err := p.journal.TellDrop(ctx, d, s, r); err != nil {
		return err
	}
	w.reason, w.mapped, w.toldAt = r, s.Mapped, p.now()
	if turned && r.Class == journal.ClassBatch {
		p.log.Warn().Str("folder", f.Name).Str("drop", d.Dir).Str("reason", r.Message).Str("hint", r.Hint).Msg("the drop waits")
		p.wake() // a backfill does not wait for it
	}
	return nil
}

// reasonOfDrop says what a drop waits for. Where that does not come of itself, the
// class says so. The blockers are its held and failed members, as far as they are known.
func (p *Pipeline) reasonOfDrop(ctx context.Context, d journal.Drop, s journal.DropState, coming watcher.Drop, first []journal.Entry) (_ journal.Reason, err error) {
	var why []string
	if s.Blocking > 0 {
		if len(first) == 0 {
			if first, err = p.journal.Blockers(ctx, d, 0, 1); err != nil {
				return journal.Reason{}, err
			}
		}
		text := fmt.Sprintf("%d of %d files are held or failed", s.Blocking, s.Members()+coming.Settling+coming.Waiting)
		if len(first) > 0 {
			name := strings.TrimPrefix(first[0].Path, d.Dir+"/")
			text += fmt.Sprintf(" (%s: %s)", strings.ToValidUTF8(name, "\uFFFD"), first[0].Reason.Message)
		}
		why = append(why, text)
	}
	if n := s.Settled + coming.Settling; n > 0 {
		why = append(why, fmt.Sprintf("%d still arriving", n))
	}
	if coming.Waiting > 0 {
		why = append(why, fmt.Sprintf("%d without the sentinel", coming.Waiting))
	}
	if coming.Unreadable {
		why = append(why, "something in it cannot be read")
	}
	r := reasonDropComes(d.Dir, why)
	if len(why) > 0 && s.Settled+coming.Settling == 0 && !coming.Moving {
		r.Class = journal.ClassBatch
		r.Hint = "Complete the drop, or remove from it what is not to come."
	}
	if s.Blocking > 0 {
		r.Hint = "Correct the files that are held or failed, or `ingestd cancel` them, or remove them from the folder: the rest then goes by itself."
	}
	return r, nil
}

// reasonDropComes is the reason of a file whose drop is not complete.
func reasonDropComes(dir string, why []string) journal.Reason {
	drop := "the files that lie beside it"
	if dir != "" {
		drop = "the rest of its drop " + strings.ToValidUTF8(dir, "\uFFFD")
	}
	if len(why) == 0 {
		why = []string{"more may be on the way"}
	}
	return journal.Reason{Class: reasons.ClassWaiting, Message: "it waits for " + drop + ": " + strings.Join(why, ", ")}
}
