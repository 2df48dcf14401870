package facts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filetime"
	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
)

// dirThatKeeps returns a directory with a file whose modification time is at: ext4
// reaches from 1901 to 2446, a file system in memory all years.
func dirThatKeeps(t *testing.T, name string, data []byte, at time.Time) string {
	t.Helper()
	for _, parent := range []string{t.TempDir(), "/dev/shm"} {
		dir, err := os.MkdirTemp(parent, "facts") //nolint:usetesting // t.TempDir is on one file system only
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) }) // else it is left behind
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		stamp := unix.Timespec{Sec: at.Unix(), Nsec: int64(at.Nanosecond())} // os.Chtimes overflows as well
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{stamp, stamp}, 0); err != nil {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.ModTime().Equal(at) {
			return dir
		}
	}
	t.Skipf("no file system here keeps a file's time in the year %d", at.Year())
	return ""
}

func TestTimesOfOtherCenturies(t *testing.T) {
	here := time.Local // the dates below are written in UTC
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = here })
	picture := readEmbedded(t, "tagged.jpg")
	for _, tt := range []struct {
		at   time.Time
		want string // of file.modified; "" where it is not known
	}{
		{time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), "1601-01-01T00:00:00Z"},
		{time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC), "0002-01-01T00:00:00Z"},
		{time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), "1970-01-01T00:00:00Z"},
		{time.Date(2262, 4, 11, 23, 47, 15, 5, time.UTC), "2262-04-11T23:47:15Z"},
		{time.Date(2300, 2, 28, 12, 0, 0, 0, time.UTC), "2300-02-28T12:00:00Z"},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "9999-12-31T23:59:59Z"},
		{time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		{time.Unix(1<<50, 0).UTC(), ""},
	} {
		t.Run(tt.at.String(), func(t *testing.T) {
			c := NewCollector(Settings{Root: dirThatKeeps(t, "a.jpg", picture, tt.at), Sources: Sources{EXIF: true}})
			f := file.File{Path: "a.jpg", Stat: file.Stat{Size: int64(len(picture)), ModTime: filetime.Of(tt.at), Ino: 1}}
			got, err := c.Collect(f, "")
			if err != nil {
				t.Fatal(err)
			}
			if modified := metadatatest.First(got.Facts, FileModified); modified != tt.want {
				t.Errorf("file.modified = %q, want %q", modified, tt.want)
			}
			if said := len(got.Gaps) == 1 && got.Gaps[0].Source == "file"; said != (tt.want == "") {
				t.Errorf("gaps %v", got.Gaps)
			}
			if metadatatest.First(got.Facts, "exif.make") == "" || got.Gone {
				t.Error("what is embedded is not read")
			}
			// Another file of that size is none that is read, nor dated by.
			if err := os.Chtimes(filepath.Join(c.Root, "a.jpg"), time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
			if got, err = c.Collect(f, ""); err != nil || !got.Gone || metadatatest.First(got.Facts, "exif.make") != "" {
				t.Errorf("of another file: %v, error %v", got, err)
			}
			if modified := metadatatest.First(got.Facts, FileModified); strings.HasPrefix(modified, "20") && modified[:10] == time.Now().UTC().Format(time.DateOnly) {
				t.Errorf("file.modified = %s is the other file's", modified)
			}
		})
	}
}
