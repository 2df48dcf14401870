// Package turns shares the workers out between the drop folders, so that a folder of giants,
// or one whose share hangs, does not have them all.
package turns
