// Package telling tells people who drop files what became of those that are held or failed,
// without that they ask: by a note beside the file, in words for somebody who knows nothing
// of this program. What a note says follows from its entry alone (Words). Which notes are
// due is in the journal, with the commit that moved the entry; Teller writes them, removes
// them when they are no longer true, and can be cut off anywhere: it goes on from what it
// finds. It is called by one goroutine for each folder.
package telling
