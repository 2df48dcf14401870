// Package watcher turns activity below drop folders, or one walk of them, into
// settled files: files that nobody is writing any more. It knows nothing of
// what becomes of them.
//
// # One rule
//
// Every file passes the same gates, whether an event, a scan or a one-shot walk
// found it, unless the receiver says that it knows the file as it is. A scan asks
// that first: for it no known file settles again. Then size, both times and inode
// must have held still for the folder's settle time (settle.go); a ctime that is
// already older proves that at once where it is of our own clock, so an archive of a
// million old files is walked as fast as it can be read. On a share it proves nothing,
// because the server's clock may be hours behind or be set while we look: there a file
// is seen holding still, in looks that the server is asked for, and what was old when
// the folder was first read only costs a second look. And the file must be finished (finished.go):
// the kernel is asked with a read lease, never held, whether a writer has the file
// open (lease.go). Where the kernel cannot tell, on shares and for files of others
// without CAP_LEASE, the file must hold still for longer, and its first and last
// bytes must not change meanwhile. Last, the file must not be empty, and nothing may
// lie beside it that tells of a transfer under way (arriving.go, transfers.go): then it
// is a placeholder, whose writer comes back. Both waits are bounded. A sentinel that
// the producer agreed to make stands for the quiet times and for these (ready.go),
// not for the lease.
//
// # Never blind
//
// Events are hints that make things fast; the scan is what makes them true. A
// directory is watched first and read afterwards, so that nothing falls between.
// Lost events, a renamed or recreated root and a moved directory all end in a scan
// of the whole folder that also renews every watch, and each folder is scanned
// again from time to time in any case. What the kernel's watch limit leaves
// without a watch is polled, and only that (polled.go). Shares are polled, also
// those mounted below a local root, because what others change there causes no
// event here, and so are file systems that are not known to this program. The price
// is that a file may be emitted more than once; the receiver compares it with what it
// knows.
//
// # The parts of a folder
//
// A folder (folder.go) is one loop: mail, what is due, one directory. What it knows lies
// in parts that share a base (base.go): how far it is read (scans.go), what is polled
// (polled.go), which files hold still (settle.go), the gates that they pass
// (finished.go), what they wait for (arriving.go), what cannot be read (troubles.go) and
// who waits for a scan (waiters.go). What others count of it, it tells in notes
// (notes.go), and does not know to whom.
//
// # Goroutines
//
// All folders share one inotify instance, but for those that ask for events
// whatever their file system is. One goroutine reads its events, one its errors;
// both only ever hand over to a folder's bounded inbox, so that the kernel's queue
// is always drained. Each folder has one goroutine of its own, which makes every
// file system call for it: a share that hangs stops its own folder and no other,
// and a watchdog says so (hang.go).
package watcher
