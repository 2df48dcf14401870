package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/backupcopy"
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// decision is what would become of a file, see forecast.
type decision struct{ becomes, why, version string }

// decide says what the daemon would do with a settled file, or with a row of a manifest
// without one, which has no inode. It changes nothing.
func (x *explainer) decide(ctx context.Context, folder config.Folder, found file.File) (d decision, err error) {
	row := found.Ino == 0
	if !row {
		if why := x.skipped(folder, found); why != "" {
			return decision{becomes: "skipped", why: why}, nil
		}
		if d, err := x.decideCompanion(ctx, folder, found); err != nil || d.becomes != "" {
			return d, err
		}
	}
	e, err := x.explained(found)
	switch {
	case errors.Is(err, dropfolder.ErrNoRule):
		return decision{becomes: "ignored", why: mapping.ErrNoRule.Error()}, nil
	case err != nil:
		return d, err
	}
	d.becomes = "asset"
	if len(e.Problems) > 0 {
		d.becomes, d.why = "held", e.Problems[0].Attribute+": "+e.Problems[0].Message
		if e.Mapped.Fails {
			d.becomes = "failed"
		}
	}
	if row {
		if d.becomes == "asset" {
			d.becomes = string(e.Mapped.Row)
		}
		return d, x.recallRow(ctx, folder, found, &d)
	}
	if found.Size > x.limit {
		d.becomes, d.why = "failed", "the file is larger than upload.max_file_size"
	}
	if to, reason, rests := dropfolder.Empty(folder.Empty).Rest(found.Size); rests {
		d.becomes, d.why = string(to), reason.Message
	}
	if err := x.recall(ctx, folder, found, &d); err != nil {
		return d, err
	}
	return d, x.namesake(ctx, folder, e.Mapped.Asset.Filename, &d)
}

// skipped says why a file is none of its folder's; "" where it is.
func (x *explainer) skipped(folder config.Folder, found file.File) string {
	if found.Size < 0 {
		return "only regular files are ingested"
	}
	return watcher.Skipped(watchedFolders([]config.Folder{folder})[0], found.Path)
}

// decideCompanion says that a file only speaks of others, or, of one that is named so and
// speaks of nothing, that it does not count; of any other file it says nothing.
func (x *explainer) decideCompanion(ctx context.Context, folder config.Folder, found file.File) (d decision, err error) {
	c := x.acct.rules.Companions(folder.Name)
	kind, ok := c.Kind(found.Path)
	if !ok {
		return d, nil
	}
	if stray, ok := c.Stray(found.Path); ok {
		known, err := x.known(ctx, folder.Name, stray.Of)
		if err != nil || !known && stray.Wanted {
			return d, err
		}
		if !known {
			return decision{becomes: "skipped", why: c.Skipped(found.Path)}, nil
		}
	}
	return decision{becomes: "companion", why: fmt.Sprintf("it is %s: it speaks of other files, and becomes no asset itself", companionWords[kind])}, nil
}

// known reports whether a path ever had a file.
func (x *explainer) known(ctx context.Context, folder, path string) (known bool, err error) {
	if x.reader != nil {
		_, known, err = x.reader.Latest(ctx, folder, path)
	}
	return known, err
}

// recall adds what the journal knows of the path.
func (x *explainer) recall(ctx context.Context, folder config.Folder, found file.File, d *decision) error {
	if x.reader == nil {
		return nil
	}
	latest, ok, err := x.reader.Latest(ctx, found.Folder, found.Path)
	if err != nil {
		return err
	}
	if !ok {
		if backup, err := x.recallBackup(ctx, folder, found, d); backup || err != nil {
			return err
		}
		return x.recallCopy(ctx, folder, found, d)
	}
	if latest.Describes(found) {
		d.becomes, d.version = "known", latest.OriginalFileID
		if latest.Status == journal.Held || latest.Status == journal.Failed {
			d.becomes = string(latest.Status)
		}
		d.why = fmt.Sprintf("the journal knows this content as entry %d: %s", latest.ID, latest.Status)
		if latest.Reason.Message != "" {
			d.why += ", " + latest.Reason.Message
		}
		return nil
	}
	if d.becomes != "asset" {
		return nil
	}
	latest.Generation++ // what comes before the next generation
	prev, ok, err := x.reader.Previous(ctx, latest)
	switch {
	case !ok || folder.Versions == "off" && prev.Kind == journal.File:
	default:
		d.becomes, d.version = "version", prev.OriginalFileID
		d.why = "the path was ingested before, with other size or times; the same bytes would not be sent again"
	}
	return err
}

