package dropfolder

import (
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Duplicates is a policy for content that was ingested under another path.
type Duplicates string

// The policies.
const (
	DuplicatesUpload Duplicates = "upload" // it becomes an asset of its own
	DuplicatesSkip   Duplicates = "skip"   // it rests as a duplicate
	DuplicatesHold   Duplicates = "hold"   // it is held for the operator
)

// After says what becomes of a file whose content is in.
type After string

// What becomes of it. Only with AfterMove and AfterDelete do files that failed go
// to Folder.Failed.
const (
	AfterKeep   After = "keep" // also ""
	AfterMove   After = "move" // to Folder.Done
	AfterDelete After = "delete"
)

// Keeps reports that files stay where they are.
func (a After) Keeps() bool { return a == "" || a == AfterKeep }

// Empty is a policy for files without a byte. Rows of manifests, which have no file, it
// does not concern.
type Empty string

// The policies.
const (
	EmptyIngest Empty = "ingest" // they are files as any other; also ""
	EmptyHold   Empty = "hold"   // they are held for the operator
	EmptyIgnore Empty = "ignore" // they rest as ignored
)

// Rest is what becomes of a file of so many bytes that the policy keeps out, and why;
// false if it does not.
func (p Empty) Rest(size int64) (journal.Status, journal.Reason, bool) {
	switch {
	case size > 0 || p == EmptyIngest || p == "":
		return "", journal.Reason{}, false
	case p == EmptyIgnore:
		return journal.Ignored, journal.Reason{
			Class: reasons.ClassEmpty, Message: "the file has no bytes, and the folder ignores such files",
			Hint: "Write it again with its content: it is then looked at as a new file.",
		}, true
	}
	return journal.Held, journal.Reason{
		Class: reasons.ClassEmpty, Message: "the file has no bytes: nearly always a copy that broke off",
		Hint: "Copy it again, or delete it. If files without content are wanted, set `empty: ingest` for the folder (or `empty: ignore` to pass them over), run `ingestd reload`, and then `ingestd retry ID`.",
	}, true
}
