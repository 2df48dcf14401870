package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// remover takes versions of ours out of Tenovos. Whether a delete hits a version alone
// or others of its asset with it is not documented, so each removal is looked at: which
// other versions were there is stored as a duty before anything is done, and what went
// along is brought back afterwards, by whatever process comes to it.
type remover struct {
	api     removalAPI
	journal *journal.Journal
	log     zerolog.Logger
	now     func() time.Time

	// chains holds a place for each original that had a version removed beside others: two
	// removals at once would take each other's deletes for what went along.
	chains sync.Map

	// together says that this account brings all versions of an asset back together, so
	// that none can be removed without the others.
	together atomic.Bool
}

type removalAPI interface {
	Asset(ctx context.Context, id string) (tenovos.Asset, error)
	Versions(ctx context.Context, id string) ([]tenovos.Asset, error)
	DeleteAsset(ctx context.Context, objectID string) error
	UndeleteAsset(ctx context.Context, objectID string) error
}

// version names one version of an asset.
type version struct {
	ObjectID string `json:"object_id"`
	FileID   string `json:"file_id"`
}

func versionOf(a tenovos.Asset) version { return version{a.ObjectID, a.FileID} }

// spared is what a duty stores.
type spared struct {
	Original string `json:"original"` // of the asset

	Others  []version `json:"others"`          // were there before the removal
	Binned  []version `json:"binned"`          // were in the recycle bin before it
	Current bool      `json:"current"`         // one of them all was the current one
	Taken   []version `json:"taken,omitempty"` // went along, and are to be brought back
	Kept    bool      `json:"kept,omitempty"`  // bringing them back brought the removed one back, too
}

// removal is the removal of one version.
type removal struct {
	*remover
	entry    int64
	target   version
	filename string

	id     int64 // of the duty; 0: there is nothing to spare
	duty   spared
	locked bool // no other removal goes on in the asset
	gone   bool // the target is not there any more
	fresh  bool // it was removed just now: whatever came since and is gone went along
	kept   bool // nor is it to be removed: others would go with it for good

	release func() // lets the next removal begin in the asset; may be called again

	left      []tenovos.Asset // deleted by somebody else meanwhile
	back      []version       // were in the recycle bin before, and came along from there
	noCurrent bool
}

// removalFor is how long an open duty is looked after.
const removalFor = cleanUpFor

// begin looks at the asset of a version that is to be removed, and stores what must be
// spared. Nothing may be done to the version before. No other removal begins in the
// asset until release.
func (r *remover) begin(ctx context.Context, entry int64, target version, filename string) (m *removal, err error) {
	m = &removal{remover: r, entry: entry, target: target, filename: filename, release: func() {}}
	defer func() {
		if err != nil {
			m.release()
		}
	}()
	for {
		open, found, err := journal.DutiesOf(r.journal).Find(ctx, target.ObjectID)
		if err != nil {
			return m, err
		}
		if found {
			if err := m.resume(open); err != nil {
				return m, err
			}
		}
		versions, err := r.api.Versions(ctx, target.ObjectID)
		if errors.Is(err, tenovos.ErrNotFound) || errors.Is(err, tenovos.ErrRejected) {
			versions, err = nil, m.unlisted(ctx, err)
		} else if err != nil {
			err = fmt.Errorf("look at the versions of an asset of which one is to be removed: %w", err)
		}
		if err != nil {
			return m, err
		}
		if len(versions) < 2 && !found || m.locked {
			return m, m.take(ctx, versions)
		}
		if len(versions) > 0 {
			m.duty.Original = cmp.Or(versions[0].OriginalFileID, versions[0].FileID)
		}
		if err := m.lock(ctx); err != nil { // and look again
			return m, err
		}
	}
}

// lock waits for its turn in the asset.
func (m *removal) lock(ctx context.Context) error {
	place, _ := m.chains.LoadOrStore(m.duty.Original, make(chan struct{}, 1))
	turn := place.(chan struct{})
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	m.locked, m.release = true, sync.OnceFunc(func() { <-turn })
	return nil
}

// take decides by the versions of its asset whether the target is to be removed, and
// stores what that must spare.
func (m *removal) take(ctx context.Context, versions []tenovos.Asset) (err error) {
	i := slices.IndexFunc(versions, m.isTarget)
	switch {
	case i >= 0:
		m.gone = versions[i].Deleted()
	case len(versions) > 0:
		if m.gone, err = m.isGone(ctx); err != nil {
			return err
		}
	}
	if m.kept = m.duty.Kept; m.gone || m.kept {
		return nil
	}
	if err := m.forget(ctx); err != nil {
		return err
	}
	return m.spare(ctx, versions)
}

