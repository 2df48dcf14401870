package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/notes"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// folders reads the drop folders.
func (l *loader) folders(n *yaml.Node) {
	nodes, ok := l.List(n, "folders")
	if !ok {
		return
	}
	if len(nodes) == 0 {
		l.Add(yamltree.At(n), "", "folders name no folder")
	}
	for _, node := range nodes {
		if folder, ok := l.folder(node); ok {
			l.config.Folders = append(l.config.Folders, folder)
		}
	}
	l.formerNames(nodes)
}

// formerNames refuses a former name that a folder still has, or that two had: its
// history can be one folder's only.
func (l *loader) formerNames(nodes []*yaml.Node) {
	taken := make(map[string]string) // how each name is used
	for _, f := range l.config.Folders {
		taken[f.Name] = fmt.Sprintf("the folder of line %d is named so", f.Pos.Line)
	}
	for _, node := range nodes {
		at := valueOf(node, "previously")
		if at == nil || at.Value == "" {
			continue
		}
		if why, is := taken[at.Value]; is {
			l.Add(yamltree.At(at), "write the name that this folder alone had", "previously: %s cannot be a folder's former name: %s", l.Quote(at), why)
		}
		taken[at.Value] = fmt.Sprintf("the folder of line %d had it", at.Line)
	}
}

// valueOf returns what a key of a mapping has, nil for nothing.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func (l *loader) folder(n *yaml.Node) (Folder, bool) {
	f := l.Fields(n, "a folder", folderKeys)
	if f == nil {
		return Folder{}, false
	}
	d := defaultFolder()
	d.Pos = yamltree.At(n)
	d.Sum, d.RulesSum = sum(n), rulesSum(n)
	if at := l.need(n, f, "name", "the folder"); at != nil {
		d.Name = l.folderName(at)
	}
	if at := l.need(n, f, "path", "the folder"); at != nil {
		d.Pos, d.Path = yamltree.At(at), l.path(at, "path")
	}
	if at := f["previously"]; at != nil {
		d.Previously, _ = l.Text(at, "previously")
	}
	l.globs(f["include"], "include", &d.Include)
	l.globs(f["exclude"], "exclude", &d.Exclude)
	l.duration(f["settle"], "settle", &d.Settle, time.Millisecond)
	l.duration(f["patience"], "patience", &d.Patience, 0)
	if at := f["ready"]; at != nil {
		d.Ready = l.ready(at)
	}
	l.duration(f["poll_interval"], "poll_interval", &d.PollInterval, time.Millisecond)
	l.duration(f["rescan"], "rescan", &d.Rescan, time.Millisecond)
	l.number(f["workers"], "workers of the folder", &d.Workers, 0, l.config.Workers)
	timeLoader{l}.hours(f["hours"], &d.Hours)
	l.below(f["marker"], "marker", &d.Marker)
	l.destination(f["done"], "done", &d.Done)
	l.destination(f["failed"], "failed", &d.Failed)
	l.flag(f["prune"], "prune", &d.Prune)
	l.flag(f["shared"], "shared", &d.Shared)
	l.duration(f["resume"], "resume", &d.Resume, 0)
	for _, choice := range []struct {
		key   string
		to    *string
		known []string
	}{
		{"watch", &d.Watch, []string{"auto", "notify", "poll"}},
		{"order", &d.Order, []string{"arrival", "size,mixed", "size", "oldest", "newest", "path"}},
		{"batch", &d.Batch, []string{"none", "all"}},
		{"after", &d.After, []string{"keep", "move", "delete"}},
		{"receipt", &d.Receipt, []string{"csv", ""}},
		{"versions", &d.Versions, []string{"path", "filename", "off"}},
		{"duplicates", &d.Duplicates, []string{"skip", "upload", "hold"}},
		{"empty", &d.Empty, []string{"hold", "ingest", "ignore"}},
	} {
		if at := f[choice.key]; at != nil {
			*choice.to = l.Choice(at, choice.key, choice.known, nil)
		}
	}
	l.globs(f["manifests"], "manifests", &d.Manifests)
	if at := f["manifest_file_column"]; at != nil {
		d.FileColumn, _ = l.Text(at, "manifest_file_column")
	}
	if at := f["encoding"]; at != nil {
		d.Encoding = l.encoding(at)
	}
	l.flag(f["match_case"], "match_case", &d.MatchCase)
	if at := f["languages"]; at != nil {
		d.Languages = l.texts(at, "languages")
	}
	if at := f["wait_for"]; at != nil {
		d.WaitFor = mapping.ReadWaitFor(l.Reader, at)
	}
	l.tell(f, &d)
	if d.Versions == "" {
		if d.Versions = "off"; d.After == "keep" { // tomorrow's IMG_0001.jpg is another picture where today's is moved away
			d.Versions = "path"
		}
	}
	if at := l.need(n, f, "rules", "the folder"); at != nil {
		d.Rules = mapping.ParseRules(l.Reader, f["levels"], at)
	} else if at := f["levels"]; at != nil {
		mapping.ParseRules(l.Reader, at, nil)
	}
	return d, true
}

