// Package embedded reads what files say of themselves: EXIF, IPTC and XMP in whatever
// container they lie, and what pictures, videos, PDF and office documents tell in the
// manner of their format.
//
// [Read] is given a reader and what is wanted, and returns facts and gaps: what cannot be
// read is a [metadata.Gap], not an error. What it reads of a file is bounded in calls,
// bytes and memory, see source. Each format has a file of its own: a container leads to
// blocks (jpeg.go, png.go, tiff.go, heif.go, ...), the blocks are told by exif.go, iptc.go
// and package xmp, and a formatReader tells the rest (image.go, video.go, pdf_info.go,
// office.go, png_text.go).
package embedded
