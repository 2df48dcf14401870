// Package removal takes versions of ours out of Tenovos without losing anybody else's: what
// a delete takes along to the recycle bin is brought back, by a duty that the journal keeps
// from before the delete until everything is there that is to be.
package removal
