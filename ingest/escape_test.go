package ingest_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// A path that leads out of the folder once its file was recorded is one whose file is
// gone: it has not failed, and nothing that lies outside is sent or moved.
func TestPathThatEscapes(t *testing.T) {
	t.Parallel()
	for name, escape := range map[string]func(drop, outside string) error{
		"its directory became a link": func(drop, outside string) error {
			return errors.Join(os.Rename(filepath.Join(drop, "acme/spring"), filepath.Join(outside, "away")), os.Symlink(outside, filepath.Join(drop, "acme/spring")))
		},
		"one above it became a link": func(drop, outside string) error {
			return errors.Join(os.Rename(filepath.Join(drop, "acme"), filepath.Join(outside, "away")), os.Symlink(outside, filepath.Join(drop, "acme")))
		},
		"it became a link": func(drop, outside string) error {
			path := filepath.Join(drop, "acme/spring/a.jpg")
			return errors.Join(os.Remove(path), os.Symlink(filepath.Join(outside, "a.jpg"), path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.config.Folders[0].After, r.config.Folders[0].Done, r.config.Folders[0].Failed = dropfolder.AfterMove, "_ingested", "_failed"
			outside := filepath.Join(filepath.Dir(r.drop), "outside")
			for _, path := range []string{"a.jpg", "spring/a.jpg"} {
				if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(outside, path)), 0o755), os.WriteFile(filepath.Join(outside, path), []byte("secret"), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			r.write("acme/spring/a.jpg", 100, 1)
			r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
				if err := escape(r.drop, outside); err != nil {
					t.Error(err)
				}
				return r.mapFile(f, at)
			}
			r.backfill()
			if e := r.entry("acme/spring/a.jpg"); e.Status != journal.Superseded {
				t.Errorf("the entry is %s: %s", e.Status, e.Reason.Message)
			}
			if n := len(available(r.sandbox.State())); n != 0 {
				t.Errorf("%d assets were made", n)
			}
			for _, path := range []string{"a.jpg", "spring/a.jpg"} {
				if data, err := os.ReadFile(filepath.Join(outside, path)); err != nil || string(data) != "secret" {
					t.Errorf("outside %s is %q, %v", path, data, err)
				}
			}
			if left, err := filepath.Glob(filepath.Join(r.drop, "_failed", "*")); err != nil || len(left) > 0 {
				t.Errorf("in _failed lie %v", left)
			}
		})
	}
}
