// Package metadata is the vocabulary of those that read metadata: a [Fact] is one thing
// known of a file, [Facts] holds all of them by the [Key] of their names, and a [Gap]
// says that a source could not be read.
//
// [Bounded] gathers facts within the bounds of what is kept of a file, [Columns] makes
// lists of what the elements of an array have in common. Every text that becomes a fact
// goes through [Clean], [OneLine] or [Lines] first: it is valid UTF-8 in normal form C
// without control characters but line feeds, so that a name written by a Mac compares
// equal to the same name in a vocabulary.
package metadata
