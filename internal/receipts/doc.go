// Package receipts keeps a list in a drop folder of what became of each file: ingestd-receipt.csv,
// for whoever delivers there and for their spreadsheet.
//
// A Receipt takes the journal's events from a follow.Follower and adds a row for each file that
// came to rest. What it cannot write, because somebody has the list open, the disk is full or the
// share is away, it is given again; nothing else waits for that. A row is written once: after a
// crash the end of the list tells which of the rows it has already.
//
// The list belongs to people. One that was deleted is begun anew, one that was changed is added
// to as it is.
package receipts
