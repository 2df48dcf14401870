package facts

import (
	"fmt"
	"path"
	"strings"
)

// Columns of a manifest by which a row becomes an asset without a file.
const (
	ContentPathColumn   = ManifestPrefix + "content_path"   // s3://bucket/key: the content stays there
	SkipTranscodeColumn = ManifestPrefix + "skip_transcode" // true: no renditions of it
	PlaceholderColumn   = ManifestPrefix + "placeholder"    // true: metadata only
)

// FilelessRow is a row of a manifest that becomes an asset although there is no
// file: a federated one, whose content lies at ContentPath, or a placeholder.
type FilelessRow struct {
	Path        string // where the file would be, below the folder
	Line        int    // of the manifest
	ContentPath string // "" for a placeholder
	Err         error  // why it cannot become one
}

// FilelessRows returns the rows of the manifest at rel that become assets without
// files. A row without a name is called what its content is.
func (c *Collector) FilelessRows(rel string) ([]FilelessRow, error) {
	m, err := c.ManifestAt(rel)
	if err != nil {
		return nil, err
	}
	var rows []FilelessRow
	for row := range m.All() {
		known := row.Facts()
		content := known.first(ContentPathColumn)
		if content == "" && !yes(known.first(PlaceholderColumn)) {
			continue
		}
		name := row.File
		switch {
		case content != "" && !strings.HasPrefix(content, "s3://"):
			row.Err = fmt.Errorf("content_path %q is no address of content: write it as s3://bucket/key", excerpt(content))
		case name == "":
			name = path.Base(content)
		}
		r := FilelessRow{Path: path.Join(path.Dir(rel), name), Line: row.Line, ContentPath: content, Err: row.Err}
		rows = append(rows, r)
	}
	return rows, nil
}

// first returns the value of a column, whose words may have spaces between them.
func (f Facts) first(name string) string {
	for _, name := range []string{name, strings.ReplaceAll(name, "_", " ")} {
		if fact, ok := f[Key(name)]; ok {
			return fact.Values[0]
		}
	}
	return ""
}

func yes(text string) bool {
	switch strings.ToLower(text) {
	case "true", "yes", "y", "1", "x":
		return true
	}
	return false
}

// Federated returns where the content of a file lies that its row in a manifest
// makes a federated asset, and whether it is to get no renditions; "" of others.
func (f Facts) Federated() (contentPath string, skipTranscode bool) {
	return f.first(ContentPathColumn), yes(f.first(SkipTranscodeColumn))
}
