package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/intake"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// decision is what would become of a file, see forecast.
type decision struct {
	becomes, why, version, waits string
	queued                       bool // the journal has it, and it was not begun
}

// decide says what the daemon would do with a settled file, or with a row of a manifest
// without one, which has no inode. Whether the daemon takes the file up at all is told here,
// and by the stage that decides what becomes of it all else. It changes nothing.
func (x *explainer) decide(ctx context.Context, folder config.Folder, found file.File) (d decision, err error) {
	kind := journal.File
	if found.Ino == 0 {
		e, err := x.explained(found)
		if err != nil && !errors.Is(err, dropfolder.ErrNoRule) {
			return d, err
		}
		kind = e.Mapped.Row
	} else {
		if why := x.skipped(folder, found); why != "" {
			return decision{becomes: "skipped", why: why}, nil
		}
		if d, err := x.decideCompanion(ctx, folder, found); err != nil || d.becomes != "" {
			return d, err
		}
	}
	f, err := x.forecaster.Forecast(ctx, found, kind)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return decision{becomes: "failed", why: err.Error()}, nil
	case err != nil:
		return d, err
	case f.Known.ID != 0:
		return known(f.Known, kind), nil
	}
	return x.becomes(f, found, kind)
}

// known is what to say of a file, or of a row of a kind, that the journal passes over.
func known(latest journal.Entry, kind journal.Kind) decision {
	d := decision{becomes: "known", version: latest.OriginalFileID}
	d.queued = latest.Status == journal.Settled || latest.Status == journal.Mapped
	if kind != journal.File && latest.Kind == journal.File {
		d.why = fmt.Sprintf("the path had a file, entry %d: %s", latest.ID, latest.Status)
		return d
	}
	if latest.Status == journal.Held || latest.Status == journal.Failed || latest.Reason.Class == journal.ClassNoRule {
		d.becomes = string(latest.Status)
	}
	d.why = fmt.Sprintf("the journal knows this content as entry %d: %s", latest.ID, latest.Status)
	if latest.Reason.Message != "" {
		d.why += ", " + latest.Reason.Message
	}
	return d
}

// becomes tells in words what the stage of settled entries says of a file.
func (x *explainer) becomes(f intake.Forecast, found file.File, kind journal.Kind) (decision, error) {
	m, of := f.Move, f.Of
	switch m.To {
	case journal.Settled, journal.Mapped, journal.Creating:
	default:
		return decision{becomes: string(m.To), why: x.whyRests(f, found)}, nil
	}
	var d decision
	switch f.Kind {
	case intake.Unchanged:
		d = decision{becomes: "known", version: of.OriginalFileID, why: fmt.Sprintf("it was written anew with the content that is in as entry %d: nothing is sent again", of.ID)}
	case intake.Renamed:
		d = decision{becomes: "renamed", version: of.OriginalFileID, why: fmt.Sprintf("the file was %s, entry %d, which goes on under the new path", of.Path, of.ID)}
	case intake.Copy:
		d = decision{becomes: "duplicate", why: sameContent(of)}
		if dropfolder.Duplicates(x.folders[found.Folder].Duplicates) == dropfolder.DuplicatesHold {
			d.becomes = "held"
		}
	case intake.Continues:
		d = decision{becomes: "version", version: of.OriginalFileID, why: "the path was ingested before, with other content"}
	case intake.Namesake:
		d = decision{becomes: "version", why: "that asset has the same filename"}
		if of.ID != 0 {
			d.why = fmt.Sprintf("of what becomes of entry %d, which has the same filename", of.ID)
		}
	default:
		d.becomes = "asset"
	}
	if kind != journal.File {
		d.becomes = string(kind)
	}
	if m.To == journal.Settled {
		d.waits = m.Reason.Message
		return d, nil
	}
	asset, err := dropfolder.StoredAsset(journal.Entry{File: found, Asset: m.Asset})
	d.version = asset.OriginalFileID
	return d, err
}

// whyRests says why a file would come to rest without an asset.
func (x *explainer) whyRests(f intake.Forecast, found file.File) string {
	switch why := f.Move.Reason; why.Class {
	case journal.ClassNoRule:
		return mapping.ErrNoRule.Error()
	case journal.ClassMetadata: // of which all are shown below
		if e, err := x.explained(found); err == nil && len(e.Problems) > 0 {
			return e.Problems[0].Attribute + ": " + e.Problems[0].Message
		}
		return why.Message
	case journal.ClassDuplicate:
		return sameContent(f.Of)
	default:
		return why.Message
	}
}

func sameContent(of journal.Entry) string {
	return fmt.Sprintf("%s/%s, entry %d, has the same content", of.Folder, of.Path, of.ID)
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
