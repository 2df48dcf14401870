package manifest

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// The columns that make a row an asset by itself. Case, spaces, - and _ do not count.
const (
	contentColumn     = "contentpath"
	transcodeColumn   = "skiptranscode"
	placeholderColumn = "placeholder"
)

// Virtual is a row of a manifest that is to be an asset although no file is there:
// a federated one, whose content stays at ContentPath, or without one a
// placeholder, which has metadata only.
type Virtual struct {
	Path          string // where its file would be, slash-separated below the folder
	Line          int    // of the row in its manifest
	ContentPath   string // s3://bucket/key, or the key alone
	SkipTranscode bool
}

// maxWrong bounds how many faults of one manifest are told.
const maxWrong = 100

// Virtual returns what a row is to be by itself, its Path that below the manifest's
// directory; false for a row that only tells of a file. The error says what is
// wrong with a row: it must not be used.
func (r Row) Virtual() (Virtual, bool, error) {
	v := Virtual{Path: r.File, Line: r.Line, ContentPath: r.cell(r.m.content)}
	placeholder, err := r.yes(r.m.placeholder)
	if err != nil {
		return v, false, err
	}
	if v.ContentPath == "" && !placeholder {
		return v, false, nil
	}
	if v.SkipTranscode, err = r.yes(r.m.transcode); err == nil {
		err = r.Err
	}
	switch {
	case err != nil:
	case v.ContentPath != "" && placeholder:
		err = r.wrong("the row is both a placeholder and has a content path; clear one of the two")
	case v.ContentPath != "" && contentFault(v.ContentPath) != "":
		err = r.wrong("%q is no content path; write s3://bucket/key, or the key alone (%s)", metadata.Excerpt(v.ContentPath), contentFault(v.ContentPath))
	case v.Path == "":
		err = r.wrong("the row names no file, so that nobody knows what its asset is called")
	}
	return v, err == nil, err
}

func (r Row) wrong(format string, args ...any) error {
	return fmt.Errorf("manifest %s: line %d: %s", r.m.name, r.Line, fmt.Sprintf(format, args...))
}

// cell returns the text of the row in a column; "" where that is -1.
func (r Row) cell(at int) string {
	if at < 0 {
		return ""
	}
	for column, cell := range r.rec.each() {
		if column == at {
			return r.m.text(cell)
		}
	}
	return ""
}

// yes reads a cell that is a yes or a no; an empty one is a no.
func (r Row) yes(at int) (bool, error) {
	switch cell := r.cell(at); strings.ToLower(cell) {
	case "true", "yes", "1":
		return true, nil
	case "false", "no", "0", "":
		return false, nil
	default:
		return false, r.wrong("%q in the column %s is neither yes nor no", metadata.Excerpt(cell), metadata.Squeeze(r.m.columns[at]))
	}
}

// columnOf returns the column of a squeezed name, -1 if there is none.
func columnOf(columns []string, name string) int {
	return slices.IndexFunc(columns, func(column string) bool { return metadata.Squeeze(column) == name })
}

// TooManyRowsError says that a manifest makes more assets without files than
// Folder.VirtualRows.
type TooManyRowsError struct{ message string }

func (e *TooManyRowsError) Error() string { return e.message }

// virtualBatch is how many rows of a manifest Folder.Virtual looks at at a time.
const virtualBatch = 250