// forget has other open duties spare the target no longer: what is removed on purpose is
// not brought back.
func (m *removal) forget(ctx context.Context) error {
	duties := journal.DutiesOf(m.journal)
	open, err := duties.Sparing(ctx, m.target.ObjectID)
	for _, c := range open {
		other := &removal{remover: m.remover}
		if err := other.resume(c); err != nil {
			return err
		}
		is := func(v version) bool { return v.ObjectID == m.target.ObjectID }
		other.duty.Others = slices.DeleteFunc(other.duty.Others, is)
		other.duty.Taken = slices.DeleteFunc(other.duty.Taken, is)
		if err := other.store(ctx); err != nil && !errors.Is(err, journal.ErrUnknown) { // it has ended meanwhile
			return err
		}
	}
	return err
}

// resume takes up a stored duty.
func (m *removal) resume(c journal.Chore) error {
	m.id = c.ID
	if err := json.Unmarshal([]byte(c.Spec), &m.duty); err != nil {
		return fmt.Errorf("read what a removal must spare: %w", err)
	}
	return nil
}

func (m *removal) isTarget(a tenovos.Asset) bool { return a.ObjectID == m.target.ObjectID }

// isGone reports that the target is in the recycle bin, or not there at all.
func (m *removal) isGone(ctx context.Context) (bool, error) {
	a, err := m.api.Asset(ctx, m.target.FileID)
	if errors.Is(err, tenovos.ErrNotFound) {
		return true, nil
	}
	return err == nil && a.Deleted(), err
}

// unlisted is for a version whose asset's versions are not told. A first version has
// none before it; another is not removed where it cannot be seen what goes with it.
func (m *removal) unlisted(ctx context.Context, cause error) error {
	a, err := m.api.Asset(ctx, m.target.FileID)
	switch {
	case errors.Is(err, tenovos.ErrNotFound) || err == nil && a.Deleted():
		m.gone = true
		return nil
	case err != nil:
		return err
	case a.OriginalFileID == "" || a.OriginalFileID == a.FileID || m.id != 0:
		return nil
	}
	return fmt.Errorf("version %s is not removed, because the other versions of its asset cannot be seen, and might go with it: %w", m.target.ObjectID, cause)
}

// spare stores which versions are there. What an earlier look found stays: the removal
// may have begun.
func (m *removal) spare(ctx context.Context, versions []tenovos.Asset) error {
	d := m.duty
	for _, a := range versions {
		v := versionOf(a)
		d.Current = d.Current || a.Current
		switch {
		case m.isTarget(a) || slices.Contains(d.Others, v) || slices.Contains(d.Binned, v):
		case a.Deleted():
			d.Binned = append(slices.Clip(d.Binned), v)
		default:
			d.Others = append(slices.Clip(d.Others), v)
		}
	}
	m.kept = m.kept || m.together.Load() && len(d.Others) > 0
	if len(d.Others) == len(m.duty.Others) || m.kept {
		return nil
	}
	m.duty = d
	return m.store(ctx)
}

// store makes the duty durable.
func (m *removal) store(ctx context.Context) error {
	spec, err := json.Marshal(m.duty)
	if err != nil {
		return fmt.Errorf("store what a removal must spare: %w", err)
	}
	duties := journal.DutiesOf(m.journal)
	if m.id != 0 {
		return duties.Learn(ctx, m.id, string(spec))
	}
	m.id, err = duties.Open(ctx, m.entry, journal.NewChore{
		Kind: journal.ChoreRestore, ObjectID: m.target.ObjectID, FileID: m.target.FileID, Filename: m.filename,
		Spec: string(spec), NotBefore: m.now().Add(choreWait(0)), Until: m.now().Add(removalFor),
	})
	return err
}

// finish removes the version, looks at the others, and brings back what went along. It
// may be repeated until it succeeds.
func (m *removal) finish(ctx context.Context) error {
	if m.kept {
		return nil
	}
	var failed error
	if !m.gone {
		m.fresh = m.locked
		failed = m.delete(ctx)
		if everyonesTrouble(failed) {
			return failed
		}
	}
	if err := m.restore(ctx); err != nil {
		return err
	}
	return failed
}

// delete soft-deletes the version. A refusal may mean that it is gone already, which is
// what is wanted: it is looked at.
func (m *removal) delete(ctx context.Context) error {
	err := m.api.DeleteAsset(ctx, m.target.ObjectID)
	if err == nil || everyonesTrouble(err) {
		return err
	}
	if gone, lookErr := m.isGone(ctx); lookErr == nil && gone {
		return nil
	}
	return err
}

