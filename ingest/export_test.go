package ingest

// Hang makes a folder look as if a call to its file system did not return.
func (p *Pipeline) Hang(folder string) { p.mounts[folder].begin(0) }
