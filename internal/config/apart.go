package config

import (
	"path/filepath"
	"sync"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// apart follows the links in the paths of the folders and of the journal, and
// refuses a folder that is, contains or lies in an earlier one: its files would be
// ingested twice. It refuses a journal inside a folder, too: the daemon would
// ingest its own database. journal is where the file names it; nil where it does not.
func (l *loader) apart(journal *yaml.Node) {
	folders := l.config.Folders
	paths := []string{l.config.Journal}
	for _, f := range folders {
		paths = append(paths, f.Path)
	}
	roots := askAll(paths, follow, func(path string) string { return path })
	for i := range folders {
		folders[i].Root = roots[i+1]
	}
	for i, ours := range folders {
		for _, theirs := range folders[:i] {
			if ours.Path == "" || theirs.Path == "" {
				continue
			}
			switch at, line := ours.Pos, theirs.Pos.Line; {
			case ours.Root == theirs.Root:
				l.Add(at, "", "the folder overlaps with that of line %d: they are the same directory", line)
			case inside(ours.Root, theirs.Root):
				l.Add(at, "", "the folder overlaps with that of line %d: it lies inside of it", line)
			case inside(theirs.Root, ours.Root):
				l.Add(at, "", "the folder overlaps with that of line %d, which lies inside of it", line)
			}
		}
		if l.config.Journal != "" && ours.Path != "" && inside(roots[0], ours.Root) {
			l.Add(yamltree.At(journal), "", "the journal lies inside of the drop folder of line %d", ours.Pos.Line)
		}
	}
}

// inside says whether path lies below dir.
func inside(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != "." && filepath.IsLocal(rel)
}

// answerTime is how long a file system may take to answer before a folder counts
// as one that hangs: no start, and no command, waits for it.
const answerTime = 2 * time.Second

// InTime returns what ask returns, or none where a share that hangs does not let
// it return. Such a call cannot be interrupted; it is left behind.
func InTime[T any](ask func() T, none T) T {
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

// askAll is InTime of each subject. All are asked at once: any number of shares
// that hang is waited for no longer than one.
func askAll[S, T any](subjects []S, ask, none func(S) T) []T {
	answers := make([]T, len(subjects))
	var all sync.WaitGroup
	for i, s := range subjects {
		all.Go(func() { answers[i] = InTime(func() T { return ask(s) }, none(s)) })
	}
	all.Wait()
	return answers
}

// Resolve returns path without symbolic links, as far as it exists; path itself
// where its file system does not answer.
func Resolve(path string) string {
	return InTime(func() string { return follow(path) }, path)
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
