package ingest

import (
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// resumes reports whether files of a folder may be gone on with after they looked
// finished (Folder.Resume), and are moved or deleted only when they have been left
// alone for that long. Until then the folder is as one that keeps its files.
func (f Folder) resumes() bool { return f.Resume > 0 && !f.After.keeps() }

// continued reports whether an entry of the path of prev is about the same file, gone
// on with: whatever the folder says of versions, the whole is the next one of the half.
func (f Folder) continued(prev journal.Entry) bool { return f.resumes() && !prev.Taken() }

// leftAlone is until when the file of an entry that rests is left where it is, in case
// that its producer goes on with it. The time counts from when the entry came to rest,
// by our clock, and anew from a change that it outlived, such as a touch.
func (f Folder) leftAlone(e journal.Entry, now time.Time) time.Time {
	if !f.resumes() {
		return time.Time{}
	}
	from := e.Since
	for _, at := range []int64{e.ModTime, e.ChangeTime} {
		if changed := time.Unix(0, at); changed.After(from) && !changed.After(now) {
			from = changed
		}
	}
	return from.Add(f.Resume)
}

// notYetError puts the moving of a file off that is still left alone.
type notYetError struct{ until time.Time }

func (e *notYetError) Error() string {
	return "the file is left alone until " + e.until.Format(time.DateTime)
}
