package ingest

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/edits"
	"github.com/tenovos-ingest/ingestd/internal/intake"
	"github.com/tenovos-ingest/ingestd/journal"
)

// newIntake makes the stage of settled entries.
func (p *Pipeline) newIntake() *intake.Intake {
	return intake.New(intake.Config{
		Folders: p.cfg.Folders, MaxFileSize: p.cfg.MaxFileSize, Adopt: p.cfg.Adopt, VerifyTimeout: p.cfg.VerifyTimeout,
	}, intake.Deps{
		Journal: p.reader, API: p.api, Holdings: p.holdings, Mounts: p.mounts, Log: p.log, Now: p.now,
		Around: intake.Around{
			Learn: p.learn, InHand: p.hands.Each, Abort: p.hands.Abort,
			HoldBack: p.holdBack, Passed: p.circuits.Passed, MayCreate: p.mayCreate,
			Missed: p.logMissed, Renamed: p.fileRenamed,
		},
	})
}

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
			Retried: p.foreign.forget,
		},
		Files: desk.Files{BringBack: p.filer.BringBack, SeenBack: p.rehint, SameChecksum: p.sameAsSent},
	}
	if p.journal != nil { // who only compares has none
		d.Reader = p.journal.Reader()
	}
	return desk.New(d)
}