// restore brings back what went along. Which that is, is stored first.
func (m *removal) restore(ctx context.Context) error {
	if m.id == 0 {
		return nil
	}
	missing, err := m.look(ctx)
	if err != nil {
		return fmt.Errorf("look at what the removal of a version has left of its asset: %w", err)
	}
	if fresh := slices.DeleteFunc(slices.Clone(missing), func(v version) bool { return slices.Contains(m.duty.Taken, v) }); len(fresh) > 0 {
		m.duty.Taken = append(m.duty.Taken, fresh...)
		if err := m.store(ctx); err != nil {
			return err
		}
		m.event(m.log.Warn()).Str("taken", ids(fresh)).
			Msg("the removal of a version moved others of its asset to the recycle bin: they are brought back")
	}
	if len(missing) == 0 {
		return nil
	}
	var refused error
	for _, v := range missing {
		err := m.api.UndeleteAsset(ctx, v.ObjectID)
		if errors.Is(err, tenovos.ErrUnavailable) || errors.Is(err, tenovos.ErrThrottled) || errors.Is(err, tenovos.ErrSession) {
			return err
		}
		if err != nil { // a version before it may have brought it along: it is looked at
			refused = err
		}
	}
	if missing, err = m.look(ctx); err != nil {
		return fmt.Errorf("look at what the removal of a version has left of its asset: %w", err)
	}
	if len(missing) > 0 {
		return &unrestoredError{of: m, missing: missing, cause: refused}
	}
	gone, err := m.isGone(ctx)
	if err != nil {
		return err
	}
	if !gone {
		m.duty.Kept, m.kept = true, true
		m.together.Store(true)
		return m.store(ctx)
	}
	return nil
}

// look returns the versions that were there before and are not now, nor were deleted by
// somebody else, and those that came since and went along.
func (m *removal) look(ctx context.Context) ([]version, error) {
	list, err := m.list(ctx)
	if err != nil {
		return nil, err
	}
	var target tenovos.Asset
	if i := slices.IndexFunc(list, m.isTarget); i >= 0 {
		target = list[i]
	}
	m.left, m.back, m.noCurrent = nil, nil, false
	var missing []version
	there, current := false, false
	for _, a := range list {
		v := versionOf(a)
		switch {
		case !a.Deleted():
			if slices.Contains(m.duty.Binned, v) {
				m.back = append(m.back, v)
			}
			there, current = there || !m.isTarget(a), current || a.Current
		case m.isTarget(a) || slices.Contains(m.duty.Binned, v):
		case !m.fresh && !slices.Contains(m.duty.Others, v) && !slices.Contains(m.duty.Taken, v):
		case !slices.Contains(m.duty.Taken, v) && byAnother(a, target):
			m.left = append(m.left, a)
		default:
			missing = append(missing, v)
		}
	}
	for _, v := range m.duty.Others { // where what is deleted is not listed
		if slices.ContainsFunc(list, func(a tenovos.Asset) bool { return a.ObjectID == v.ObjectID }) {
			continue
		}
		a, err := m.api.Asset(ctx, v.FileID)
		switch {
		case errors.Is(err, tenovos.ErrNotFound) || err == nil && a.Deleted():
			missing = append(missing, v)
		case err != nil:
			return nil, err
		default:
			there, current = true, current || a.Current
		}
	}
	m.noCurrent = m.duty.Current && there && !current
	return missing, nil
}

// list returns the versions of the asset by the id of any that answers. An asset of which
// nothing is to be seen has none.
func (m *removal) list(ctx context.Context) ([]tenovos.Asset, error) {
	asked := append([]version{m.target}, m.duty.Others[:min(len(m.duty.Others), 3)]...)
	for _, v := range asked {
		versions, err := m.api.Versions(ctx, v.ObjectID)
		if errors.Is(err, tenovos.ErrNotFound) || errors.Is(err, tenovos.ErrRejected) {
			continue
		}
		return versions, err
	}
	return nil, nil
}

// byAnother reports that a version was not deleted along with ours: by another user, or
// by an unknown one much later. Where Tenovos tells neither it counts as gone along.
func byAnother(a, ours tenovos.Asset) bool {
	if a.DeletedBy != "" && ours.DeletedBy != "" {
		return a.DeletedBy != ours.DeletedBy
	}
	return !a.Deletion.IsZero() && !ours.Deletion.IsZero() && a.Deletion.Sub(ours.Deletion) > callSpan
}

// close ends the duty of a removal that has finished, when its outcome is recorded. What
// was kept is remembered until nobody searches for it any more.
func (m *removal) close(ctx context.Context) error {
	m.report()
	if m.id == 0 {
		return nil
	}
	rctx, cancel := record(ctx)
	defer cancel()
	if m.kept {
		return ignoreMoved(m.journal.PutOffChore(rctx, m.id, m.now().Add(removalFor)))
	}
	return ignoreMoved(m.journal.DoneChore(rctx, m.id))
}

