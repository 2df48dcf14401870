package journal

import (
	"context"
	"regexp"
	"slices"
	"time"
)

// ordinary reports a move of the way that nearly every file takes, of which what comes out
// is known without reading it.
func (m Move) ordinary() bool {
	if m.stays() || m.Learned.Compared != 0 || m.ResetCounts || m.CountFailure || m.CountExpiry {
		return false
	}
	switch m.From {
	case Settled:
		return m.To == Mapped || m.To == Creating
	case Mapped:
		return m.To == Creating
	case Creating:
		return m.To == Uploading
	case Uploading, Completing, Verifying, Verified:
		return m.To == Completing || m.To == Verifying || m.To == Verified || m.To == Filed
	}
	return false
}

// movedNow has a move return the entry. RETURNING knows the table by its own name alone,
// not as e.
var movedNow = ` RETURNING ` + regexp.MustCompile(`\be\.`).ReplaceAllString(entryColumns, "entries.")

// asKnown makes a move one of an entry that nobody changed since Move.Was was read: of all
// that others may change, nothing is otherwise.
const asKnown = ` AND updated = ?15 AND tries = ?16 AND path = ?17 AND generation = ?18 AND change_time = ?19
	AND mapped_at = ?20 AND (batch IS NOT NULL) = ?21 AND sha256 IS NOT DISTINCT FROM ?22 AND aside = ?23 AND failures = ?24`

// moveArgs is how many arguments a move has, and knownArgs how many these are.
const moveArgs, knownArgs = 14, 10

// setKnown runs the statement of an ordinary move of an entry that is as its worker knows
// it, and returns what comes out, with the attempt that it had. Known is false where that
// cannot be told: nothing was changed then.
func setKnown(ctx context.Context, tx *session, m Move, text string, args []any, now int64) (e Entry, known bool, err error) {
	if m.Was == nil || m.Was.ID != m.ID || m.Was.Status != m.From || !m.ordinary() {
		return e, false, nil
	}
	e = *m.Was
	if e.Generation > 1 || m.Previous != nil && *m.Previous != 0 { // before the first one there is none
		if err := checkPrevious(ctx, tx, m); err != nil {
			return e, false, err
		}
	}
	args = append(args, ms(e.Updated), e.Tries, []byte(e.Path), e.Generation, e.ChangeTime, ms(e.MappedAt), e.InDrop, e.SHA256, []byte(e.Aside), e.Failures)
	n, err := affect(ctx, tx, text+asKnown, args...)
	if err != nil || n == 0 {
		return e, false, err
	}
	e.Status, e.Outcome, e.Reason = m.To, m.Outcome, m.Reason
	e.Since, e.Updated, e.Tries = at(now), at(now), 0
	switch m.To {
	case Mapped, Creating:
		if m.From == Settled {
			e.Asset, e.Filename, e.MappedAt = m.Asset, m.Filename, at(ms(m.FactsAt))
		}
		e.InDrop = e.InDrop && m.To == Mapped
	case Uploading:
		e.ObjectID, e.FileID, e.OriginalFileID = m.Created.ObjectID, m.Created.FileID, m.Created.OriginalFileID
	}
	if len(m.Learned.Parts) > 0 {
		e.Sent = e.Attempt.with(m.Learned.Parts).sent()
	}
	if m.Learned.SHA256 != nil {
		e.SHA256 = m.Learned.SHA256
	}
	return e, true, nil
}

// with returns a copy of an attempt of which some more parts are stored.
func (a *Attempt) with(stored []Part) *Attempt {
	out := *a
	out.Parts = slices.Clone(a.Parts)
	for _, s := range stored {
		for i, p := range out.Parts {
			if p.Number == s.Number {
				out.Parts[i].DoneAt = time.Unix(1, 0) // some time
			}
		}
	}
	return &out
}
