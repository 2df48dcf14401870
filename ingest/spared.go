package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// spared is what a duty stores.
type spared struct {
	Original string `json:"original"` // of the asset

	Others  []version `json:"others"`          // were there before the removal
	Binned  []version `json:"binned"`          // were in the recycle bin before it
	Current bool      `json:"current"`         // one of them all was the current one
	Taken   []version `json:"taken,omitempty"` // went along, and are to be brought back
	Kept    bool      `json:"kept,omitempty"`  // bringing them back brought the removed one back, too
}

// resume takes up a stored duty.
func (m *removal) resume(c journal.Chore) error {
	m.id = c.ID
	if err := json.Unmarshal([]byte(c.Spec), &m.duty); err != nil {
		return fmt.Errorf("read what a removal must spare: %w", err)
	}
	return nil
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
		if errors.Is(err, tenovos.ErrUnavailable) || errors.Is(err, tenovos.ErrIntermediary) || errors.Is(err, tenovos.ErrThrottled) || errors.Is(err, tenovos.ErrSession) {
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
	if m.gone && !gone { // else somebody has restored it on purpose
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

// lookAgain does an open duty that nobody else has finished: it ends when everything is
// there that is to be. Whoever removes the target afterwards, if somebody has restored it,
// has a duty of its own.
func (r *remover) lookAgain(ctx context.Context, c journal.Chore) (done bool, err error) {
	m := &removal{remover: r, entry: c.EntryID, target: version{c.ObjectID, c.FileID}, filename: c.Filename}
	if err := m.resume(c); err != nil {
		return false, err
	}
	if err := m.lock(ctx); err != nil {
		return false, err
	}
	defer m.release()
	if m.gone, err = m.isGone(ctx); err != nil || !m.gone && len(m.duty.Taken) == 0 {
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
		return false, &filing.NotYetError{Until: c.Until}
	}
	return true, nil
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
		r.Class, r.Message = reasons.ClassRemoval, said
	default:
		r.Message += "; " + said
	}
	return r
}

// remark tells the entry that rests what is said.
func (m *removal) remark(ctx context.Context) error {
	if said := m.said(); said != "" {
		return journal.DutiesOf(m.journal).Remark(ctx, m.entry, said)
	}
	return nil
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
		text += ": " + reasons.Message(e.cause)
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
