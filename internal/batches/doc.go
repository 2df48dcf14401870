// Package batches has the files of a folder with batch: all created together. A batch is
// what lies below one top directory of the folder, or, if a manifest lies there, in the
// folder itself; to people it is called a drop. No file of a batch is created before all
// of it is there and mapped.
package batches
