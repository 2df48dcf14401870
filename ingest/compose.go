package ingest

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/chores"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/edits"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/internal/intake"
	"github.com/tenovos-ingest/ingestd/internal/proof"
	"github.com/tenovos-ingest/ingestd/internal/sources"
	"github.com/tenovos-ingest/ingestd/internal/telling"
	"github.com/tenovos-ingest/ingestd/journal"
)

// newIntake makes the stage of settled entries.
func (p *Pipeline) newIntake() *intake.Intake {
	return intake.New(intake.Config{
		Folders: p.cfg.Folders, MaxFileSize: p.cfg.MaxFileSize, Adopt: p.cfg.Adopt, VerifyTimeout: p.cfg.VerifyTimeout,
	}, intake.Deps{
		Journal: p.reader, API: p.api, Holdings: p.holdings, Mounts: p.mounts, Log: p.log, Now: p.now,
		Around: intake.Around{
			Learn: p.journal.Learn, InHand: p.hands.Each, Abort: p.hands.Abort,
			HoldBack: p.holdBack, Passed: p.circuits.Passed, MayCreate: p.mayCreate,
			Missed: p.logMissed, Renamed: p.fileRenamed,
		},
	})
}

func (p *Pipeline) newEditor() *edits.Editor {
	return edits.New(p.folderNames(), edits.Deps{
		API: p.api, Entries: p.journal, Gate: p.gate, Alarms: p.alarms,
		Log: p.log, Now: p.now, Map: p.rules, Missed: p.logMissed, Usable: p.mounts.Usable,
		Drain: func() <-chan struct{} { return p.drain }, Ended: p.wake,
		Backoff: p.backoff, MaxAttempts: p.cfg.MaxAttempts, Workers: p.cfg.Workers, BulkSeen: p.cfg.BulkSeen,
		Edits: journal.EditsOf(p.journal),
	})
}

func (p *Pipeline) newDesk() *desk.Desk {
	return desk.New(desk.Deps{
		API: p.api, Journal: p.journal, Reader: p.reader, Requests: journal.RequestsOf(p.journal), Gate: p.gate,
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
	})
}

func newChores(p *Pipeline) *chores.Chores {
	orphans := &chores.Orphans{
		Uploads: p.api, Holdings: p.holdings, Creates: p.reader, Remover: p.remover, Entries: p.journal,
		Duties: journal.DutiesOf(p.journal), Hands: p.hands, Now: p.now, Log: p.log,
	}
	return chores.New(chores.Deps{
		Journal: journal.ChoresOf(p.journal), Kinds: orphans.Kinds(), Folders: p.cfg.Folders, Usable: p.mounts.Usable,
		Filer: p.filer, Leftovers: p.leftovers, Notes: p.teller, Alarms: p.alarms, Gate: p.gate,
		Draining: p.draining, Backfill: func() bool { return p.once }, Now: p.now, Log: p.log,
	})
}

// newTeller makes what tells people of their files.
func newTeller(p *Pipeline) *telling.Teller {
	return telling.New(telling.Deps{
		Notes: journal.NotesOf(p.journal), Entries: p.journal, Folders: p.cfg.Folders, Mounts: p.mounts, Limit: p.cfg.MaxFileSize,
		May:  func(folder string) bool { return !p.draining() && p.mounts.Usable(folder) },
		Once: func() bool { return p.once }, Came: p.alarms.RingFolder, Now: p.now, Log: p.log,
	})
}

func newSources(p *Pipeline) *sources.Sources {
	return sources.New(sources.Deps{
		Paths: p.reader, Mounts: p.mounts, Folders: p.cfg.Folders, Started: p.started,
		Walked: func() (done, backfill bool) { return alarms.Closed(p.source), p.once }, Now: p.now, Log: p.log,
	})
}

// newFiler makes what moves files out of their folders.
func newFiler(p *Pipeline) *filing.Filer {
	return filing.New(filing.Config{
		Folders: p.cfg.Folders, Mounts: p.mounts, Hands: p.hands, Now: p.now, Log: p.log,
		Entries: p.journal, Intents: journal.FilingOf(p.journal),
		Proof: filing.Proof{
			OfVerified: func(ctx context.Context, e journal.Entry) error { return p.proofs.Prove(ctx, e, e) },
			OfEarlier: func(ctx context.Context, e journal.Entry, after dropfolder.After) error {
				return p.proofs.ProveEarlier(ctx, e, after == dropfolder.AfterDelete)
			},
			SameBytes: p.compare,
		},
		CompanionKnown: func(ctx context.Context, companion file.File) (bool, error) {
			fresh, err := journal.CompanionsOf(p.journal).Unknown(ctx, []file.File{companion})
			return len(fresh) == 0, err
		},
		Displaced: p.sources.Displaced, Text: p.teller.Text,
	})
}

func newProver(p *Pipeline, content proof.Content) *proof.Prover {
	return proof.New(proof.Deps{
		API: p.api, Content: content, Journal: fatalJournal{p.journal}, Reader: p.reader, MD5: p.wholeMD5, SHA256: p.rehash,
		Seen: func(ctx context.Context, e journal.Entry) (same bool, instead string, err error) {
			seen, err := p.desk.Verify(ctx, e)
			return seen.Good(), seen.Detail, err
		},
	})
}
