package removal

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

	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Remover takes versions of ours out of Tenovos. Whether a delete hits a version alone
// or others of its asset with it is not documented, so each removal is looked at: which
// other versions were there is stored as a duty before anything is done, and what went
// along is brought back afterwards, by whatever process comes to it.
type Remover struct {
	Deps

	// turns holds a lock for each original that had a version removed beside others: two
	// removals at once would take each other's deletes for what went along.
	turns sync.Map

	// together says that this account brings all versions of an asset back together, so
	// that none can be removed without the others.
	together atomic.Bool
}

// Deps are the parts that a Remover works with.
type Deps struct {
	API    API
	Duties journal.Duties
	Log    zerolog.Logger
	Now    func() time.Time
}

// New makes a Remover.
func New(d Deps) *Remover { return &Remover{Deps: d} }

// API is what a Remover does in Tenovos.
type API interface {
	Asset(ctx context.Context, id string) (tenovos.Asset, error)
	Versions(ctx context.Context, id string) ([]tenovos.Asset, error)
	DeleteAsset(ctx context.Context, objectID string) error
	UndeleteAsset(ctx context.Context, objectID string) error
}

// Version names one version of an asset.
type Version struct {
	ObjectID string `json:"object_id"`
	FileID   string `json:"file_id"`
}

// VersionOf names an asset's version.
func VersionOf(a tenovos.Asset) Version { return Version{a.ObjectID, a.FileID} }

// Removal is the removal of one version.
type Removal struct {
	remover  *Remover
	entry    int64
	target   Version
	filename string

	id     int64 // of the duty; 0: there is nothing to spare
	duty   duty
	locked bool // no other removal goes on in the asset
	gone   bool // the target is not there any more
	fresh  bool // it was removed just now: whatever came since and is gone went along
	kept   bool // nor is it to be removed: others would go with it for good

	release func() // see Release

	left      []tenovos.Asset // deleted by somebody else meanwhile
	back      []Version       // were in the recycle bin before, and came along from there
	noCurrent bool
}

const (
	// firstLook is how long whoever removes a version has for it until its duty is looked
	// at by others, as any other clean-up.
	firstLook = 10 * time.Second
	// dutyFor is how long an open duty is looked after.
	dutyFor = 7 * 24 * time.Hour
)

// Begin looks at the asset of a version that is to be removed, and stores what must be
// spared. Nothing may be done to the version before. No other removal begins in the
// asset until Release, which is to be called even with an error.
func (r *Remover) Begin(ctx context.Context, entry int64, target Version, filename string) (m *Removal, err error) {
	m = &Removal{remover: r, entry: entry, target: target, filename: filename, release: func() {}}
	defer func() {
		if err != nil {
			m.Release()
		}
	}()
	for {
		open, found, err := r.Duties.Find(ctx, target.ObjectID)
		if err != nil {
			return m, err
		}
		if found {
			if err := m.resume(open); err != nil {
				return m, err
			}
		}
		versions, err := r.API.Versions(ctx, target.ObjectID)
		if errors.Is(err, tenovos.ErrNotFound) || errors.Is(err, tenovos.ErrRejected) {
			versions, err = nil, m.unlisted(ctx, err)
		} else if err != nil {
			err = fmt.Errorf("look at the versions of an asset of which one is to be removed: %w", err)
		}
		if err != nil {
			return m, err
		}
		if len(versions) < 2 && !found || m.locked {
			return m, m.decide(ctx, versions)
		}
		if len(versions) > 0 {
			m.duty.Original = cmp.Or(versions[0].OriginalFileID, versions[0].FileID)
		}
		if err := m.lock(ctx); err != nil { // and look again
			return m, err
		}
	}
}

// Release lets the next removal begin in the asset. It may be called again.
func (m *Removal) Release() { m.release() }

// Kept reports that the version has to stay: others would go with it for good.
func (m *Removal) Kept() bool { return m.kept }

// lock waits for its turn in the asset.
func (m *Removal) lock(ctx context.Context) error {
	place, _ := m.remover.turns.LoadOrStore(m.duty.Original, make(chan struct{}, 1))
	turn := place.(chan struct{})
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	m.locked, m.release = true, sync.OnceFunc(func() { <-turn })
	return nil
}

// decide decides by the versions of its asset whether the target is to be removed, and
// stores what that must spare.
func (m *Removal) decide(ctx context.Context, versions []tenovos.Asset) (err error) {
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
	if err := m.unspare(ctx); err != nil {
		return err
	}
	return m.spare(ctx, versions)
}

