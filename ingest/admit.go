package ingest

import (
	"context"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Admit records settled files; what the journal knows already is passed over, so
// that events, scans and walks may repeat themselves. Companions are recorded for
// what they tell. It is the watcher's Emit.
func (p *Pipeline) Admit(ctx context.Context, files []file.File) error {
	found, companions, err := p.companions.Split(ctx, files)
	if err == nil {
		found, err = p.mounts.PassRenumbered(ctx, found, journal.RenumberedOf(p.journal).Files)
	}
	n := 0
	if err == nil {
		n, err = journal.CompanionsOf(p.journal).Admit(ctx, companions)
	}
	if err == nil && len(found) > 0 {
		var more int
		more, err = p.journal.Admit(ctx, found)
		n += more
	}
	if len(found)+n > 0 { // also for what was merely touched, and beside an error: a look in vain costs little
		p.wake()
	}
	if err != nil {
		return fmt.Errorf("record %d files of folder %s: %w", len(files), files[0].Folder, err)
	}
	if n > 0 {
		p.companions.Came(files[0].Folder)
	}
	return nil
}

// Unknown returns those of the files that the journal does not know as they are
// now. It is the watcher's Known: what is known, or was merely touched, needs no closer
// look, but is moved away where it should not lie there any more.
func (p *Pipeline) Unknown(ctx context.Context, files []file.File) ([]file.File, error) {
	found, companions, err := p.companions.Split(ctx, files)
	if err != nil {
		return nil, err
	}
	unsure, err := p.journal.Reader().Unknown(ctx, found)
	var fresh []file.File
	if err == nil {
		fresh, err = p.journal.Touch(ctx, unsure)
	}
	if len(fresh) < len(unsure) {
		p.wake()
	}
	if err == nil {
		fresh, err = p.mounts.PassRenumbered(ctx, fresh, journal.RenumberedOf(p.journal).Files)
	}
	if err == nil {
		err = p.leftovers.Note(ctx, found, fresh)
	}
	if err == nil && len(companions) > 0 {
		var more []file.File
		more, err = journal.CompanionsOf(p.journal).Unknown(ctx, companions)
		if err == nil {
			more, err = p.mounts.PassRenumbered(ctx, more, journal.RenumberedOf(p.journal).Companions)
		}
		fresh = append(fresh, more...)
	}
	return fresh, err
}

// wakeDispatcher tells the dispatcher that the queue may have changed.
func (p *Pipeline) wakeDispatcher() {
	alarms.Signal(p.poke)
}

// Release tells what the rules of a folder, and the names that they are about,
// are: sum is any text that differs when they differ. Where they have changed,
// what they held back goes round again: files held or failed for their metadata,
// and those that no rule matched. It returns how many. It may be called before Run
// and beside it.
func (p *Pipeline) Release(ctx context.Context, folder, sum string) (int, error) {
	n, err := journal.FoldersOf(p.journal).SetRules(ctx, folder, sum)
	if n > 0 {
		p.wake()
	}
	return n, err
}

// stir has the dispatcher and every loop look: what kept them from their work may be over.
func (p *Pipeline) stir() {
	p.alarms.Ring()
	p.wake()
}
