package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/journal"
)

// namesake asks Tenovos, where the folder's versions go by filename, whether an
// asset has the name of the one that a file would become.
func (o *oracle) namesake(ctx context.Context, folder config.Folder, f *forecast) error {
	if f.Becomes != "asset" || folder.Versions != "filename" {
		return nil
	}
	filename := f.Result.Asset.Filename
	var known journal.Named
	if o.reader != nil {
		var err error
		if known, err = o.reader.Named(ctx, filename, math.MaxInt64, []string{folder.Name}); err != nil {
			return err
		}
	}
	if first := known.Waits; first != nil {
		f.Becomes, f.Why = "version", fmt.Sprintf("of what becomes of entry %d, which has the same filename", first.ID)
		return nil
	}
	found, err := holdings.Namesakes(ctx, o.acct.client, filename, known.Originals, "")
	switch {
	case errors.Is(err, holdings.ErrInconclusive):
		f.Becomes, f.Why = "held", err.Error()
	case err != nil:
		return err
	case len(found) == 1:
		f.Becomes, f.Version, f.Why = "version", found[0].OriginalFileID, "that asset has the same filename"
	case len(found) > 1:
		ids := make([]string, len(found))
		for i, a := range found {
			ids[i] = a.ObjectID
		}
		f.Becomes, f.Why = "held", "several assets have the same filename: "+strings.Join(ids, ", ")
	}
	return nil
}
