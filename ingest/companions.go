package ingest

import (
	"context"

	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// Companions are how a folder tells the files that only speak of others.
type Companions interface {
	// About returns what a companion speaks of; false for any other file.
	About(path string) (journal.Concern, bool)
	// Beside returns where the companions of a single file may lie.
	Beside(path string) []string
	// Rows returns the rows of a manifest that become assets without files, and what
	// is wrong with it. The error is about trouble that may pass.
	Rows(path string) ([]FilelessRow, error)
	// Forget is told of a companion that changed, before anything is mapped anew.
	Forget(path string)
}

// apart parts the companions among settled files from the rest.
func (p *Pipeline) apart(files []watcher.File) (found, companions []journal.Found) {
	for _, f := range files {
		if c := p.folders[f.Folder].Companions; c != nil {
			if _, ok := c.About(f.Path); ok {
				companions = append(companions, journal.Found(f))
				continue
			}
		}
		found = append(found, journal.Found(f))
	}
	return found, companions
}

// heedBatch bounds how many companions are read at a time.
const heedBatch = 256

// heed acts on companions that came or changed: what rests or waits for want of
// them goes round again, what is in Tenovos already is edited.
func (p *Pipeline) heed(ctx context.Context) error {
	for {
		due, err := p.journal.DueCompanions(ctx, p.companionFolders(), heedBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, c := range due {
			folder := p.folders[c.Folder]
			about, _ := folder.Companions.About(c.Path)
			folder.Companions.Forget(c.Path)
			released, edits, err := p.journal.Heed(ctx, c, about)
			if err != nil {
				return err
			}
			if released+edits > 0 {
				p.log.Info().Str("folder", c.Folder).Str("companion", c.Path).Int("again", released).Int("edits", edits).
					Msg("a sidecar or manifest came or changed: what it speaks of is looked at again")
			}
		}
	}
}

// logMissed tells of the sidecars of an entry that cannot be read, and of what in the
// file cannot, wherever that makes a difference.
func (p *Pipeline) logMissed(e journal.Entry, m Mapped) {
	for _, missed := range m.Missed {
		p.entryLog(p.log.Warn(), e).Str("reason", missed).Str("hint", "Correct the sidecar: it is read again by itself.").
			Msg("a sidecar cannot be read: what it tells is left out")
	}
	if m.Damaged != "" {
		p.entryLog(p.log.Warn(), e).Str("reason", m.Damaged).Str("hint", "See with explain what was read of it; a program that writes its metadata anew may mend the file.").
			Msg("metadata of the file are damaged: what cannot be read is left out")
	}
}

// companionFolders lists the folders that have companions.
func (p *Pipeline) companionFolders() []string {
	var names []string
	for _, f := range p.cfg.Folders {
		if f.Companions != nil {
			names = append(names, f.Name)
		}
	}
	return names
}
