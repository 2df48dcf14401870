package ingest

import "time"

// notYetError puts the moving of a file off that is still left alone, or sought.
type notYetError struct{ until time.Time }

func (e *notYetError) Error() string {
	return "the file is left alone until " + e.until.Format(time.DateTime)
}
