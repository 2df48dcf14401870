package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFilesThatAreGoneAreInNoSum has a daemon's files rest in each status, and go: by
// the next scan they are in no sum but that of the superseded, also after a restart.
// While the folder itself is away nothing is concluded.
func TestFilesThatAreGoneAreInNoSum(t *testing.T) {
	for _, after := range []string{"keep", "move"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, "1.5", nil)
			r := newRoom(t, s)
			r.config, r.env["AFTER"] = "testdata/resting.yaml", after
			r.write(".mounted", "")
			r.write("acme/original.jpg", "the same")
			daemon := r.start("run")
			defer watchBooks(t, r, daemon)()
			eventually(t, "the original is in", func() bool { return r.books().Filed == 1 })
			r.write("held.jpg", "no brand")
			r.write("stays.jpg", "no brand either")
			r.write("acme/empty.jpg", "")
			r.write("acme/failed.jpg", strings.Repeat("too large ", 2000))
			r.write("acme/ignored.txt", "no rule")
			r.write("acme/cancelled.psd", "unwanted")
			r.write("acme/duplicate.jpg", "the same")
			eventually(t, "the file waits for its sidecar", func() bool { return r.books().Queued == 1 && r.books().Seen == 8 })
			if code, _, stderr := r.run("cancel", fmt.Sprint(r.id("acme/cancelled.psd"))); code != 0 {
				t.Fatalf("cancel: exit code %d: %s", code, stderr)
			}
			rests := func(b books) bool {
				return b.Seen == 8 && b.Filed == 1 && b.Held == 3 && b.Failed == 1 && b.Ignored == 1 && b.Cancelled == 1 && b.Duplicate == 1
			}
			eventually(t, "a file rests in each status", func() bool { return rests(r.books()) })

			away := filepath.Join(r.dir, "away")
			for _, empty := range []bool{false, true} {
				r.rename(r.drop, away)
				if empty {
					if err := os.Mkdir(r.drop, 0o700); err != nil {
						t.Fatal(err)
					}
				}
				eventually(t, "the folder is found missing", func() bool { return r.books().Paused != "" })
				_ = os.Remove(r.drop)
				r.rename(away, r.drop)
				scanned := r.books().LastScan
				eventually(t, "it is scanned again", func() bool { return r.books().Paused == "" && r.books().LastScan != scanned })
				if b := r.books(); !rests(b) {
					t.Errorf("after it was away: %+v", b)
				}
			}

			failed, moved := "acme/failed.jpg", 0
			if after == "move" { // the duplicate was moved to where people may take it away
				failed, moved = "_failed/acme/failed.jpg", 1
				eventually(t, "what failed and the duplicate are moved", func() bool { return r.there(failed) && r.there("_ingested/acme/duplicate.jpg") })
				r.remove("_ingested/acme/duplicate.jpg")
			} else {
				r.remove("acme/duplicate.jpg")
			}
			r.rename(filepath.Join(r.drop, "held.jpg"), filepath.Join(r.dir, "held.jpg"))
			for _, path := range []string{"acme/empty.jpg", failed, "acme/ignored.txt", "acme/cancelled.psd"} {
				r.remove(path)
			}
			gone := func(b books) bool {
				return b.Seen == 8 && b.Filed == 1 && b.Held == 1 && b.Duplicate == moved && b.Superseded == 6-moved &&
					b.Failed+b.Ignored+b.Cancelled == 0
			}
			eventually(t, "what is gone is in no sum", func() bool { return gone(r.books()) })
			if _, stdout, _ := r.run("status"); !strings.Contains(stdout, "stays.jpg") || strings.Contains(stdout, "empty.jpg") || strings.Contains(stdout, "/held.jpg") {
				t.Errorf("status lists\n%s", stdout)
			}
			code, stdout, _ := r.run("retry", fmt.Sprint(r.id("acme/failed.jpg")))
			if code != 3 || !strings.Contains(stdout, "the file is not there any more; it was failed: ") {
				t.Errorf("a retry of what is gone: exit code %d: %s", code, stdout)
			}
			daemon.terminate()

			daemon = r.start("run")
			scanned := r.books().LastScan
			eventually(t, "it is scanned", func() bool { return r.books().LastScan != scanned })
			if b := r.books(); !gone(b) {
				t.Errorf("after a restart: %+v", b)
			}
			r.remove("stays.jpg")
			code, stdout, _ = r.run("backfill", "--json")
			var sum summary
			if err := json.Unmarshal([]byte(stdout), &sum); err != nil || code != 0 || sum.Held != 0 {
				t.Errorf("a backfill beside it: exit code %d: %s (%v)", code, stdout, err)
			}
			daemon.terminate()
			s.complain(t)
		})
	}
}

func (r *room) there(rel string) bool {
	_, err := os.Lstat(filepath.Join(r.drop, rel))
	return err == nil
}

func (r *room) remove(rel string) {
	r.t.Helper()
	if err := os.Remove(filepath.Join(r.drop, rel)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) rename(from, to string) {
	r.t.Helper()
	if err := os.Rename(from, to); err != nil {
		r.t.Fatal(err)
	}
}

// id is that of the latest entry of a path.
func (r *room) id(path string) (id int64) {
	r.t.Helper()
	s, err := r.status()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range s.Entries {
		if e.Path == path {
			id = e.ID
		}
	}
	return id
}
