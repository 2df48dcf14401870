package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
		m.gone = failed == nil
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
		return ignoreMoved(journal.ChoresOf(m.journal).PutOff(rctx, m.id, m.now().Add(removalFor)))
	}
	return ignoreMoved(journal.ChoresOf(m.journal).Done(rctx, m.id))
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