// unspare has other open duties spare the target no longer: what is removed on purpose is
// not brought back.
func (m *Removal) unspare(ctx context.Context) error {
	open, err := m.remover.Duties.Sparing(ctx, m.target.ObjectID)
	for _, c := range open {
		other := &Removal{remover: m.remover}
		if err := other.resume(c); err != nil {
			return err
		}
		is := func(v Version) bool { return v.ObjectID == m.target.ObjectID }
		other.duty.Others = slices.DeleteFunc(other.duty.Others, is)
		other.duty.Taken = slices.DeleteFunc(other.duty.Taken, is)
		if err := other.store(ctx); err != nil && !errors.Is(err, journal.ErrUnknown) { // it has ended meanwhile
			return err
		}
	}
	return err
}

func (m *Removal) isTarget(a tenovos.Asset) bool { return a.ObjectID == m.target.ObjectID }

// isGone reports that the target is in the recycle bin, or not there at all.
func (m *Removal) isGone(ctx context.Context) (bool, error) {
	a, err := m.remover.API.Asset(ctx, m.target.FileID)
	if errors.Is(err, tenovos.ErrNotFound) {
		return true, nil
	}
	return err == nil && a.Deleted(), err
}

// unlisted is for a version whose asset's versions are not told. A first version has
// none before it; another is not removed where it cannot be seen what goes with it.
func (m *Removal) unlisted(ctx context.Context, cause error) error {
	a, err := m.remover.API.Asset(ctx, m.target.FileID)
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
func (m *Removal) spare(ctx context.Context, versions []tenovos.Asset) error {
	d := m.duty
	for _, a := range versions {
		v := VersionOf(a)
		d.Current = d.Current || a.Current
		switch {
		case m.isTarget(a) || slices.Contains(d.Others, v) || slices.Contains(d.Binned, v):
		case a.Deleted():
			d.Binned = append(slices.Clip(d.Binned), v)
		default:
			d.Others = append(slices.Clip(d.Others), v)
		}
	}
	m.kept = m.kept || m.remover.together.Load() && len(d.Others) > 0
	if len(d.Others) == len(m.duty.Others) || m.kept {
		return nil
	}
	m.duty = d
	return m.store(ctx)
}

// Finish removes the version, looks at the others, and brings back what went along. It
// may be repeated until it succeeds.
func (m *Removal) Finish(ctx context.Context) error {
	if m.kept {
		return nil
	}
	var failed error
	if !m.gone {
		m.fresh = m.locked
		failed = m.delete(ctx)
		if outage.Everybodys(failed) {
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
func (m *Removal) delete(ctx context.Context) error {
	err := m.remover.API.DeleteAsset(ctx, m.target.ObjectID)
	if err == nil || outage.Everybodys(err) {
		return err
	}
	if gone, lookErr := m.isGone(ctx); lookErr == nil && gone {
		return nil
	}
	return err
}

// Close ends the duty of a removal that has finished, when its outcome is recorded. What
// was kept is remembered until nobody searches for it any more.
func (m *Removal) Close(ctx context.Context) error {
	m.report()
	if m.id == 0 {
		return nil
	}
	rctx, cancel := journal.Recording(ctx)
	defer cancel()
	if m.kept {
		return unlessEnded(m.remover.Duties.PutOff(rctx, m.id, m.remover.Now().Add(dutyFor)))
	}
	return unlessEnded(m.remover.Duties.End(rctx, m.id))
}

// unlessEnded drops the error of a duty that somebody else has ended.
func unlessEnded(err error) error {
	if errors.Is(err, journal.ErrUnknown) {
		return nil
	}
	return err
}

// Remove is a removal from beginning to end, for an entry that has moved on. It answers
// false where the version has to stay.
func (r *Remover) Remove(ctx context.Context, entry int64, target Version, filename string) (bool, error) {
	m, err := r.Begin(ctx, entry, target, filename)
	if err != nil {
		return false, err
	}
	return m.Complete(ctx)
}

// Complete is the rest of a removal that has begun.
func (m *Removal) Complete(ctx context.Context) (removed bool, err error) {
	defer m.Release()
	if err := m.Finish(ctx); err != nil {
		return false, err
	}
	if err := m.remark(ctx); err != nil {
		return false, err
	}
	return !m.kept, m.Close(ctx)
}
