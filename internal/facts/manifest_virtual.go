package facts

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
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
	ContentPath   string // s3://bucket/key
	SkipTranscode bool
}

// maxWrong bounds how many faults of one manifest are told.
const maxWrong = 100

// Virtual returns what a row is to be by itself, its Path that below the manifest's
// directory; false for a row that only tells of a file. The error says what is
// wrong with a row: it must not be used.
func (r Row) Virtual() (Virtual, bool, error) {
	v := Virtual{Path: r.File, Line: r.Line, ContentPath: r.cell(contentColumn)}
	placeholder, err := r.yes(placeholderColumn)
	if err != nil {
		return v, false, err
	}
	if v.ContentPath == "" && !placeholder {
		return v, false, nil
	}
	if v.SkipTranscode, err = r.yes(transcodeColumn); err == nil {
		err = r.Err
	}
	switch {
	case err != nil:
	case v.ContentPath != "" && placeholder:
		err = r.wrong("the row is both a placeholder and has a content path; clear one of the two")
	case v.ContentPath != "" && s3Key(v.ContentPath) == "":
		err = r.wrong("%q is no content path; write s3://bucket/key", excerpt(v.ContentPath))
	case v.Path == "":
		err = r.wrong("the row names no file, so that nobody knows what its asset is called")
	}
	return v, err == nil, err
}

func (r Row) wrong(format string, args ...any) error {
	return fmt.Errorf("manifest %s: line %d: %s", r.m.name, r.Line, fmt.Sprintf(format, args...))
}

// cell returns the text of the row in a column, which is named without spaces.
func (r Row) cell(name string) string {
	at := columnOf(r.m.columns, name)
	for column, cell := range r.rec.each() {
		if column == at {
			return r.m.text(cell)
		}
	}
	return ""
}

// yes reads a cell that is a yes or a no; an empty one is a no.
func (r Row) yes(name string) (bool, error) {
	switch cell := r.cell(name); strings.ToLower(cell) {
	case "true", "yes", "1":
		return true, nil
	case "false", "no", "0", "":
		return false, nil
	default:
		return false, r.wrong("%q in the column %s is neither yes nor no", excerpt(cell), name)
	}
}

// columnOf returns the column of a squeezed name, -1 if there is none.
func columnOf(columns []string, name string) int {
	return slices.IndexFunc(columns, func(column string) bool { return squeeze.Replace(Key(column)) == name })
}

// s3Key returns the key of s3://bucket/key, "" if that is not what it is.
func s3Key(contentPath string) string {
	rest, ok := strings.CutPrefix(contentPath, "s3://")
	bucket, key, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" || strings.HasSuffix(key, "/") {
		return ""
	}
	return key
}

// s3Name returns the file name of a content path, "" if it has none.
func s3Name(contentPath string) string {
	key := s3Key(contentPath)
	if name := path.Base(key); key != "" && name != "." && name != ".." && !strings.Contains(name, `\`) {
		return name
	}
	return ""
}

// Virtual reads the manifest at a path below the folder and returns its rows that
// are assets by themselves, each path once, and what is wrong with rows that cannot
// be, up to a hundred of them; a manifest that cannot be read at all is wrong as a
// whole. A row over which a nearer manifest goes is left out. The error is about the
// folder, which is not there, or about trouble of the file system that may pass.
func (c *Collector) Virtual(manifest string) (rows []Virtual, wrong []error, err error) {
	m, unread, err := c.manifestAt(manifest)
	switch {
	case err != nil:
		return nil, nil, err
	case unread != nil:
		return nil, []error{unread}, nil
	case m == nil: // it is gone
		return nil, nil, nil
	}
	seen, told := make(map[string]bool), make(map[string]bool)
	for row := range m.All() {
		v, ok, err := row.Virtual()
		if err != nil && len(wrong) < maxWrong && !told[err.Error()] {
			told[err.Error()] = true // once, of rows that contradict each other
			wrong = append(wrong, err)
		}
		if v.Path = path.Join(path.Dir(manifest), v.Path); !ok || seen[v.Path] {
			continue
		}
		seen[v.Path] = true
		if _, ok := c.Companion(v.Path); ok {
			wrong = append(wrong, row.wrong("%q is the name of a file that only speaks of others", excerpt(row.File)))
			continue
		}
		now, ok, against, err := c.virtualAt(v.Path)
		if err != nil {
			return nil, nil, err
		}
		if against != nil && len(wrong) < maxWrong {
			wrong = append(wrong, against)
		}
		if ok && now.ContentPath == v.ContentPath {
			rows = append(rows, v)
		}
	}
	return rows, wrong, nil
}

// VirtualAt returns the row by which a path is an asset although no file is there,
// of the nearest manifest that has a row for the path; false if it is none. The
// error is about the folder, or a directory that cannot be listed for now.
func (c *Collector) VirtualAt(file string) (Virtual, bool, error) {
	v, ok, _, err := c.virtualAt(file) // of what is wrong, Virtual tells
	return v, ok, err
}

// virtualAt also says that manifests contradict each other about the path, which
// then is none.
func (c *Collector) virtualAt(file string) (v Virtual, ok bool, against, err error) {
	root, err := os.OpenRoot(c.Root)
	if err != nil {
		return Virtual{}, false, nil, fmt.Errorf("open the drop folder: %w", err)
	}
	defer root.Close()
	rows, dir, err := c.nearest(root, file, func(*manifestFile) {})
	if err != nil || len(rows) == 0 {
		return Virtual{}, false, nil, err
	}
	if len(rows) > 1 { // of one, its manifest tells
		if against = contradictionOf(rows); against != nil {
			return Virtual{}, false, against, nil
		}
	}
	for _, row := range rows {
		v, ok, _ = row.Virtual()
		v.Path = path.Join(dir, v.Path)
		if ok && v.Path == file {
			return v, true, nil, nil
		}
	}
	return v, false, nil, nil
}
