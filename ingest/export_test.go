package ingest

import "github.com/tenovos-ingest/ingestd/journal"

// Hang makes a folder look as if a call to its file system did not return.
func (p *Pipeline) Hang(folder string) { p.mounts[folder].begin(0) }

// Hand takes an entry in hand, as a request or a chore does, and returns how it is let
// go of.
func (p *Pipeline) Hand(e journal.Entry) (release func()) {
	p.take(e)
	return func() { p.release(e.ID) }
}
