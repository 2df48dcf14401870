// Package xmp reads XMP, as it is embedded in files and as it lies beside them.
//
// [Parse] makes facts of a sidecar or of a single packet. [Read] and [Emit] are its two
// halves, for a file that holds several packets. What programs write amiss is repaired
// where that can be done, and said. Neither finds packets in a file: package embedded
// does.
package xmp
