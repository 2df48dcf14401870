package ingest

import (
	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/removal"
	"github.com/tenovos-ingest/ingestd/journal"
)

// reasonUnrestored is why an entry rests of whose removed version others went along.
func reasonUnrestored(e journal.Entry, err *removal.UnrestoredError) journal.Reason {
	r := journal.Reason{
		Class: reasons.ClassRemoval, Message: err.Error(),
		Hint: "Restore these versions in Tenovos; ingestd goes on trying for a week. Then `ingestd retry ID` tries the file again.",
	}
	if e.Reason.Message != "" {
		r.Message = e.Reason.Message + "; " + r.Message
	}
	if !e.Outcome.Runnable() && e.Reason.Class != "" {
		r.Class = e.Reason.Class
	}
	return r
}

// forget drops what the process remembers of an entry that has come to rest.
func (p *Pipeline) forget(id int64) {
	p.sought.end(id)
	p.circuits.Forget(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.excused, id)
}

// entryLog adds the fields that name an entry.
func (p *Pipeline) entryLog(ev *zerolog.Event, e journal.Entry) *zerolog.Event {
	return ev.Str("folder", e.Folder).Str("path", e.Path).Int64("id", e.ID)
}

// logRest says what became of an entry that did not end as an asset.
func (p *Pipeline) logRest(e journal.Entry, to journal.Status, r journal.Reason) {
	p.stats.rested.Add(1)
	if to != journal.Superseded { // then its path goes on
		p.restarts.end(e)
	}
	p.forget(e.ID)
	ev := p.log.Warn()
	switch to {
	case journal.Ignored, journal.Superseded, journal.Cancelled, journal.Duplicate:
		ev = p.log.Info()
	case journal.Failed:
		ev = p.log.Error()
	}
	p.entryLog(ev, e).Str("status", string(to)).Str("reason", r.Message).Str("hint", r.Hint).Msg("not ingested")
}

// logMissed tells of the sidecars of an entry that cannot be read, and of what in the
// file cannot, wherever that makes a difference.
func (p *Pipeline) logMissed(e journal.Entry, m dropfolder.Mapped) {
	for _, missed := range m.Missed {
		p.entryLog(p.log.Warn(), e).Str("reason", missed).Str("hint", "Correct the sidecar: it is read again by itself.").
			Msg("a sidecar cannot be read: what it tells is left out")
	}
	if m.Damaged != "" {
		p.entryLog(p.log.Warn(), e).Str("reason", m.Damaged).Str("hint", "See with explain what was read of it; a program that writes its metadata anew may mend the file.").
			Msg("metadata of the file are damaged: what cannot be read is left out")
	}
}
