package ingest

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/chores"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/edits"
	"github.com/tenovos-ingest/ingestd/journal"
)

func (p *Pipeline) newEditor() *edits.Editor {
	d := edits.Deps{
		API: p.api, Entries: p.journal, Gate: p.gate, Alarms: p.alarms,
		Log: p.log, Now: p.now, Map: p.rules, Missed: p.logMissed, Usable: p.mounts.Usable,
		Drain: func() <-chan struct{} { return p.drain }, Ended: p.wake,
		Backoff: p.backoff, MaxAttempts: p.cfg.MaxAttempts, Workers: p.cfg.Workers, BulkSeen: p.cfg.BulkSeen,
	}
	if p.journal != nil { // who only compares has none
		d.Edits = journal.EditsOf(p.journal)
	}
	return edits.New(p.folderNames(), d)
}

func (p *Pipeline) newDesk() *desk.Desk {
	d := desk.Deps{
		API: p.api, Journal: p.journal, Requests: journal.RequestsOf(p.journal), Gate: p.gate,
		Circuits: p.circuits, Editor: p.editor, Remover: p.remover, Hands: p.hands,
		Stuck: p.mounts.Stuck, Drain: func() <-chan struct{} { return p.drain }, Wake: p.wake, Now: p.now,
		Core: desk.Core{
			Advance: p.advance,
			Cancel:  p.cancelNow,
			Work:    func(ctx context.Context, id int64) error { return p.work(ctx, id, journal.Entry{}) }, // it was read before it was taken
			Rested:  p.logRest,
			CleanUp: func(e journal.Entry) ([]journal.NewChore, error) { return p.cleanUp(e, true) },
			Retried: p.foreign.Forget,
		},
		Files: desk.Files{BringBack: p.filer.BringBack, SeenBack: p.rehint, SameChecksum: p.sameAsSent},
	}
	if p.journal != nil { // who only compares has none
		d.Reader = p.journal.Reader()
	}
	return desk.New(d)
}

func (p *Pipeline) newChores() *chores.Chores {
	orphans := &chores.Orphans{
		Uploads: p.api, Holdings: p.holdings, Creates: p.reader, Remover: p.remover, Entries: p.journal,
		Duties: journal.DutiesOf(p.journal), Hands: p.hands, Now: p.now, Log: p.log,
	}
	return chores.New(chores.Deps{
		Journal: journal.ChoresOf(p.journal), Kinds: orphans.Kinds(), Folders: p.cfg.Folders, Usable: p.mounts.Usable,
		Filer: p.filer, Leftovers: p.leftovers, Alarms: p.alarms, Gate: p.gate,
		Draining: p.draining, Backfill: func() bool { return p.once }, Now: p.now, Log: p.log,
	})
}
