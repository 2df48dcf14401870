// Package dropdone tells when a drop is done: when every file below one directory of a drop
// folder is at rest, and nothing there is still arriving.
//
// What it knows comes from the journal's events, and what it tells becomes one of them, so that
// a process that ends at any moment tells each drop once: the next one reads again from the
// first event of a drop that was not told of, and sees there what was.
//
// It is one goroutine, which sleeps while there is no event, and no drop that may be done.
package dropdone
