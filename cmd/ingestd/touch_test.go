package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestTouchedAndRenamedInTheMiddle has a file of 230 MiB touched, or the directory above
// it renamed, while it is uploaded: one create, and no byte sent twice.
func TestTouchedAndRenamedInTheMiddle(t *testing.T) {
	for name, tc := range map[string]struct {
		after   string
		meddle  func(drop string, n int) error
		path    string // in the end
		restart bool   // by kill -9, in the middle
		single  bool   // a smaller file, by a single PUT
	}{
		"touched": {after: "keep", path: "acme/film.mov", meddle: func(drop string, n int) error { return touch(drop+"/acme/film.mov", n) }},
		"touched, to be deleted": {after: "delete", single: true, path: "acme/film.mov", meddle: func(drop string, n int) error {
			return touch(drop+"/acme/film.mov", n)
		}},
		"renamed": {after: "keep", path: "mueller/film.mov", meddle: func(drop string, n int) error {
			if n > 0 {
				return nil
			}
			return os.Rename(drop+"/acme", drop+"/mueller")
		}},
		"renamed twice, to be moved": {after: "move", single: true, path: "hooli/film.mov", meddle: func(drop string, n int) error {
			switch n {
			case 0:
				return os.Rename(drop+"/acme", drop+"/mueller")
			case 4:
				return os.Rename(drop+"/mueller", drop+"/hooli")
			}
			return nil
		}},
		"renamed over a kill": {after: "keep", path: "mueller/film.mov", restart: true, meddle: func(drop string, n int) error {
			if n > 0 {
				return nil
			}
			return os.Rename(drop+"/acme", drop+"/mueller")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			size, bandwidth := int64(230*mib), "40MiB"
			if tc.single || testing.Short() {
				size, bandwidth = 20*mib, "4MiB"
			}
			t.Parallel()
			s := newStand(t, "1.5", nil)
			r := newRoom(t, s)
			r.ownConfig()
			r.edit("upload: {parts: 2,", "upload: {parts: 2, bandwidth: "+bandwidth+",")
			r.env["SETTLE"], r.env["AFTER"] = "200ms", tc.after
			sum := makeFile(t, filepath.Join(r.drop, "acme", "film.mov"), size)
			daemon := r.start("run")
			eventually(t, "the upload has begun", func() bool {
				report, err := r.status()
				return err == nil && len(report.Entries) == 1 && report.Entries[0].Status == "uploading"
			})
			for n := 0; len(s.named("film.mov")) == 0; n++ {
				if err := tc.meddle(r.drop, n); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
				if n == 0 && tc.restart {
					daemon.kill()
					daemon = r.start("run")
				}
				time.Sleep(250 * time.Millisecond) // the pace of whoever meddles
			}
			where := filepath.Join(r.drop, tc.path)
			if tc.after == "move" {
				where = filepath.Join(r.drop, "_ingested", tc.path)
			}
			eventually(t, "the books know the file by its path, and it is where it belongs", func() bool {
				report, err := r.status()
				_, there := os.Stat(where)
				return err == nil && len(report.Entries) == 1 && report.Entries[0].Status == "filed" && report.Entries[0].Path == tc.path &&
					(there == nil) == (tc.after != "delete")
			})
			daemon.terminate()
			state := s.State()
			if len(state.Assets) != 1 || state.Assets[0].ContentMD5 != sum || state.Assets[0].ContentSize != size {
				t.Errorf("%d assets were made, want one of MD5 %s: %+v", len(state.Assets), sum, state.Assets)
			}
			sent := int64(0)
			for _, u := range state.Uploads {
				for _, part := range u.Parts {
					sent += int64(part.Begun) * part.Size
				}
			}
			if sent > size+10*mib && !tc.restart { // which cuts off what is on its way
				t.Errorf("%d MiB were sent of %d", sent/mib, size/mib)
			}
			s.complain(t)
		})
	}
}

// touch does to a file what does not change its bytes, each time something else.
func touch(path string, n int) error {
	switch n % 4 {
	case 0:
		return os.Chmod(path, 0o640|os.FileMode(n/4%2))
	case 1:
		return os.Link(path, fmt.Sprint(path, n, ".tmp"))
	case 2:
		if err := syscall.Setxattr(path, "user.seen", []byte(fmt.Sprint(n)), 0); !errors.Is(err, syscall.ENOTSUP) {
			return err
		}
	}
	return os.Chtimes(path, time.Now(), time.Time{})
}