// destination reads where files are moved to: a directory below the folder that
// begins with a fixed one, which is never looked into.
func (l *loader) destination(n *yaml.Node, what string, to *string) {
	var text string
	l.below(n, what, &text)
	if text == "" {
		return
	}
	rest := placeholder.ReplaceAllString(text, "")
	first, _, _ := strings.Cut(text, "/")
	emptied := strings.NewReplacer("{path}", "", "{date}", "x", "{folder}", "x").Replace(text)
	switch {
	case strings.ContainsAny(rest, "{}"):
		l.Add(yamltree.At(n), "use {date}, {folder} and {path}", "%s: %s has a placeholder that does not exist", what, l.Quote(n))
	case strings.ContainsAny(first, "{}"):
		l.Add(yamltree.At(n), "such as _ingested/{date}", "%s: %s must begin with a fixed directory", what, l.Quote(n))
	case strings.ContainsFunc(text, unicode.IsControl):
		l.Add(yamltree.At(n), "such as _ingested/{date}", "%s: %s has a character that cannot be printed", what, l.Quote(n))
	case slices.ContainsFunc(strings.Split(emptied, "/"), dots):
		l.Add(yamltree.At(n), "give {path} a directory of its own, as in _ingested/{path}",
			"%s: %s names the directory . or .. for a file that lies in the folder itself, whose {path} is empty", what, l.Quote(n))
	default:
		*to = text
	}
}

// dots reports a name that is none of a directory's own.
func dots(name string) bool { return name == "." || name == ".." }

var placeholder = regexp.MustCompile(`\{(date|folder|path)\}`)

// Kept returns the directories below the folder that belong to files which were
// moved: they are never looked into.
func (f Folder) Kept() []string {
	dirs := []string{fixed(f.Done), fixed(f.Failed)}
	if dir := f.ReceiptDir(); dir != "" && !slices.Contains(dirs, dir) {
		dirs = append(dirs, dir)
	}
	return dirs
}

// ReceiptDir returns the directory below the folder that the receipt lies in; "" where none is
// kept. Files that stay leave nothing in done, so that it lies in the usual one.
func (f Folder) ReceiptDir() string {
	switch {
	case f.Receipt == "":
		return ""
	case f.After == "move":
		return fixed(f.Done)
	}
	return "_ingested"
}

// fixed returns the directories that a destination begins with whatever the file is.
func fixed(pattern string) string {
	dir, _, _ := strings.Cut(pattern, "{")
	if dir != pattern { // {date} may be a part of a name
		dir = path.Dir(dir + "x")
	}
	return dir
}

