package ingest

import (
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// forget drops what the process remembers of an entry that has come to rest.
func (p *Pipeline) forget(id int64) {
	p.sources.Forget(id)
	p.circuits.Forget(id)
	p.excuses.Forget(id)
}

// logRest says what became of an entry that did not end as an asset.
func (p *Pipeline) logRest(e journal.Entry, to journal.Status, r journal.Reason) {
	p.stats.rested.Add(1)
	if to != journal.Superseded { // then its path goes on
		p.sources.Quiet(e)
	}
	p.forget(e.ID)
	ev := p.log.Warn()
	switch to {
	case journal.Ignored, journal.Superseded, journal.Cancelled, journal.Duplicate:
		ev = p.log.Info()
	case journal.Failed:
		ev = p.log.Error()
	}
	dropfolder.LogEntry(ev, e).Str("status", string(to)).Str("reason", r.Message).Str("hint", r.Hint).Msg("not ingested")
}

// logMissed tells of the sidecars of an entry that cannot be read, and of what in the
// file cannot, wherever that makes a difference.
func (c *core) logMissed(e journal.Entry, m dropfolder.Mapped) {
	for _, missed := range m.Missed {
		dropfolder.LogEntry(c.log.Warn(), e).Str("reason", missed).Str("hint", "Correct the sidecar: it is read again by itself.").
			Msg("a sidecar cannot be read: what it tells is left out")
	}
	if m.Damaged != "" {
		dropfolder.LogEntry(c.log.Warn(), e).Str("reason", m.Damaged).Str("hint", "See with explain what was read of it; a program that writes its metadata anew may mend the file.").
			Msg("metadata of the file are damaged: what cannot be read is left out")
	}
}

// logFiled says that an entry's content is in.
func (p *Pipeline) logFiled(was, e journal.Entry) {
	p.stats.rested.Add(1)
	p.forget(e.ID)
	p.sources.Quiet(e)
	if was.Reason.Class == reasons.ClassAdopted { // said when it was found
		p.stats.adopted.Add(1)
		return
	}
	what := "asset created"
	if e.OriginalFileID != e.FileID {
		what = "version created"
		p.stats.versions.Add(1)
	}
	p.stats.ingested.Add(1)
	p.stats.bytes.Add(e.Size)
	dropfolder.LogEntry(p.log.Info(), e).Str("object_id", e.ObjectID).Str("file_id", e.FileID).
		Int64("bytes", e.Size).Msg(what)
}

// fileRenamed notes that the file of an entry was found at another path of its folder.
func (c *core) fileRenamed(old journal.Entry, now string) {
	c.sources.Forget(old.ID) // it may get another path again, and is then sought anew
	c.wake()
	dropfolder.LogEntry(c.log.Info(), old).Str("now", now).Msg("a file that was ingested, or is being ingested, has a new path")
}
