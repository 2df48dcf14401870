// Package exif knows the tags of EXIF: what they are called, in the standard and by
// ExifTool, and how their numbers are written. Their values are read from files by
// package embedded; XMP repeats some of them, which package xmp writes alike.
package exif
