package facts

import (
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filetime"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// modifiedAt returns when a file was modified, in local time. It lies at a path by now.
// What keeps a file's time in nanoseconds holds but the nearest of one before 1677 or
// after 2262: the file itself is asked, unless it is another one by now. A year that has
// not four digits has no written form. What is not known is zero, with a gap, but for a
// file that was never looked at.
func modifiedAt(root *file.Root, f file.File, at string) (time.Time, []metadata.Gap) {
	if f.Ino == 0 {
		return time.Time{}, nil
	}
	modified, known := filetime.Time(f.ModTime)
	if !known {
		info, err := root.Lstat(at)
		if err != nil || info.Size() != f.Size || filetime.Of(info.ModTime()) != f.ModTime {
			return time.Time{}, []metadata.Gap{{Source: "file", Message: "The file's modification time lies before 1677 or after 2262, and is not known now that the file is not there."}}
		}
		modified = info.ModTime()
	}
	if year := modified.Year(); year < 0 || year > 9999 {
		return time.Time{}, []metadata.Gap{{Source: "file", Message: fmt.Sprintf("The file's modification time is in the year %d, which no date can be written of.", year)}}
	}
	return modified, nil
}
