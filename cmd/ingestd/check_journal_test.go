package main

import (
	"bytes"
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
