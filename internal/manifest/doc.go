// Package manifest reads the manifests of a drop folder: CSV files whose rows tell facts
// of many files.
//
// [Parse] makes a [Manifest] of a table, which finds the [Row] of a file. A [Folder]
// finds the rows of the nearest manifest of a path ([Folder.Nearest]), the rows that are
// to be assets although no file is there ([Folder.Virtual]), and those that no file has
// ([Folder.Unmatched]). A [File] is a manifest that is read when it is needed, by one for
// all who wait; a [Cache] bounds what the manifests of all folders take of memory
// together.
//
// Which files of a directory are manifests is told by the [Directories] of a Folder.
package manifest
