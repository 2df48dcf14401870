package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// Bounds of a look at the rights in a folder.
const (
	rightsEntries  = 100_000         // names in it
	rightsTime     = 5 * time.Second // for all of it
	rightsHang     = 2 * time.Second // what is not answered by then, beyond that, hangs
	rightsExamples = 3
)

// rights are what the daemon's user may not do in a folder.
type rights struct {
	wrong   []yamltree.Problem // what concerns the folder as such
	unread  examples           // files and directories that cannot be read
	stuck   examples           // what could not be moved away, or deleted
	looked  int                // names
	partial bool               // there are more
}

// examples counts, and keeps the first.
type examples struct {
	n     int
	first []string
}

func (e *examples) add(what string) {
	if e.n++; len(e.first) < rightsExamples {
		e.first = append(e.first, display.Text(what))
	}
}

// checkRights asks in the name of the daemon's user what it may not do in the folders, and
// with the files that the configuration names: mistakes are what
// keeps a whole folder, or the start, from working, notes what else there is. Shares that
// hang are named, and not waited for.
func checkRights(cfg *config.Config, folders []config.Folder, who person) (mistakes, notes []yamltree.Problem) {
	answers := make([]chan rights, len(folders))
	for i, f := range folders {
		answers[i] = make(chan rights, 1)
		go func() {
			var r rights
			if err := who.asks(func() { r.examine(f, who, time.Now().Add(rightsTime)) }); err != nil {
				r.wrong = []yamltree.Problem{{Pos: f.Pos, Message: "the rights in the folder could not be looked at: " + err.Error()}}
			}
			answers[i] <- r
		}()
	}
	mistakes = checkFiles(cfg, who)
	ctx, cancel := context.WithTimeout(context.Background(), rightsTime+rightsHang)
	defer cancel()
	for i, f := range folders {
		r, ok := awaited(ctx, answers[i])
		if !ok {
			notes = append(notes, yamltree.Problem{Pos: f.Pos, Message: fmt.Sprintf("the rights in folder %s are not known: a file system in it does not answer", f.Path), Hint: "look whether its server answers"})
			continue
		}
		mistakes = append(mistakes, r.wrong...)
		notes = append(notes, r.notes(f, who)...)
	}
	return mistakes, notes
}

// awaited returns an answer that is there, or comes before ctx ends.
func awaited(ctx context.Context, answer <-chan rights) (r rights, ok bool) {
	select {
	case r = <-answer:
		return r, true
	case <-ctx.Done():
	}
	select { // both may have been there
	case r = <-answer:
		return r, true
	default:
		return r, false
	}
}

// notes are what there is to say of the files in a folder.
func (r rights) notes(f config.Folder, who person) (out []yamltree.Problem) {
	add := func(e examples, verb, hint string) {
		if e.n == 0 {
			return
		}
		text := fmt.Sprintf("folder %s: %s cannot %s %d of its files and directories: %s", f.Path, who, verb, e.n, strings.Join(e.first, "; "))
		if e.n > len(e.first) {
			text += "; and more"
		}
		out = append(out, yamltree.Problem{Pos: f.Pos, Message: text, Hint: hint})
	}
	add(r.unread, "read", "give that user, or a group of it, the right to read")
	verb := "move away"
	if f.After == "delete" {
		verb = "delete"
	}
	add(r.stuck, verb, "give that user the right to write in the directories: after: "+f.After+" needs it")
	if r.partial {
		out = append(out, yamltree.Problem{Pos: f.Pos, Message: fmt.Sprintf("folder %s: only its first %d names were asked for their rights, because there are so many", f.Path, r.looked)})
	}
	return out
}

// examine asks about a folder. It runs in the name of the user.
func (r *rights) examine(f config.Folder, who person, until time.Time) {
	info, err := os.Stat(f.Path)
	if err == nil && !info.IsDir() || errors.Is(err, fs.ErrNotExist) {
		return // which CheckFolders says
	}
	if err == nil {
		err = listable(f.Path)
	}
	if err != nil {
		r.mistake(f, "give that user the right to read it, and to enter all directories above it", "folder cannot be read by %s: %v", who, err)
		return
	}
	r.destinations(f, who)
	enter, wanted := watcher.Names(watchedFolders([]config.Folder{f})[0])
	r.walk(f, who, "", func(rel string, d fs.DirEntry) bool {
		return d.IsDir() && enter(rel) || d.Type().IsRegular() && wanted(rel)
	}, until)
}

