package ingest

import (
	"context"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// apart parts the companions among settled files from the rest. What is named like
// one and speaks of nothing is a file as any other.
func (p *Pipeline) apart(ctx context.Context, files []file.File) (found, companions []file.File, err error) {
	for _, f := range files {
		is, wanted := false, true
		if c := p.folders[f.Folder].Companions; c != nil {
			if _, is = c.About(f.Path); is {
				var s dropfolder.Stray
				if s, is = c.Stray(f.Path); is {
					_, is, err = p.journal.Reader().Latest(ctx, f.Folder, s.Of)
					wanted = s.Wanted
				} else {
					is = true
				}
			}
		}
		switch {
		case err != nil:
			return nil, nil, err
		case is:
			companions = append(companions, f)
		case wanted:
			found = append(found, f)
		}
	}
	return found, companions, nil
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
		spelt, err := p.speltOtherwise(ctx, due)
		if err != nil {
			return err
		}
		for i, c := range due {
			folder := p.folders[c.Folder]
			about, _ := folder.Companions.About(c.Path)
			about.Also = spelt[i]
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

// speltOtherwise returns for each of the companions which paths of its directory are
// spelt otherwise than what it speaks of, where none is spelt so.
func (p *Pipeline) speltOtherwise(ctx context.Context, due []journal.Companion) ([][]string, error) {
	spelt := make([][]string, len(due))
	type place struct{ folder, dir string }
	at := make(map[place]map[string][]int) // the companions by the folded path that they speak of
	for i, c := range due {
		about, _ := p.folders[c.Folder].Companions.About(c.Path)
		if about.Dir != "" {
			continue
		}
		there, err := p.journal.Reader().Concerns(ctx, c.Folder, about)
		if err != nil {
			return nil, err
		}
		if there {
			continue
		}
		in := place{c.Folder, path.Dir(c.Path)}
		if at[in] == nil {
			at[in] = make(map[string][]int)
		}
		key := foldPath(about.Path)
		at[in][key] = append(at[in][key], i)
	}
	for in, wanted := range at {
		err := p.journal.Reader().PathsIn(ctx, in.folder, in.dir, func(file string) {
			key := foldPath(file)
			of := wanted[key]
			if ext := path.Ext(key); ext != key {
				of = slices.Concat(of, wanted[strings.TrimSuffix(key, ext)])
			}
			for _, i := range of {
				spelt[i] = append(spelt[i], file)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return spelt, nil
}

// foldPath is the form in which the names of files and of their sidecars are compared.
func foldPath(name string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(name)))
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
