package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/mapping"
)

// folders reads the drop folders.
func (l *loader) folders(n *yaml.Node) {
	nodes, ok := l.List(n, "folders")
	if !ok {
		return
	}
	if len(nodes) == 0 {
		l.Add(mapping.At(n), "", "folders name no folder")
	}
	for _, node := range nodes {
		if folder, ok := l.folder(node); ok {
			l.config.Folders = append(l.config.Folders, folder)
		}
	}
}

func (l *loader) folder(n *yaml.Node) (Folder, bool) {
	f := l.Fields(n, "a folder", folderKeys)
	if f == nil {
		return Folder{}, false
	}
	d := defaultFolder()
	d.Pos = mapping.At(n)
	d.Sum, d.RulesSum = sum(n), rulesSum(n)
	if at := l.need(n, f, "name", "the folder"); at != nil {
		d.Name = l.folderName(at)
	}
	if at := l.need(n, f, "path", "the folder"); at != nil {
		d.Pos = mapping.At(at)
		if d.Path = l.path(at, "path"); d.Path != "" {
			l.overlap(at, d.Path)
		}
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
	l.below(f["marker"], "marker", &d.Marker)
	l.destination(f["done"], "done", &d.Done)
	l.destination(f["failed"], "failed", &d.Failed)
	l.flag(f["prune"], "prune", &d.Prune)
	for _, choice := range []struct {
		key   string
		to    *string
		known []string
	}{
		{"watch", &d.Watch, []string{"auto", "notify", "poll"}},
		{"order", &d.Order, []string{"arrival", "size,mixed", "size", "oldest", "newest", "path"}},
		{"batch", &d.Batch, []string{"none", "all"}},
		{"after", &d.After, []string{"keep", "move", "delete"}},
		{"versions", &d.Versions, []string{"path", "filename", "off"}},
		{"duplicates", &d.Duplicates, []string{"skip", "upload", "hold"}},
	} {
		if at := f[choice.key]; at != nil {
			*choice.to = l.Choice(at, choice.key, choice.known, nil)
		}
	}
	l.globs(f["manifests"], "manifests", &d.Manifests)
	l.flag(f["match_case"], "match_case", &d.MatchCase)
	if at := f["languages"]; at != nil {
		d.Languages = l.texts(at, "languages")
	}
	if at := f["wait_for"]; at != nil {
		d.WaitFor = l.WaitFor(at)
	}
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
	switch {
	case strings.ContainsAny(rest, "{}"):
		l.Add(mapping.At(n), "{date}, {folder} and {path} are known", "%s: %s has a placeholder that does not exist", what, l.Quote(n))
	case strings.ContainsAny(first, "{}"):
		l.Add(mapping.At(n), "such as _ingested/{date}", "%s: %s must begin with a fixed directory", what, l.Quote(n))
	default:
		*to = text
	}
}

var placeholder = regexp.MustCompile(`\{(date|folder|path)\}`)

// Kept returns the directories below the folder that belong to files which were
// moved: they are never looked into.
func (f Folder) Kept() []string {
	var dirs []string
	for _, pattern := range []string{f.Done, f.Failed} {
		dir, _, _ := strings.Cut(pattern, "{")
		if dir != pattern { // {date} may be a part of a name
			dir = path.Dir(dir + "x")
		}
		dirs = append(dirs, dir)
	}
	return dirs
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
		l.Add(mapping.At(n), "such as \"{name}.done\"", "ready: %s does not name a file beside each file", l.Quote(n))
		return ""
	}
	return text
}

// folderName reads a folder's name, which stands in commands, the journal and
// metrics.
func (l *loader) folderName(n *yaml.Node) string {
	name := l.filled(n, "name")
	if strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r == unicode.ReplacementChar || unicode.IsControl(r) }) {
		l.Add(mapping.At(n), "", "name: %s has a slash or a character that cannot be printed", l.Quote(n))
	}
	for _, other := range l.config.Folders {
		if name != "" && other.Name == name {
			l.Add(mapping.At(n), fmt.Sprintf("the folder of line %d has it already", other.Pos.Line), "two folders are named %s", l.Quote(n))
		}
	}
	return name
}

