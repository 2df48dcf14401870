package dropfolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Mapped is what a folder's rules make of a file.
type Mapped struct {
	Asset    tenovos.NewAsset
	Problems []Problem // when there are any, nothing may be created
	Fails    bool      // the problems make the file fail; else it is held

	// ContentPath is where the content of a federated asset lies, as a row in a
	// manifest tells.
	ContentPath   string
	SkipTranscode bool

	// Wait is how long after it was found the file waits for what Waits names.
	Wait  time.Duration
	Waits string

	// Row is what the row of a manifest makes of a path that has no file. NoRow says
	// that there is no such row; with neither it is not known, which is a problem.
	Row   journal.Kind
	NoRow bool

	// Unsure holds the ids of attributes whose values rest on what could not be read,
	// "" for the security templates: the file is gone, or a companion is damaged. They
	// change nothing in an asset that exists.
	Unsure map[string]bool
	// Missed are sentences on sidecars that cannot be read: a new asset goes without
	// what they tell.
	Missed []string
	// Damaged says what of the metadata that belong to the file was read in part, or
	// not as it is written; "" for nothing.
	Damaged string
}

// Problem is one reason why a file's metadata cannot be sent.
type Problem struct {
	Message, Hint string
	// Unsure says that it comes of what could not be read, as Mapped.Unsure does.
	Unsure bool
}

// Reason is why a file with Problems is not ingested.
func (m Mapped) Reason() journal.Reason {
	var messages, hints []string
	for _, p := range m.Problems {
		messages = append(messages, p.Message)
		if p.Hint != "" {
			hints = append(hints, p.Hint)
		}
	}
	return journal.Reason{Class: reasons.ClassMetadata, Message: strings.Join(messages, "; "), Hint: strings.Join(hints, " ")}
}

// ErrNoRule says that no rule of the folder matches the file.
var ErrNoRule = errors.New("no rule matches the file")

// LaterError says that an entry cannot be mapped just now, for no reason of its own.
type LaterError struct {
	Err   error
	After time.Duration
}

func (e *LaterError) Error() string { return e.Err.Error() }
func (e *LaterError) Unwrap() error { return e.Err }

// StoredAsset reads back from the journal what the rules made of an entry's file.
func StoredAsset(e journal.Entry) (tenovos.NewAsset, error) {
	var a tenovos.NewAsset
	if err := json.Unmarshal(e.Asset, &a); err != nil {
		return a, fmt.Errorf("read the stored asset of %s: %w", e.Path, err)
	}
	return a, nil
}
