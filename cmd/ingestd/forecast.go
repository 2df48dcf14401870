package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/backupcopy"
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
	"github.com/tenovos-ingest/ingestd/watcher"
)

var companionWords = map[facts.Kind]string{
	facts.KindXMP: "an XMP sidecar", facts.KindSidecar: "a sidecar", facts.KindManifest: "a manifest",
}

// companion says that a file only speaks of others, or, of one that is named so and
// speaks of nothing, that it does not count.
func (o *oracle) companion(ctx context.Context, folder config.Folder, path string, f *forecast) (bool, error) {
	kind, ok := o.acct.collectors[folder.Name].Of(path)
	if !ok {
		return false, nil
	}
	c := newCompanions(folder, o.acct.collectors[folder.Name])
	if stray, ok := c.Stray(path); ok {
		known, err := o.known(ctx, folder.Name, stray.Of)
		if err != nil || !known && stray.Wanted {
			return false, err
		}
		if !known {
			f.Becomes, f.Why = "skipped", watcher.Skipped(c.folder, path)
			return true, nil
		}
	}
	f.Becomes, f.Why = "companion", fmt.Sprintf("it is %s: it speaks of other files, and becomes no asset itself", companionWords[kind])
	lost, err := o.teller(ctx, c).Lost(path)
	if lost.Message != "" {
		f.Unmatched = &lost
	}
	return true, err
}

// teller returns what tells of the companions of a folder.
func (o *oracle) teller(ctx context.Context, c companions) dropfolder.Teller {
	folder := c.folder.Name
	if o.tellers[folder] == nil {
		o.tellers[folder] = c.Teller(func(dir string, yield func(string)) error {
			if o.reader == nil {
				return nil
			}
			return journal.CompanionReaderOf(o.reader).PathsBelow(ctx, folder, dir, yield)
		})
	}
	return o.tellers[folder]
}

// known reports whether a path ever had a file.
func (o *oracle) known(ctx context.Context, folder, path string) (known bool, err error) {
	if o.reader != nil {
		_, known, err = o.reader.Latest(ctx, folder, path)
	}
	return known, err
}

// openFolder opens a drop folder.
func openFolder(f config.Folder) (*file.Root, error) { return file.OpenRoot(f.Path) }

// recallCopy foretells a duplicate: a file is read whole only where one of its size
// is known.
func (o *oracle) recallCopy(ctx context.Context, folder config.Folder, file file.File, f *forecast) error {
	if f.Becomes != "asset" || file.Size == 0 || dropfolder.Duplicates(folder.Duplicates) == dropfolder.DuplicatesUpload {
		return nil
	}
	e := journal.Entry{ID: 1<<62 - 1, File: file}
	if has, err := o.reader.HasSameSize(ctx, e); err != nil || !has {
		return err
	}
	root, err := openFolder(folder)
	if err != nil {
		return fmt.Errorf("look for a copy of %s: %w", file.Path, err)
	}
	defer root.Close()
	src, err := uploader.Open(root, file.Path, nil)
	if err != nil {
		return fmt.Errorf("look for a copy of %s: %w", file.Path, err)
	}
	defer src.Close()
	if e.SHA256, err = src.SHA256(ctx); err != nil {
		return err
	}
	others, err := o.reader.SameContent(ctx, e)
	if err != nil {
		return err
	}
	for _, other := range others {
		same := bytes.Equal(other.SHA256, e.SHA256)
		if other.SHA256 == nil && other.Attempt != nil && len(other.Attempt.Parts) == 1 {
			sum, err := src.MD5(ctx, 0, file.Size)
			if err != nil {
				return err
			}
			same = bytes.Equal(sum, other.Attempt.Parts[0].MD5)
		}
		if same {
			f.Becomes, f.Why = "duplicate", fmt.Sprintf("%s/%s, entry %d, has the same content", other.Folder, other.Path, other.ID)
			if dropfolder.Duplicates(folder.Duplicates) == dropfolder.DuplicatesHold {
				f.Becomes = "held"
			}
			return nil
		}
	}
	return nil
}

