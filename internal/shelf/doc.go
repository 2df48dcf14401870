// Package shelf moves files about beneath a drop folder: out of it, aside, to a free
// numbered name, and back. It follows no link and overwrites nothing, makes directories
// that look like the drop folder, and puts a text beside a file that failed.
//
// It knows files and no journal. What leaves a folder goes by a Departure, which has its
// intent recorded by a callback before it does anything.
package shelf
