// Package proof finds out whether Tenovos holds the bytes of a file, which is asked before
// the file is moved out of its drop folder or deleted.
package proof
