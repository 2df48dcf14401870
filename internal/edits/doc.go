// Package edits corrects the metadata of assets that exist: what the rules find by now
// is compared with what was sent last, and what differs is sent, many assets with one
// change as one bulk edit. An edit is open in the journal until its asset holds what it
// should, or cannot; a folder's edits are worked on by one goroutine at a time.
package edits
