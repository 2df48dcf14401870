package dropfolder

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Companions are how a folder tells the files that only speak of others.
type Companions interface {
	// About returns what a companion speaks of; false for any other file.
	About(path string) (journal.Concern, bool)
	// Stray reports that a companion speaks of a file that is not there, so that it is
	// none unless there ever was one.
	Stray(path string) (s Stray, ok bool)
	// Beside returns where the companions of a single file may lie.
	Beside(path string) []Beside
	// Rows calls each with the rows of a manifest that become assets without files, batch
	// by batch, and what is wrong with it. The error is ErrTooManyRows, that of each, or
	// about trouble that may pass.
	Rows(path string, each func([]FilelessRow) error) error
	// Teller returns what finds companions that speak of files which are not there; were
	// names those that are, or were, below a directory.
	Teller(were func(dir string, yield func(path string)) error) Teller
	// Forget is told of a companion that changed, before anything is mapped anew.
	Forget(path string)
}

// Stray is what has the name of a companion of a file that is not there.
type Stray struct {
	Of     string // the file
	Wanted bool   // it counts as a file of its own in its folder
}

// Beside is where a companion of a single file may lie.
type Beside struct {
	Path string
	// Stem says that it has the file's name without its extension, as others may;
	// Alone that it is for this file only all the same.
	Stem, Alone bool
}

// FilelessRow is a row of a manifest that becomes an asset although there is no
// file.
type FilelessRow struct {
	Path        string // where the file would be, below the folder
	ContentPath string // where the content of a federated asset lies; "" for a placeholder
	Err         error  // why it, or the whole manifest, cannot become one
}

// ErrTooManyRows says that a manifest would make more assets without files than one may,
// so that it makes none.
var ErrTooManyRows = errors.New("too many rows without files")

// Teller finds companions that speak of files which are not there, in the order of
// their paths.
type Teller interface {
	// Lost returns what there is to tell of a companion; without a Message nothing. The
	// error is about trouble that may pass.
	Lost(path string) (journal.Unmatched, error)
}

// SignOf tells what a row makes of its path from anything else that it could make;
// the entry has it for its modification time.
func SignOf(kind journal.Kind, contentPath string) int64 {
	sum := sha256.Sum256([]byte(string(kind) + " " + contentPath))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// FoldName is the form in which the names of files and of their sidecars are compared.
func FoldName(name string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(name)))
}