// texts reads a list of texts.
func (l *loader) texts(n *yaml.Node, what string) []string {
	nodes, _ := l.List(n, what)
	var out []string
	for _, node := range nodes {
		if text := l.filled(node, what); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// ready reads the name of a sentinel: a name beside the file, made of its own.
func (l *loader) ready(n *yaml.Node) string {
	text, ok := l.Text(n, "ready")
	if !ok || text == "" {
		return ""
	}
	if strings.Contains(text, "/") || text == "{name}" || strings.Count(text, "{name}")+strings.Count(text, "{stem}") != 1 {
		l.Add(yamltree.At(n), "such as \"{name}.done\"", "ready: %s does not name a file beside each file", l.Quote(n))
		return ""
	}
	if notes.Named(text) {
		l.Add(yamltree.At(n), "such as \"{name}.done\"", "ready: %s would take the notes that are left for people for sentinels", l.Quote(n))
		return ""
	}
	return text
}

// folderName reads a folder's name, which stands in commands, the journal and
// metrics.
func (l *loader) folderName(n *yaml.Node) string {
	name := l.filled(n, "name")
	if strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r == unicode.ReplacementChar || unicode.IsControl(r) }) {
		l.Add(yamltree.At(n), "", "name: %s has a slash or a character that cannot be printed", l.Quote(n))
	}
	if dots(name) {
		l.Add(yamltree.At(n), "give it another name: {folder} stands for it in done and failed", "name: %s cannot name a directory", l.Quote(n))
	}
	for _, other := range l.config.Folders {
		if name != "" && other.Name == name {
			l.Add(yamltree.At(n), fmt.Sprintf("give one of them another name: the folder of line %d has it already", other.Pos.Line), "two folders are named %s", l.Quote(n))
		}
	}
	return name
}

// CheckFolders says which drop folders are not there, at the place of their path.
// A running daemon pauses such a folder; only `check` calls it a mistake.
func (c *Config) CheckFolders() []yamltree.Problem {
	found := askAll(c.Folders, Folder.missing, func(f Folder) yamltree.Problem {
		return yamltree.Problem{Message: fmt.Sprintf("the file system of folder %s does not answer", f.Path), Hint: "look whether its server answers"}
	})
	var problems []yamltree.Problem
	for i, wrong := range found {
		if wrong.Message != "" {
			wrong.Pos = c.Folders[i].Pos
			problems = append(problems, wrong)
		}
	}
	return problems
}

// missing says what keeps a folder from being watched; an empty message is nothing.
func (f Folder) missing() yamltree.Problem {
	if f.Path == "" {
		return yamltree.Problem{} // said already
	}
	info, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return yamltree.Problem{Message: fmt.Sprintf("folder %s does not exist", f.Path), Hint: "create it, or mount its share"}
	case err != nil:
		return yamltree.Problem{Message: fmt.Sprintf("folder cannot be looked at: %v", err)}
	case !info.IsDir():
		return yamltree.Problem{Message: fmt.Sprintf("folder %s is no directory", f.Path)}
	}
	dir, err := os.Open(f.Path)
	if err != nil {
		return yamltree.Problem{Message: fmt.Sprintf("folder cannot be read: %v", err), Hint: "give the service's user the right to read it"}
	}
	_ = dir.Close()
	if f.Marker != "" {
		root, err := file.OpenRoot(f.Path)
		if err != nil {
			return yamltree.Problem{Message: fmt.Sprintf("folder cannot be read: %v", err), Hint: "give the service's user the right to read it"}
		}
		defer root.Close() // nothing was written
		err = root.Marked(f.Path, f.Marker)
		if other, ok := errors.AsType[*file.NoMarker](err); ok {
			return yamltree.Problem{Message: fmt.Sprintf("folder %s: marker %s is no file, but %s", f.Path, f.Marker, file.What(other.Mode)), Hint: "put a file there: until then the folder counts as not mounted"}
		}
		if err != nil {
			return yamltree.Problem{Message: fmt.Sprintf("folder %s has no marker %s", f.Path, f.Marker), Hint: "mount its share, or put the file there"}
		}
	}
	return yamltree.Problem{}
}
