// Package content compares a file with what was sent of it, or of another, by hashes that
// are computed when they are asked for.
package content
