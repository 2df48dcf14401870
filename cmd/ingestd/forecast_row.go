package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/manifest"
	"github.com/tenovos-ingest/ingestd/journal"
)

// foretellRow says what the row of a manifest makes of a path that has no file;
// false if there is no such row.
func (o *oracle) foretellRow(ctx context.Context, folder, path string) (f forecast, ok bool, err error) {
	var row manifest.Virtual
	err = o.acct.tables.Patiently(func() (err error) {
		row, ok, err = o.acct.collectors[folder].VirtualAt(path)
		return err
	})
	if err != nil || !ok {
		return f, false, err
	}
	at := file.File{Folder: folder, Path: path, Stat: file.Stat{ModTime: dropfolder.SignOf(kindOf(row), row.ContentPath)}}
	f = forecast{Folder: folder, Path: path}
	if err := o.apply(o.folders[folder], at, &f); err != nil || f.Result == nil {
		return f, true, err
	}
	if f.Becomes == "asset" {
		f.Becomes, f.Why = string(kindOf(row)), fmt.Sprintf("line %d of its manifest, which needs no file", row.Line)
	}
	if err := o.recallRow(ctx, at, &f); err != nil {
		return f, true, err
	}
	f.waitForDrop(o.folders[folder])
	return f, true, nil
}

// recallRow adds what the journal knows of a row without a file.
func (o *oracle) recallRow(ctx context.Context, file file.File, f *forecast) error {
	if o.reader == nil {
		return nil
	}
	latest, ok, err := o.reader.Latest(ctx, file.Folder, file.Path)
	switch {
	case err != nil || !ok || latest.Status == journal.Superseded:
		return err
	case latest.Kind == journal.File:
		f.Becomes, f.Version = "known", latest.OriginalFileID
		f.Why = fmt.Sprintf("the path had a file, entry %d: %s", latest.ID, latest.Status)
		return nil
	}
	return o.recall(ctx, o.folders[file.Folder], file, f)
}

// foretellRows does so for the rows of a manifest that have no file.
func (o *oracle) foretellRows(ctx context.Context, of file.File, show func(forecast) error) error {
	c := o.acct.collectors[of.Folder]
	if kind, _ := c.Of(of.Path); kind != facts.KindManifest {
		return nil
	}
	root, err := openFolder(o.folders[of.Folder])
	if err != nil {
		return err
	}
	defer root.Close()
	err = c.Virtual(of.Path, func(rows []manifest.Virtual, _ []error) error { // what is wrong with it keeps nothing back
		for _, row := range rows {
			if _, err := root.Lstat(row.Path); !errors.Is(err, fs.ErrNotExist) {
				continue
			}
			f, ok, err := o.foretellRow(ctx, of.Folder, row.Path)
			if ok && err == nil {
				err = show(f)
			}
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if _, tooMany := errors.AsType[*manifest.TooManyRowsError](err); tooMany { // which the manifest's own forecast says
		return nil
	}
	return err
}
