package journal

import (
	"context"
	"database/sql"
	"regexp"
)

// ordinary reports a move of the way that nearly every file takes, of which what comes out
// is known without reading it.
func (m Move) ordinary() bool {
	if m.ResetCounts || m.CountFailure || m.CountExpiry {
		return false
	}
	switch m.From {
	case Settled:
		return m.To == Mapped
	case Mapped:
		return m.To == Creating
	case Creating:
		return m.To == Created
	case Created, Uploading, Completing, Verifying, Verified:
		return m.To == Uploading || m.To == Completing || m.To == Verifying || m.To == Verified || m.To == Filed
	}
	return false
}

// movedNow has a move return the entry, of which RETURNING knows no other name.
var movedNow = ` RETURNING ` + regexp.MustCompile(`\be\.`).ReplaceAllString(entryColumns, "entries.")

// asKnown makes a move one of an entry that nobody changed since Move.Was was read: of all
// that others may change, nothing is otherwise.
const asKnown = ` AND updated = :updated AND tries = :tries AND path = :path AND generation = :generation AND change_time = :changed
	AND mapped_at = :mapped AND (batch IS NOT NULL) = :batch AND sha256 IS NOT DISTINCT FROM :sha256 AND aside = :aside AND failures = :failures`

// setKnown runs the statement of an ordinary move of an entry that is as its owner knows
// it, and returns what comes out, but for its attempt. Known is false where that cannot be
// told: nothing was changed then.
func setKnown(ctx context.Context, tx *session, m Move, text string, args []any, now int64) (e Entry, known bool, err error) {
	if m.Was == nil || m.Was.ID != m.ID || m.Was.Status != m.From || !m.ordinary() {
		return e, false, nil
	}
	e = *m.Was
	args = append(args[:len(args):len(args)], sql.Named("updated", ms(e.Updated)), sql.Named("tries", e.Tries),
		sql.Named("path", []byte(e.Path)), sql.Named("generation", e.Generation), sql.Named("changed", e.ChangeTime),
		sql.Named("mapped", ms(e.MappedAt)), sql.Named("batch", e.InDrop), sql.Named("sha256", e.SHA256),
		sql.Named("aside", []byte(e.Aside)), sql.Named("failures", e.Failures))
	n, err := affect(ctx, tx, text+asKnown, args...)
	if err != nil || n == 0 {
		return e, false, err
	}
	e.Status, e.Outcome, e.Reason = m.To, m.Outcome, m.Reason
	e.Since, e.Updated, e.Tries = at(now), at(now), 0
	switch m.To {
	case Mapped:
		e.Asset, e.Filename, e.MappedAt = m.Asset, m.Filename, at(ms(m.FactsAt))
	case Creating:
		e.InDrop = false
	case Created:
		e.ObjectID, e.FileID, e.OriginalFileID = m.Created.ObjectID, m.Created.FileID, m.Created.OriginalFileID
	}
	if !m.To.attempting() {
		e.Attempt = nil
	}
	return e, true, nil
}