// overlap refuses a folder that is, contains or lies in an earlier one: its files
// would be ingested twice.
func (l *loader) overlap(n *yaml.Node, path string) {
	ours := Resolve(path)
	for _, other := range l.config.Folders {
		if other.Path == "" {
			continue
		}
		theirName := fmt.Sprintf("that of line %d", other.Pos.Line)
		switch theirs := Resolve(other.Path); {
		case ours == theirs:
			l.Add(mapping.At(n), "", "the folder overlaps with %s: they are the same directory", theirName)
		case inside(ours, theirs):
			l.Add(mapping.At(n), "", "the folder overlaps with %s: it lies inside of it", theirName)
		case inside(theirs, ours):
			l.Add(mapping.At(n), "", "the folder overlaps with %s, which lies inside of it", theirName)
		}
	}
}

// journalOutside refuses a journal inside a drop folder: the daemon would ingest
// its own database.
func (l *loader) journalOutside(n *yaml.Node) {
	for _, folder := range l.config.Folders {
		if folder.Path != "" && inside(Resolve(l.config.Journal), Resolve(folder.Path)) {
			l.Add(mapping.At(n), "", "the journal lies inside of the drop folder of line %d", folder.Pos.Line)
		}
	}
}

// answerTime is how long a file system may take to answer before a folder counts
// as one that hangs: no start, and no command, waits for it.
const answerTime = 2 * time.Second

// inTime returns what ask returns, or none where a share that hangs does not let
// it return. Such a call cannot be interrupted; it is left behind.
func inTime[T any](ask func() T, none T) T {
	answer := make(chan T, 1)
	go func() { answer <- ask() }()
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case a := <-answer:
		return a
	case <-timer.C:
		return none
	}
}

// Resolve returns path without symbolic links, as far as it exists; path itself
// where its file system does not answer.
func Resolve(path string) string {
	return inTime(func() string { return follow(path) }, path)
}

func follow(path string) string {
	rest := ""
	for at := path; ; {
		found, err := filepath.EvalSymlinks(at)
		if err == nil {
			return filepath.Join(found, rest)
		}
		parent := filepath.Dir(at)
		if parent == at {
			return path
		}
		rest = filepath.Join(filepath.Base(at), rest)
		at = parent
	}
}

// inside says whether path lies below dir.
func inside(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != "." && filepath.IsLocal(rel)
}

// CheckFolders says which drop folders are not there, at the place of their path.
// A running daemon pauses such a folder; only `check` calls it a mistake.
func (c *Config) CheckFolders() []mapping.Problem {
	var problems []mapping.Problem
	for _, folder := range c.Folders {
		if folder.Path == "" {
			continue
		}
		wrong := inTime(folder.missing, mapping.Problem{
			Message: fmt.Sprintf("the file system of folder %s does not answer", folder.Path), Hint: "is its server there?",
		})
		if wrong.Message != "" {
			wrong.Pos = folder.Pos
			problems = append(problems, wrong)
		}
	}
	return problems
}

// missing says what keeps a folder from being watched; an empty message is nothing.
func (f Folder) missing() mapping.Problem {
	info, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return mapping.Problem{Message: fmt.Sprintf("folder %s does not exist", f.Path), Hint: "create it, or mount its share"}
	case err != nil:
		return mapping.Problem{Message: fmt.Sprintf("folder cannot be looked at: %v", err)}
	case !info.IsDir():
		return mapping.Problem{Message: fmt.Sprintf("folder %s is no directory", f.Path)}
	}
	dir, err := os.Open(f.Path)
	if err != nil {
		return mapping.Problem{Message: fmt.Sprintf("folder cannot be read: %v", err), Hint: "give the service's user the right to read it"}
	}
	_ = dir.Close()
	if f.Marker != "" {
		if _, err := os.Lstat(filepath.Join(f.Path, f.Marker)); err != nil {
			return mapping.Problem{Message: fmt.Sprintf("folder %s has no marker %s", f.Path, f.Marker), Hint: "is its share mounted?"}
		}
	}
	return mapping.Problem{}
}
