// Package journal is the durable truth about every file and, at the same time,
// the queue of what is to be done. It is the only package with SQL and the
// owner of Status and its legal moves.
//
// # What it holds
//
// An Entry is one generation of one path: the content that was found there at
// one time. It has attempts (each one creation of an asset, with its presigned
// URLs), an attempt has parts. Chores are clean-up work that outlives an
// entry's status, requests are what an operator asks of a running daemon.
//
// # Rules
//
//   - A worker moves an entry from one status to another by Journal.Advance alone, which
//     checks the table of Moves; so do Vanished, which supersedes entries whose files are
//     gone, and the cancel of many at once (cancel.go). Admit sets an earlier generation aside when it records its successor.
//     What else moves entries names in its SQL the statuses that it moves: Touch has a
//     mapped entry settle again, new rules and companions send entries round again
//     (rules.go, companions.go, fileless.go), and a folder that takes over the history of
//     another supersedes what it has itself (takeover.go). A row changes only if it still
//     has the status that was seen, so no two workers can move one entry at once.
//   - Each exported method that writes is one transaction: when it returns nil
//     the facts are on disk (WAL, synchronous=FULL), when it returns an error
//     nothing has changed.
//   - What does not rest has a row in the table work, which is the queue, and nothing
//     else has: what is done to it costs the same however many files were ever seen.
//     Whatever changes what is copied there from an entry changes it, too (work.go).
//   - Whatever moves an entry into a rest, or out of one, writes the event of it in the
//     same transaction (events.go): by Move.tell, or by the statement leaving before an
//     UPDATE of many. That a note is due, which hangs on reasons as well, a trigger sees to
//     (migrations/0005_notes.sql).
//   - Times are stored in milliseconds, hint times in nanoseconds. The zero
//     time means none.
//   - Presigned URLs are stored only while their attempt is open, in a BLOB
//     column; the file has mode 0600 and deleted content is overwritten.
//
// # Writing and reading
//
// One goroutine owns the connection that writes (writer.go). It runs what waits for it,
// each piece under a savepoint, and commits it together; a piece that fails is undone
// alone, and a commit that fails is everyone's error. Each connection, that one and
// those of the readers, parses each text of SQL once (session.go). What only SQLite says,
// or says in its own way, stands in dialect.go.
//
// # Processes
//
// Open takes a lock file beside the database, so one process owns the journal.
// Any other process may read (OpenReader) and ask (Ask) meanwhile; neither ever
// changes a status. Who asks rings: the owner is told by the times of the lock file
// (Listen), and need not look for requests.
//
// Within the owner, each commit says what it is about, and Notify wakes who waits for
// that, so that nobody asks the journal again and again whether there is something to do.
//
// All methods may be called from several goroutines.
package journal
