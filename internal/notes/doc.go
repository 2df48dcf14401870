// Package notes knows the texts that this program leaves beside the files of people: one
// beside a file that is held, and one beside a file that failed. It gives them their form,
// and tells them from all other files again, by their names and by their first line, so
// that none is ever ingested, and whether somebody has changed one since. It touches no
// file and knows no reason.
package notes
