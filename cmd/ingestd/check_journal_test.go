package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCheckSeesWhatKeepsTheJournalFromOpening puts something else in the place of the
// journal's files: check ends as run does, with the same sentence.
func TestCheckSeesWhatKeepsTheJournalFromOpening(t *testing.T) {
	for kind, put := range map[string]func(victim, name string) error{
		"a link":            os.Symlink,
		"a link to nothing": func(victim, name string) error { return os.Symlink(victim+".none", name) },
		"a pipe":            func(_, name string) error { return unix.Mkfifo(name, 0o600) },
		"a directory":       func(_, name string) error { return os.Mkdir(name, 0o700) },
		"a link to a device": func(_, name string) error {
			return os.Symlink("/dev/full", name)
		},
		"a second name": func(victim, name string) error {
			if os.Geteuid() != 0 {
				return unix.Mkfifo(name, 0o600) // only root must not touch one
			}
			return os.Link(victim, name)
		},
	} {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal", ".lock"} {
			t.Run(kind+suffix, func(t *testing.T) {
				dir := t.TempDir()
				in := func(name string) string { return filepath.Join(dir, name) }
				text := fmt.Sprintf("tenovos: {url: \"http://127.0.0.1:1/v1\", api_key: k, username: u, password: p}\njournal: %s\nlisten: \"\"\n"+
					"folders: [{name: drop, path: %s, rules: [{match: \"**\", template: T, security: S}]}]\n", in("state/journal.db"), in("drop"))
				for _, err := range []error{os.Mkdir(in("drop"), 0o755), os.Mkdir(in("state"), 0o700), os.WriteFile(in("c.yaml"), []byte(text), 0o600), os.WriteFile(in("victim"), nil, 0o644)} {
					if err != nil {
						t.Fatal(err)
					}
				}
				does := func(args ...string) (int, string) {
					var out, errs bytes.Buffer
					code := run(t.Context(), append(args, "-c", in("c.yaml")), &out, &errs)
					return code, errs.String()
				}
				if code, said := does("check", "--offline"); code != exitDone {
					t.Fatalf("before: %d %s", code, said)
				}
				if err := put(in("victim"), in("state/journal.db")+suffix); err != nil {
					t.Fatal(err)
				}
				for _, verb := range [][]string{{"check", "--offline"}, {"run"}} {
					code, said := does(verb...)
					if code != exitUsage || !strings.Contains(said, "lies in the place of a file of the journal") {
						t.Errorf("%s: %d %s", verb[0], code, said)
					}
				}
			})
		}
	}
}

// TestCheckSeesAJournalThatNoStartReads puts databases in the place of the journal that
// this version does not read: check ends as run does, with 2, so that systemd does not
// start the daemon again and again.
func TestCheckSeesAJournalThatNoStartReads(t *testing.T) {
	for name, c := range map[string]struct{ pragma, says string }{
		"of before the first release": {"application_id = 0x696e6764; PRAGMA user_version = 11", "begin anew with `ingestd backfill --adopt`"},
		"of a newer version":          {"application_id = 0x696e676a; PRAGMA user_version = 99", "use that version or a newer one"},
		"of another program":          {"application_id = 5", "not a journal of ingestd"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			in := func(name string) string { return filepath.Join(dir, name) }
			text := fmt.Sprintf("tenovos: {url: \"http://127.0.0.1:1/v1\", api_key: k, username: u, password: p}\njournal: %s\nlisten: \"\"\n"+
				"folders: [{name: drop, path: %s, rules: [{match: \"**\", template: T, security: S}]}]\n", in("state/journal.db"), in("drop"))
			for _, err := range []error{os.Mkdir(in("drop"), 0o755), os.Mkdir(in("state"), 0o700), os.WriteFile(in("c.yaml"), []byte(text), 0o600)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			db, err := sql.Open("sqlite", "file:"+in("state/journal.db"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = db.Exec("PRAGMA journal_mode = wal; CREATE TABLE t (x); PRAGMA " + c.pragma)
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			for _, verb := range [][]string{{"check", "--offline"}, {"run"}, {"backfill"}, {"status"}, {"retry", "--failed"}, {"backup", in("copy.db")}} {
				var out, errs bytes.Buffer
				code := run(t.Context(), append(verb, "-c", in("c.yaml")), &out, &errs)
				if code != exitUsage || !strings.Contains(errs.String(), c.says) {
					t.Errorf("%s: %d %s", verb[0], code, errs.String())
				}
			}
		})
	}
}
