package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/config"
)

// TestDaemonTellsOfAFileThatIsHeld is the most frequent trouble, as the person sees it who
// dropped the file: a note beside it, who to ask, and an end of both when the folder has
// its right name.
func TestDaemonTellsOfAFileThatIsHeld(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["AFTER"], r.env["SETTLE"] = "move", "20ms"
	r.ownConfig()
	r.edit("    rules:\n", "    contact: Anna, dam@acme.com, ext. 12\n    manifests: [\"*.txt\"]\n    prune: true\n    batch: all\n    rules:\n")
	r.edit("map: {mueller: Müller & Söhne}}", "map: {mueller: Müller & Söhne}, required: true}")
	daemon := r.start("run")
	r.write("hooli/spring/a.jpg", "first")
	note := "hooli/spring/a.jpg.held.txt"
	eventually(t, "a note lies beside the file", func() bool { return r.there(note) })
	text, err := os.ReadFile(filepath.Join(r.drop, note))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`Tenovos does not know the name "hooli" for "Brand". It knows "Acme", "Globex",`, "Who to ask: Anna, dam@acme.com, ext. 12\r\n", "held, metadata, entry 1."} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the note does not say %q:\n%s", part, text)
		}
	}
	if code, out, _ := r.run("explain", filepath.Join(r.drop, note)); !strings.Contains(out, "it is a note that ingestd left for people") {
		t.Errorf("explain, %d: %s", code, out)
	}
	r.write("lost.jpg", "of no brand")
	eventually(t, "what is missing is told", func() bool {
		text, err := os.ReadFile(filepath.Join(r.drop, "lost.jpg.held.txt"))
		return err == nil && strings.Contains(string(text), `"Brand" is not known of this file`)
	})
	if err := os.Remove(filepath.Join(r.drop, "lost.jpg")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its note goes with it", func() bool { return !r.there("lost.jpg.held.txt") })
	r.write("acme/b.jpg.held.txt", "a file of somebody's, which only has such a name") // a manifest it is not, either
	eventually(t, "it is in", func() bool { return r.there("_ingested/acme/b.jpg.held.txt") })

	if err := os.Rename(filepath.Join(r.drop, "hooli"), filepath.Join(r.drop, "acme")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the file is in", func() bool { return r.there("_ingested/acme/spring/a.jpg") })
	eventually(t, "nothing is left", func() bool { return !r.there("acme") && !r.there("hooli") })
	eventually(t, "the books tell", func() bool { b := r.books(); return b.Filed == 2 && b.Held == 0 && b.Superseded == 2 })
	daemon.terminate()
	s.complain(t)
}

// TestTellDefaults: where files that are in go away, those that stay are told of. A backfill
// tells only where the file says so by itself.
func TestTellDefaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after, tell, flag string
		run, backfill     bool
	}{
		{after: "keep"},
		{after: "keep", tell: "true", run: true, backfill: true},
		{after: "move", run: true},
		{after: "delete", run: true},
		{after: "move", tell: "false", flag: "move"},
		{after: "move", tell: "true", run: true, backfill: true},
		{after: "move", flag: "move", run: true, backfill: true},
		{after: "keep", flag: "delete", backfill: true},
	} {
		text := "tenovos: {url: \"http://127.0.0.1:1\", api_key: k, username: u, password: p}\njournal: /tmp/none/journal.db\nfolders:\n  - {name: drop, path: /tmp/none/drop, after: " + c.after
		if c.tell != "" {
			text += ", tell: " + c.tell
		}
		text += ", rules: [{match: \"**\", template: T, security: [S]}]}\n"
		name := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(name, os.LookupEnv)
		if err != nil {
			t.Fatal(err)
		}
		tells := func(folders []config.Folder) bool {
			return pipelineConfig(cfg, folders, nil).Folders[0].Tell
		}
		folders, err := afterwards(cfg.Folders, c.flag)
		if err != nil {
			t.Fatal(err)
		}
		if tells(cfg.Folders) != c.run || tells(folders) != c.backfill {
			t.Errorf("%+v: run tells: %t, backfill: %t", c, tells(cfg.Folders), tells(folders))
		}
	}
}

// TestNoteOfASharedFolder: a note belongs to those whom the folder is for, whatever the
// umask of the service: they may read it, and remove it.
func TestNoteOfASharedFolder(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newShared(t, s, 0, fs.ModeSetgid|0o770)
	daemon := r.ingestd(theService, "run")
	r.drops("hooli/a.jpg", "a")
	note := "hooli/a.jpg.held.txt"
	eventually(t, "a note lies beside the file", func() bool { return r.there(note) })
	r.wantLook(note, fmt.Sprintf("0660 %d:%d", theService.Uid, dropGroup))
	if got := r.does(theCreative, "cat", note); !strings.Contains(got, "File: a.jpg\r\n") {
		t.Errorf("the note is %q", got)
	}
	r.does(theCreative, "rm", note)
	r.does(theCreative, "mv", "hooli", "acme")
	eventually(t, "the file is in", func() bool { return r.there("_ingested/acme/a.jpg") })
	r.wantPrivate()
	daemon.terminate()
}