// destinations asks whether files can be put where `after` wants them, and be taken out
// of the folder for it.
func (r *rights) destinations(f config.Folder, who person) {
	before := ""
	for _, to := range destinationsOf(f) {
		if err := to.usable(f); err != nil && err.Error() != before { // one directory is said once
			before = err.Error()
			hint := "give that user the right to write there"
			if o, ok := errors.AsType[*obstacle](err); ok {
				hint = o.hint
			}
			r.mistake(f, hint, "after: %s cannot be done by %s, because %s: %v", f.After, who, to.why, err)
		}
	}
}

func (r *rights) mistake(f config.Folder, hint, format string, args ...any) {
	r.wrong = append(r.wrong, yamltree.Problem{Pos: f.Pos, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// walk looks at what is below a directory, which can be entered.
func (r *rights) walk(f config.Folder, who person, rel string, wanted func(string, fs.DirEntry) bool, until time.Time) {
	dir := filepath.Join(f.Path, rel)
	d, err := os.Open(dir)
	if err != nil {
		r.unread.add(err.Error())
		return
	}
	defer func() { _ = d.Close() }() // nothing was written
	info, err := d.Stat()
	if err != nil {
		return
	}
	var fixed error // why nothing can be moved out of the directory
	if f.After != "keep" {
		fixed = movable(dir)
	}
	said := false
	for {
		names, err := d.ReadDir(1000)
		for _, name := range names {
			if r.looked >= rightsEntries || time.Now().After(until) {
				r.partial = true
				return
			}
			r.looked++
			below := filepath.ToSlash(filepath.Join(rel, name.Name()))
			if !wanted(below, name) {
				continue
			}
			path := filepath.Join(dir, name.Name())
			if name.IsDir() {
				if err := listable(path); err != nil {
					r.unread.add(err.Error())
				} else {
					r.walk(f, who, below, wanted, until)
				}
				continue
			}
			if err := readable(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				r.unread.add(err.Error())
			}
			switch {
			case f.After == "keep" || said:
			case fixed != nil:
				said = true // once for all that is in the directory
				r.stuck.add(fixed.Error())
			default:
				if err := who.removable(info, path); err != nil {
					r.stuck.add(path + ": " + err.Error())
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.unread.add(err.Error())
			return
		}
	}
}

// checkFiles asks whether the user may read the configuration, and the secrets that
// nobody hands to it, and write the journal.
func checkFiles(cfg *config.Config, who person) []yamltree.Problem {
	return config.InTime(func() (out []yamltree.Problem) {
		if !who.other {
			return nil // who reads this has read them; checkJournal looks at the journal
		}
		err := who.asks(func() {
			add := func(at yamltree.Pos, what string, err error) {
				if err != nil {
					out = append(out, yamltree.Problem{Pos: at, Message: fmt.Sprintf("%s cannot be used by %s: %v", what, who, err), Hint: "give that user the right, or the daemon does not start"})
				}
			}
			add(yamltree.Pos{Line: 1, Column: 1}, "the configuration", readable(cfg.File))
			for _, s := range cfg.Secrets {
				if !s.Handed && s.Path != cfg.File {
					add(s.Pos, s.Key, readable(s.Path))
				}
			}
			if cfg.Journal != "" && !missing(filepath.Dir(cfg.Journal)) { // else whoever starts the daemon makes it
				add(yamltree.Pos{Line: 1, Column: 1}, "the journal", errors.Join(movable(filepath.Dir(cfg.Journal)), writable(cfg.Journal)))
			}
		})
		if err != nil {
			out = append(out, yamltree.Problem{Pos: yamltree.Pos{Line: 1, Column: 1}, Message: err.Error()})
		}
		return out
	}, nil)
}

// mayTake says what keeps the daemon's user from reading a file, and from moving it away
// where the folder wants that.
func mayTake(f config.Folder, who person, path string) (unread, stuck error) {
	type answer struct{ unread, stuck error }
	a := config.InTime(func() (a answer) {
		err := who.asks(func() {
			a.unread = readable(path)
			if f.After == "keep" {
				return
			}
			dir := filepath.Dir(path)
			if a.stuck = movable(dir); a.stuck != nil {
				return
			}
			if info, err := os.Stat(dir); err == nil {
				a.stuck = who.removable(info, path)
			}
			for _, to := range destinationsOf(f) {
				if a.stuck == nil {
					a.stuck = to.usable(f)
				}
			}
		})
		if err != nil {
			a.unread = err
		}
		return a
	}, answer{unread: errors.New("its file system does not answer")})
	return a.unread, a.stuck
}
