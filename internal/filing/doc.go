// Package filing moves files out of drop folders that do not keep theirs, after their
// entries rest or their content was verified, and gives files back that were on their way
// out.
//
// The Filer moves the file of one entry. Leftovers remembers files that still lie where
// they were found though they should have been moved, and Strays those that scans find
// under the hidden name of a move that was cut off. Where a file goes is in the journal
// before anything is done; how it goes there, package shelf knows.
package filing
