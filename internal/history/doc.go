// Package history tells what happened to a file, event after event, of what the journal
// keeps: for the command and the page alike. It only reads.
//
// Find looks for the entries that people mean by a path, a name or an id; Of composes the
// events of one of them.
package history
