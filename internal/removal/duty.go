package removal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// duty is what the journal stores with a chore of kind journal.ChoreRestore: what a
// removal must spare.
type duty struct {
	Original string `json:"original"` // of the asset

	Others  []Version `json:"others"`          // were there before the removal
	Binned  []Version `json:"binned"`          // were in the recycle bin before it
	Current bool      `json:"current"`         // one of them all was the current one
	Taken   []Version `json:"taken,omitempty"` // went along, and are to be brought back
	Kept    bool      `json:"kept,omitempty"`  // bringing them back brought the removed one back, too
}

// resume takes up a stored duty.
func (m *Removal) resume(c journal.Chore) error {
	m.id = c.ID
	if err := json.Unmarshal([]byte(c.Spec), &m.duty); err != nil {
		return fmt.Errorf("read what a removal must spare: %w", err)
	}
	return nil
}

// store makes the duty durable.
func (m *Removal) store(ctx context.Context) error {
	spec, err := json.Marshal(m.duty)
	if err != nil {
		return fmt.Errorf("store what a removal must spare: %w", err)
	}
	if m.id != 0 {
		return m.remover.Duties.Learn(ctx, m.id, string(spec))
	}
	m.id, err = m.remover.Duties.Open(ctx, m.entry, journal.NewChore{
		Kind: journal.ChoreRestore, ObjectID: m.target.ObjectID, FileID: m.target.FileID, Filename: m.filename,
		Spec: string(spec), NotBefore: m.remover.Now().Add(firstLook), Until: m.remover.Now().Add(dutyFor),
	})
	return err
}

// restore brings back what went along. Which that is, is stored first.
func (m *Removal) restore(ctx context.Context) error {
	if m.id == 0 {
		return nil
	}
	missing, err := m.look(ctx)
	if err != nil {
		return fmt.Errorf("look at what the removal of a version has left of its asset: %w", err)
	}
	if fresh := slices.DeleteFunc(slices.Clone(missing), func(v Version) bool { return slices.Contains(m.duty.Taken, v) }); len(fresh) > 0 {
		m.duty.Taken = append(m.duty.Taken, fresh...)
		if err := m.store(ctx); err != nil {
			return err
		}
		m.event(m.remover.Log.Warn()).Str("taken", ids(fresh)).
			Msg("the removal of a version moved others of its asset to the recycle bin: they are brought back")
	}
	if len(missing) == 0 {
		return nil
	}
	var refused error
	for _, v := range missing {
		err := m.remover.API.UndeleteAsset(ctx, v.ObjectID)
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
		return &UnrestoredError{of: m, missing: missing, cause: refused}
	}
	gone, err := m.isGone(ctx)
	if err != nil {
		return err
	}
	if m.gone && !gone { // else somebody has restored it on purpose
		m.duty.Kept, m.kept = true, true
		m.remover.together.Store(true)
		return m.store(ctx)
	}
	return nil
}

