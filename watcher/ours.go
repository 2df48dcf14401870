package watcher

import (
	"errors"
	"io"
	"path"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Texts tell the texts for people that this program leaves beside files from all other
// files. They are no files to the watcher: they never settle, are emitted, or kept waiting
// for by anything. Both functions are called concurrently.
type Texts struct {
	Named func(name string) bool // whether a file's name is one that such texts have
	Ours  func(head []byte) bool // whether one so named is such a text, by its first bytes
	Head  int                    // how many bytes that takes
}

// maxTexts bounds how many texts are remembered of a folder, so that each scan need not
// open them.
const maxTexts = 10_000

// texts are the texts of ours that lie in a folder. They belong to its goroutine.
type texts struct {
	*base
	known map[string]file.Stat
}

// named reports whether a path may be one of ours.
func (t *texts) named(rel string) bool { return t.conf.Texts.named(rel) }

func (x Texts) named(rel string) bool { return x.Named != nil && x.Named(path.Base(rel)) }

// is reports whether a regular file is one of ours. One that cannot be read is taken for
// somebody's: what that leads to is said of it.
func (t *texts) is(rel string, fp file.Stat) bool {
	if !t.named(rel) {
		return false
	}
	if t.known[rel] == fp {
		return true
	}
	if !t.conf.Texts.in(t.tree, rel) {
		delete(t.known, rel)
		return false
	}
	if t.known == nil || len(t.known) >= maxTexts {
		t.known = make(map[string]file.Stat)
	}
	t.known[rel] = fp
	return true
}

// in reads how a file begins.
func (x Texts) in(t *tree, rel string) bool {
	opened, err := t.file(rel)
	if err != nil {
		return false
	}
	defer opened.Close() // nothing was written
	head := make([]byte, x.Head)
	n, err := io.ReadFull(opened, head)
	return (err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && x.Ours(head[:n])
}
