package watcher

// note is one thing that a folder tells of the files that it has not emitted yet, and of
// its scans, to whoever counts them (drops.go). The folder itself does not need to know
// who that is, or whether there is anybody.
type note struct {
	what       noteKind
	rel        string           // the file, of the first four
	scan       uint64           // number of the scan, of noteUnready and noteScanned
	unreadable map[string]error // what it could not read, of noteScanned; not to be kept
}

// noteKind says what a note is about.
type noteKind int

const (
	noteSettling  noteKind = iota // a file began to settle
	noteSettled                   // it was emitted, or is none any more
	noteUnready                   // a scan, or an event since, met a file without its Ready sentinel
	noteReady                     // the file has its sentinel, or is gone
	noteReading                   // there are directories to read
	noteRead                      // there are none, for now
	noteScanned                   // a scan has ended
	noteForgotten                 // all that was known is void: the folder is read anew
)

// notes takes them, one call at a time, and must not wait for anything. Nil: nobody asks.
type notes func(note)

func (to notes) tell(n note) {
	if to != nil {
		to(n)
	}
}