// apply has the folder's rules say what a file, or a row without one, becomes; the
// Result is nil where no rule matches.
func (o *oracle) apply(folder config.Folder, file file.File, f *forecast) error {
	var known *facts.Collection
	err := o.acct.tables.Patiently(func() (err error) {
		known, err = o.acct.factsOf(file, "")
		return err
	})
	if err != nil {
		return err
	}
	f.Gaps = known.Gaps
	r, err := o.acct.names.mapper(file.Folder).Map(known.Facts, file.Path)
	if errors.Is(err, mapping.ErrNoRule) {
		f.Becomes, f.Why = "ignored", err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	f.Result, f.Rule, f.Becomes, f.Problems = &r, r.RulePos.Line, "asset", problemsOf(r, known, file.Ino == 0)
	if m := mapped(folder, r, known, file.Ino == 0); m.Wait > 0 {
		f.Waits = fmt.Sprintf("its %s, %v at the most", m.Waits, m.Wait)
	}
	if len(f.Problems) > 0 {
		f.Becomes, f.Why = "held", f.Problems[0].Attribute+": "+f.Problems[0].Message
		if r.Failed() {
			f.Becomes = "failed"
		}
	}
	return nil
}

// waitForDrop says that what is created waits for its drop.
func (f *forecast) waitForDrop(folder config.Folder) {
	switch f.Becomes {
	case "asset", "version", "federated", "placeholder":
		if folder.Batch == "all" {
			f.Waits = and(f.Waits, "the rest of "+dropOf(f.Path))
		}
	}
}

// dropOf says which drop a file belongs to.
func dropOf(path string) string {
	if dir, _, below := strings.Cut(path, "/"); below {
		return "its drop, " + dir
	}
	return "the files that lie in the folder itself"
}

// and joins what a file waits for.
func and(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", and " + b
}

// recall adds what the journal knows of the path.
func (o *oracle) recall(ctx context.Context, folder config.Folder, file file.File, f *forecast) error {
	if o.reader == nil {
		return nil
	}
	latest, ok, err := o.reader.Latest(ctx, file.Folder, file.Path)
	if err != nil {
		return err
	}
	if !ok {
		if backup, err := o.recallBackup(ctx, folder, file, f); backup || err != nil {
			return err
		}
		return o.recallCopy(ctx, folder, file, f)
	}
	if latest.Describes(file) {
		f.Becomes, f.Version = "known", latest.OriginalFileID
		if latest.Status == journal.Held || latest.Status == journal.Failed {
			f.Becomes = string(latest.Status)
		}
		f.Why = fmt.Sprintf("the journal knows this content as entry %d: %s", latest.ID, latest.Status)
		if latest.Reason.Message != "" {
			f.Why += ", " + latest.Reason.Message
		}
		return nil
	}
	if f.Becomes != "asset" {
		return nil
	}
	latest.Generation++ // what comes before the next generation
	prev, ok, err := o.reader.Previous(ctx, latest)
	switch {
	case !ok || folder.Versions == "off" && prev.Kind == journal.File:
	default:
		f.Becomes, f.Version = "version", prev.OriginalFileID
		f.Why = "the path was ingested before, with other size or times; the same bytes would not be sent again"
	}
	return err
}

// recallBackup foretells that a file is the backup copy of another one.
func (o *oracle) recallBackup(ctx context.Context, folder config.Folder, found file.File, f *forecast) (bool, error) {
	watched := watchedFolders([]config.Folder{folder})[0]
	original, coming, err := backupcopy.Of(ctx, backupcopy.Place{
		FormerPaths: o.reader.FormerPaths,
		Wanted:      func(rel string) bool { return watcher.Skipped(watched, rel) == "" },
		At: func(rel string) (file.Stat, bool, error) {
			root, err := openFolder(folder)
			if err != nil {
				return file.Stat{}, false, err
			}
			defer root.Close()
			info, err := root.Lstat(rel)
			if err != nil || !info.Mode().IsRegular() {
				return file.Stat{}, false, nil //nolint:nilerr // what cannot be looked at is not there
			}
			return file.StatOf(info), true, nil
		},
	}, found)
	if err != nil || original == "" || coming {
		return false, err
	}
	f.Becomes, f.Why = "ignored", "it is the backup copy of "+original
	return true, nil
}
