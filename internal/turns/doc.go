// Package turns shares the workers out between the drop folders, so that a folder of giants,
// or one whose share hangs, does not have them all. A folder outside of its hours has only what was
// begun before.
package turns