// Virtual reads the manifest at a path below the folder and calls each, batch by batch,
// with its rows that are assets by themselves, each path once, and with what is wrong
// with rows that cannot be, up to a hundred of them. A manifest that cannot be read at
// all is wrong as a whole. A row over which a nearer manifest goes is left out. The error
// is a TooManyRowsError, about the folder, which is not there, about trouble of the file
// system that may pass, about the manifest that changed meanwhile, or that of each, which
// ends it.
//
// It waits where the manifest is just being read, or there is no room for it. Between
// two batches it holds nothing.
func (f *Folder) Virtual(manifest string, each func(rows []Virtual, wrong []error) error) error {
	root, err := file.OpenRoot(f.Root)
	if err != nil {
		return fmt.Errorf("open the drop folder: %w", err)
	}
	defer root.Close()
	var begun version
	told := 0
	for next := 0; ; {
		batch, done, err := f.virtualRows(root, manifest, &begun, next)
		if err != nil {
			return err
		}
		rows, wrong, err := f.stillVirtual(manifest, batch)
		if err != nil {
			return err
		}
		wrong = wrong[:min(len(wrong), maxWrong-told)]
		told += len(wrong)
		if len(rows)+len(wrong) > 0 {
			if err := each(rows, wrong); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
		next += virtualBatch
	}
}

// virtualRow is a row that is an asset by itself as far as its manifest knows, or what
// is wrong with a row.
type virtualRow struct {
	Virtual

	wrong error
	named func() error // says that it has the name of a companion
}

// virtualRows returns what rows of a manifest, from a number on, are by themselves; begun
// is the version whose rows came before.
func (f *Folder) virtualRows(root *file.Root, manifest string, begun *version, from int) (out []virtualRow, done bool, err error) {
	m, err := f.at(root, manifest)
	switch {
	case err != nil:
		return nil, false, err
	case from > 0 && m.version != *begun:
		return nil, false, fmt.Errorf("the manifest %s changed while its rows were read", metadata.Clean(manifest))
	case m.err != nil:
		return []virtualRow{{wrong: m.err}}, true, nil
	case m.Manifest == nil: // it is gone
		return nil, true, nil
	}
	defer f.unpin(m)
	if *begun = m.version; from == 0 {
		if lost, err := f.tooMany(root, m); err != nil || lost.Count > 0 {
			return nil, false, cmp.Or(err, error(&TooManyRowsError{lost.Message}))
		}
	}
	for i := from; i < min(from+virtualBatch, m.rows.len()); i++ {
		row := m.Manifest.at(i)
		if found, ok := m.findFile(row.File); ok && row.File != "" && found.first != i {
			continue // the first of its file speaks for it
		}
		v, ok, err := row.Virtual()
		if v.Path = path.Join(path.Dir(manifest), v.Path); ok || err != nil {
			out = append(out, virtualRow{v, err, func() error {
				return row.wrong("%q is the name of a file that only speaks of others", metadata.Excerpt(row.File))
			}})
		}
	}
	return out, from+virtualBatch >= m.rows.len(), nil
}

// stillVirtual leaves out what companions and nearer manifests make something else of.
func (f *Folder) stillVirtual(manifest string, batch []virtualRow) (rows []Virtual, wrong []error, err error) {
	for _, v := range batch {
		if v.wrong != nil {
			wrong = append(wrong, v.wrong)
			continue
		}
		if f.Directories.IsCompanion(v.Path) {
			wrong = append(wrong, v.named())
			continue
		}
		var now Virtual
		var ok bool
		var against error
		err := f.Cache.Patiently(func() (err error) {
			now, ok, against, err = f.virtualAt(v.Path)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		if against != nil {
			wrong = append(wrong, against)
		}
		if ok && now.ContentPath == v.ContentPath {
			rows = append(rows, v.Virtual)
		}
	}
	return rows, wrong, nil
}

// tooMany says that a manifest makes more assets without files than it may. A file that
// is there does not count, but is looked for only where it matters. The error is about
// trouble that may pass.
func (f *Folder) tooMany(root *file.Root, m readManifest) (Unmatched, error) {
	if m.content < 0 && m.placeholder < 0 {
		return Unmatched{}, nil
	}
	limit := max(f.VirtualRows, 0)
	count := func(is func(v Virtual) (bool, error)) (n int, err error) {
		for row := range m.All() {
			v, ok, _ := row.Virtual() // of what is wrong, Virtual tells
			if ok {
				ok, err = is(v)
			}
			if err != nil {
				return 0, err
			}
			if ok {
				n++
			}
		}
		return n, f.Cache.stopped()
	}
	n, err := count(func(Virtual) (bool, error) { return true, nil })
	if err != nil || n <= limit {
		return Unmatched{}, err
	}
	n, err = count(func(v Virtual) (bool, error) {
		_, err := root.Lstat(path.Join(path.Dir(m.path), v.Path))
		return err != nil && !file.Passing(err), file.IfPassing(err)
	})
	if err != nil || n <= limit {
		return Unmatched{}, err
	}
	return Unmatched{Rows: m.rows.len(), Count: n, Message: fmt.Sprintf(
		"%d rows of %s are to be assets without files, more than the %d that `manifests.rows_without_files` allows: no row of it becomes one; if that is meant, raise the limit, else split or correct the manifest",
		n, metadata.Clean(m.path), limit)}, nil
}

// VirtualAt returns the row by which a path is an asset although no file is there,
// of the nearest manifest that has a row for the path; false if it is none. The
// error is about the folder, or a directory that cannot be listed for now.
func (f *Folder) VirtualAt(path string) (Virtual, bool, error) {
	v, ok, _, err := f.virtualAt(path) // of what is wrong, Virtual tells
	return v, ok, err
}

// virtualAt also says that manifests contradict each other about the path, which
// then is none.
func (f *Folder) virtualAt(at string) (v Virtual, ok bool, against, err error) {
	root, err := file.OpenRoot(f.Root)
	if err != nil {
		return Virtual{}, false, nil, fmt.Errorf("open the drop folder: %w", err)
	}
	defer root.Close()
	rows, dir, err := f.Nearest(root, at, func(string, error) {})
	if err != nil || len(rows) == 0 {
		return Virtual{}, false, nil, err
	}
	if len(rows) > 1 { // of one, its manifest tells
		if against = Contradiction(rows); against != nil {
			return Virtual{}, false, against, nil
		}
	}
	for _, row := range rows {
		v, ok, _ = row.Virtual()
		v.Path = path.Join(dir, v.Path)
		if ok && v.Path == at {
			if against = row.local(root, dir, at, v.ContentPath); against != nil {
				return Virtual{}, false, against, nil
			}
			return v, true, nil, nil
		}
	}
	return v, false, nil, nil
}