// report logs what there is to say.
func (m *removal) report() {
	for _, a := range m.left {
		m.event(m.log.Warn()).Str("version", a.ObjectID).Str("by", a.DeletedBy).
			Msg("another version of the asset was moved to the recycle bin by somebody else at that time: left there")
	}
	if said := m.said(); said != "" {
		m.event(m.log.Warn()).Msg(said)
	}
}

func (m *removal) event(ev *zerolog.Event) *zerolog.Event {
	return ev.Int64("id", m.entry).Str("filename", m.filename).Str("object_id", m.target.ObjectID)
}

// said is what an operator should know of the removal; "" if it was alone.
func (m *removal) said() string {
	var said []string
	if n := len(m.duty.Taken); n > 0 {
		said = append(said, fmt.Sprintf("the removal of version %s moved %d other version(s) of its asset to the recycle bin of Tenovos (%s): they were brought back",
			m.target.ObjectID, n, ids(m.duty.Taken)))
	}
	if len(m.duty.Taken) > 0 && len(m.back) > 0 {
		said = append(said, fmt.Sprintf("with them came what had been there before (%s): delete that again in Tenovos", ids(m.back)))
	}
	if m.kept {
		said = append(said, fmt.Sprintf("version %s stays in Tenovos: it deletes and restores the versions of an asset together, so remove that one by hand if you can", m.target.ObjectID))
	}
	if m.noCurrent {
		said = append(said, fmt.Sprintf("Tenovos calls none of the versions that are left beside version %s the current one: look at the asset there", m.target.ObjectID))
	}
	return strings.Join(said, "; ")
}

// with adds what is said to the reason of an entry.
func (m *removal) with(r journal.Reason) journal.Reason {
	said := m.said()
	switch {
	case said == "":
	case r.Message == "":
		r.Class, r.Message = classRemoval, said
	default:
		r.Message += "; " + said
	}
	return r
}

// unrestoredError is a removal that others went along with, and that cannot be mended
// yet. It is no one error of Tenovos.
type unrestoredError struct {
	of      *removal
	missing []version
	cause   error // of the last that was refused; nil if none was
}

func (e *unrestoredError) Error() string {
	text := fmt.Sprintf("the removal of version %s moved %d other version(s) of its asset to the recycle bin of Tenovos (%s), and they cannot be brought back yet",
		e.of.target.ObjectID, len(e.missing), ids(e.missing))
	if e.cause != nil {
		text += ": " + messageOf(e.cause)
	}
	return text
}

func ids(versions []version) string {
	list := make([]string, len(versions))
	for i, v := range versions {
		list[i] = v.ObjectID
	}
	return strings.Join(list, ", ")
}

// lookAgain does an open duty that nobody else has finished: it ends when everything is
// there that is to be, and the target gone.
func (r *remover) lookAgain(ctx context.Context, c journal.Chore) (done bool, err error) {
	m := &removal{remover: r, entry: c.EntryID, target: version{c.ObjectID, c.FileID}, filename: c.Filename}
	if err := m.resume(c); err != nil {
		return false, err
	}
	if err := m.lock(ctx); err != nil {
		return false, err
	}
	defer m.release()
	gone, err := m.isGone(ctx)
	if err != nil || !gone && len(m.duty.Taken) == 0 {
		return false, err // whoever is to remove it has not come to that
	}
	if m.kept = m.duty.Kept; !m.kept {
		if err := m.restore(ctx); err != nil {
			return false, err
		}
		if err := m.remark(ctx); err != nil {
			return false, err
		}
		m.report()
	}
	if m.kept && r.now().Before(c.Until) {
		return false, &notYetError{c.Until}
	}
	return m.kept || gone, nil
}

// remark tells the entry that rests what is said.
func (m *removal) remark(ctx context.Context) error {
	if said := m.said(); said != "" {
		return journal.DutiesOf(m.journal).Remark(ctx, m.entry, said)
	}
	return nil
}

// remove is a removal from beginning to end, for an entry that has moved on. It answers
// false where the version has to stay.
func (r *remover) remove(ctx context.Context, entry int64, target version, filename string) (bool, error) {
	m, err := r.begin(ctx, entry, target, filename)
	if err != nil {
		return false, err
	}
	return m.complete(ctx)
}

// complete is the rest of a removal that has begun.
func (m *removal) complete(ctx context.Context) (removed bool, err error) {
	defer m.release()
	if err := m.finish(ctx); err != nil {
		return false, err
	}
	if err := m.remark(ctx); err != nil {
		return false, err
	}
	return !m.kept, m.close(ctx)
}
