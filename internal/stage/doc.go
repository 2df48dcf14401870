// Package stage is what the stages of an entry's life have in common: the entry that one
// worker has in hand, the moves that end a stage, and the errors that are answered in a way
// of their own. A stage decides, and records nothing but what it learned.
package stage
