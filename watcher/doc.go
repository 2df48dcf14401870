// Package watcher turns activity below drop folders, or one walk of them, into
// settled files: files that nobody is writing any more. It knows nothing of
// what becomes of them.
//
// # One rule
//
// Every file passes the same gate, whether an event, a scan or a one-shot walk
// found it: size, both times and inode must have held still for the folder's
// settle time (settle.go). A ctime that is already older proves that at once,
// so an archive of a million old files is emitted as fast as it is walked.
//
// # Never blind
//
// Events are hints that make things fast; the scan is what makes them true.
// A directory is watched first and read afterwards, so that nothing falls
// between. Lost events, a renamed or recreated root, a moved directory and the
// kernel's watch limit all end in a scan of the whole folder that also renews
// every watch, and each folder is scanned again from time to time in any case.
// The price is that a file may be emitted more than once; the receiver
// compares it with what it knows.
//
// # Goroutines
//
// All folders share one inotify instance. One goroutine reads its events, one
// its errors; both only ever hand over to a folder's bounded inbox, so that
// the kernel's queue is always drained. Each folder has one goroutine of its
// own, which makes every file system call for it: a share that hangs stops its
// own folder and no other.
package watcher