// recallRow adds what the journal knows of a row without a file.
func (x *explainer) recallRow(ctx context.Context, folder config.Folder, found file.File, d *decision) error {
	if x.reader == nil {
		return nil
	}
	latest, ok, err := x.reader.Latest(ctx, found.Folder, found.Path)
	switch {
	case err != nil || !ok || latest.Status == journal.Superseded:
		return err
	case latest.Kind == journal.File:
		d.becomes, d.version = "known", latest.OriginalFileID
		d.why = fmt.Sprintf("the path had a file, entry %d: %s", latest.ID, latest.Status)
		return nil
	}
	return x.recall(ctx, folder, found, d)
}

// recallCopy foretells a duplicate: a file is read whole only where one of its size
// is known.
func (x *explainer) recallCopy(ctx context.Context, folder config.Folder, found file.File, d *decision) error {
	if d.becomes != "asset" || found.Size == 0 || dropfolder.Duplicates(folder.Duplicates) == dropfolder.DuplicatesUpload {
		return nil
	}
	e := journal.Entry{ID: 1<<62 - 1, File: found}
	if has, err := x.reader.HasSameSize(ctx, e); err != nil || !has {
		return err
	}
	root, err := openFolder(folder)
	if err != nil {
		return fmt.Errorf("look for a copy of %s: %w", found.Path, err)
	}
	defer root.Close()
	src, err := uploader.Open(root, found.Path, nil)
	if err != nil {
		return fmt.Errorf("look for a copy of %s: %w", found.Path, err)
	}
	defer src.Close()
	if e.SHA256, err = src.SHA256(ctx); err != nil {
		return err
	}
	others, err := x.reader.SameContent(ctx, e)
	if err != nil {
		return err
	}
	for _, other := range others {
		same := bytes.Equal(other.SHA256, e.SHA256)
		if other.SHA256 == nil && other.Attempt != nil && len(other.Attempt.Parts) == 1 {
			sum, err := src.MD5(ctx, 0, found.Size)
			if err != nil {
				return err
			}
			same = bytes.Equal(sum, other.Attempt.Parts[0].MD5)
		}
		if same {
			d.becomes, d.why = "duplicate", fmt.Sprintf("%s/%s, entry %d, has the same content", other.Folder, other.Path, other.ID)
			if dropfolder.Duplicates(folder.Duplicates) == dropfolder.DuplicatesHold {
				d.becomes = "held"
			}
			return nil
		}
	}
	return nil
}

// recallBackup foretells that a file is the backup copy of another one.
func (x *explainer) recallBackup(ctx context.Context, folder config.Folder, found file.File, d *decision) (bool, error) {
	watched := watchedFolders([]config.Folder{folder})[0]
	original, coming, err := backupcopy.Of(ctx, backupcopy.Place{
		FormerPaths: x.reader.FormerPaths,
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
	d.becomes, d.why = "ignored", "it is the backup copy of "+original
	return true, nil
}

// namesake asks Tenovos, where the folder's versions go by filename, whether an asset has
// the filename of the one that a file would become.
func (x *explainer) namesake(ctx context.Context, folder config.Folder, filename string, d *decision) error {
	if d.becomes != "asset" || folder.Versions != "filename" {
		return nil
	}
	var known journal.Named
	if x.reader != nil {
		var err error
		if known, err = x.reader.Named(ctx, filename, math.MaxInt64, []string{folder.Name}); err != nil {
			return err
		}
	}
	if first := known.Waits; first != nil {
		d.becomes, d.why = "version", fmt.Sprintf("of what becomes of entry %d, which has the same filename", first.ID)
		return nil
	}
	found, err := holdings.Namesakes(ctx, x.acct.client, filename, known.Originals, "")
	switch {
	case errors.Is(err, holdings.ErrInconclusive):
		d.becomes, d.why = "held", err.Error()
	case err != nil:
		return err
	case len(found) == 1:
		d.becomes, d.version, d.why = "version", found[0].OriginalFileID, "that asset has the same filename"
	case len(found) > 1:
		ids := make([]string, len(found))
		for i, a := range found {
			ids[i] = a.ObjectID
		}
		d.becomes, d.why = "held", "several assets have the same filename: "+strings.Join(ids, ", ")
	}
	return nil
}