// look returns the versions that were there before and are not now, nor were deleted by
// somebody else, and those that came since and went along.
func (m *Removal) look(ctx context.Context) ([]Version, error) {
	list, err := m.list(ctx)
	if err != nil {
		return nil, err
	}
	var target tenovos.Asset
	if i := slices.IndexFunc(list, m.isTarget); i >= 0 {
		target = list[i]
	}
	m.left, m.back, m.noCurrent = nil, nil, false
	var missing []Version
	there, current := false, false
	for _, a := range list {
		v := VersionOf(a)
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
		a, err := m.remover.API.Asset(ctx, v.FileID)
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
func (m *Removal) list(ctx context.Context) ([]tenovos.Asset, error) {
	asked := append([]Version{m.target}, m.duty.Others[:min(len(m.duty.Others), 3)]...)
	for _, v := range asked {
		versions, err := m.remover.API.Versions(ctx, v.ObjectID)
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
	return !a.Deletion.IsZero() && !ours.Deletion.IsZero() && a.Deletion.Sub(ours.Deletion) > tenovos.CallSpan
}

// LookAgain does an open duty that nobody else has finished: it ends when everything is
// there that is to be. Whoever removes the target afterwards, if somebody has restored it,
// has a duty of its own. Where until is not zero, it is looked at again then, which is no try.
func (r *Remover) LookAgain(ctx context.Context, c journal.Chore) (done bool, until time.Time, err error) {
	m := &Removal{remover: r, entry: c.EntryID, target: Version{c.ObjectID, c.FileID}, filename: c.Filename}
	if err := m.resume(c); err != nil {
		return false, until, err
	}
	if err := m.lock(ctx); err != nil {
		return false, until, err
	}
	defer m.Release()
	if m.gone, err = m.isGone(ctx); err != nil || !m.gone && len(m.duty.Taken) == 0 {
		return false, until, err // whoever is to remove it has not come to that
	}
	if m.kept = m.duty.Kept; !m.kept {
		if err := m.restore(ctx); err != nil {
			return false, until, err
		}
		if err := m.remark(ctx); err != nil {
			return false, until, err
		}
		m.report()
	}
	if m.kept && r.Now().Before(c.Until) {
		return false, c.Until, nil
	}
	return true, until, nil
}

// report logs what there is to say.
func (m *Removal) report() {
	for _, a := range m.left {
		m.event(m.remover.Log.Warn()).Str("version", a.ObjectID).Str("by", a.DeletedBy).
			Msg("another version of the asset was moved to the recycle bin by somebody else at that time: left there")
	}
	if notice := m.Notice(); notice != "" {
		m.event(m.remover.Log.Warn()).Msg(notice)
	}
}

func (m *Removal) event(ev *zerolog.Event) *zerolog.Event {
	return ev.Int64("id", m.entry).Str("filename", m.filename).Str("object_id", m.target.ObjectID)
}

// Notice is what an operator should know of the removal; "" if it was alone.
func (m *Removal) Notice() string {
	var parts []string
	if n := len(m.duty.Taken); n > 0 {
		parts = append(parts, fmt.Sprintf("the removal of version %s moved %d other version(s) of its asset to the recycle bin of Tenovos (%s): they were brought back",
			m.target.ObjectID, n, ids(m.duty.Taken)))
	}
	if len(m.duty.Taken) > 0 && len(m.back) > 0 {
		parts = append(parts, fmt.Sprintf("with them came what had been there before (%s): delete that again in Tenovos", ids(m.back)))
	}
	if m.kept {
		parts = append(parts, fmt.Sprintf("version %s stays in Tenovos: it deletes and restores the versions of an asset together, so remove that one by hand if you can", m.target.ObjectID))
	}
	if m.noCurrent {
		parts = append(parts, fmt.Sprintf("Tenovos calls none of the versions that are left beside version %s the current one: look at the asset there", m.target.ObjectID))
	}
	return strings.Join(parts, "; ")
}

// With adds the notice to the reason of an entry.
func (m *Removal) With(r journal.Reason) journal.Reason {
	notice := m.Notice()
	switch {
	case notice == "":
	case r.Message == "":
		r.Class, r.Message = reasons.ClassRemoval, notice
	default:
		r.Message += "; " + notice
	}
	return r
}

// remark adds the notice to the reason that the entry rests with.
func (m *Removal) remark(ctx context.Context) error {
	if notice := m.Notice(); notice != "" {
		return m.remover.Duties.Remark(ctx, m.entry, notice)
	}
	return nil
}

// Unrestored is the error of a removal that is given up on, because of a cause, before what
// is known to have gone along is back; nil if nothing is known to.
func (m *Removal) Unrestored(cause error) *UnrestoredError {
	if len(m.duty.Taken) == 0 {
		return nil
	}
	return &UnrestoredError{of: m, missing: m.duty.Taken, cause: cause}
}

// UnrestoredError is a removal that others went along with, and that cannot be mended
// yet. It is no one error of Tenovos.
type UnrestoredError struct {
	of      *Removal
	missing []Version
	cause   error // of the last that was refused; nil if none was
}

func (e *UnrestoredError) Error() string {
	text := fmt.Sprintf("the removal of version %s moved %d other version(s) of its asset to the recycle bin of Tenovos (%s), and they cannot be brought back yet",
		e.of.target.ObjectID, len(e.missing), ids(e.missing))
	if e.cause != nil {
		text += ": " + reasons.Message(e.cause)
	}
	return text
}

// Reason is why the entry rests whose removed version others went along with.
func (e *UnrestoredError) Reason(of journal.Entry) journal.Reason {
	r := journal.Reason{
		Class: reasons.ClassRemoval, Message: e.Error(),
		Hint: "Restore these versions in Tenovos; ingestd goes on trying for a week. Then `ingestd retry ID` tries the file again.",
	}
	if of.Reason.Message != "" {
		r.Message = of.Reason.Message + "; " + r.Message
	}
	if !of.Outcome.Runnable() && of.Reason.Class != "" {
		r.Class = of.Reason.Class
	}
	return r
}

func ids(versions []Version) string {
	list := make([]string, len(versions))
	for i, v := range versions {
		list[i] = v.ObjectID
	}
	return strings.Join(list, ", ")
}
