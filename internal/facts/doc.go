// Package facts gathers what can be known of a file before it becomes an asset:
// each fact under the name that a rule's `from` uses, with its values and where
// it came from.
//
// The sources of this version are the levels of a file's path (path.LEVEL, named
// by a [Levels] pattern) and the file itself (file.name, file.size, ...). The
// package knows nothing of rules, accounts or the journal; it is pure, and every
// text it returns is valid UTF-8 in normal form C without control characters, so
// that a name written by a Mac compares equal to the same name in a vocabulary.
package facts
