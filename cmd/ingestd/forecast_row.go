package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/file"
)

// row says what the row of a manifest makes of a path that has no file; false if there is
// no such row.
func (x *explainer) row(ctx context.Context, folder, path string) (f forecast, ok bool, err error) {
	row, ok, err := x.acct.rules.RowAt(folder, path)
	if err != nil || !ok {
		return f, false, err
	}
	f, err = x.file(ctx, file.File{Folder: folder, Path: path, Stat: file.Stat{ModTime: dropfolder.SignOf(row.Kind, row.ContentPath)}})
	if f.Why == "" {
		f.Why = fmt.Sprintf("line %d of its manifest, which needs no file", row.Line)
	}
	return f, true, err
}

// rows shows what becomes of the rows of a manifest that have no file.
func (x *explainer) rows(ctx context.Context, manifest file.File, show func(forecast) error) error {
	c := x.acct.rules.Companions(manifest.Folder)
	if kind, _ := c.Kind(manifest.Path); kind != facts.KindManifest {
		return nil
	}
	root, err := openFolder(x.folders[manifest.Folder])
	if err != nil {
		return err
	}
	defer root.Close()
	err = c.Rows(manifest.Path, func(rows []dropfolder.FilelessRow) error {
		for _, row := range rows {
			if row.Err != nil { // what is wrong with a manifest keeps nothing back
				continue
			}
			if _, err := root.Lstat(row.Path); !errors.Is(err, fs.ErrNotExist) {
				continue
			}
			f, ok, err := x.row(ctx, manifest.Folder, row.Path)
			if ok && err == nil {
				err = show(f)
			}
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if errors.Is(err, dropfolder.ErrTooManyRows) { // which the manifest's own forecast says
		return nil
	}
	return err
}
