package facts

import (
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filetime"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// trueTime returns the file with the time at which it was modified. It lies at a
// path by now. What keeps a file's time in nanoseconds holds but the nearest of one before
// 1677 or after 2262: the file itself is asked, unless it is another one by now. A
// year that has not four digits has no written form. What is not known is zero,
// with a gap.
func (f File) trueTime(root *file.Root, at string) (File, []metadata.Gap) {
	stored := filetime.Of(f.ModTime)
	if _, known := filetime.Time(stored); !known && !f.ModTime.IsZero() {
		info, err := root.Lstat(at)
		if err != nil || info.Size() != f.Size || filetime.Of(info.ModTime()) != stored {
			f.ModTime = time.Time{}
			return f, []metadata.Gap{{Source: "file", Message: "The file's modification time lies before 1677 or after 2262, and is not known now that the file is not there."}}
		}
		f.ModTime = info.ModTime().In(f.ModTime.Location())
	}
	if year := f.ModTime.Year(); year < 0 || year > 9999 {
		f.ModTime = time.Time{}
		return f, []metadata.Gap{{Source: "file", Message: fmt.Sprintf("The file's modification time is in the year %d, which no date can be written of.", year)}}
	}
	return f, nil
}
