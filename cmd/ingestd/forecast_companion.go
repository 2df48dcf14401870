package main

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/journal"
)

var companionWords = map[facts.Kind]string{
	facts.KindXMP: "an XMP sidecar", facts.KindSidecar: "a sidecar", facts.KindManifest: "a manifest",
}

// tellOf adds what there is to tell of a companion: files that it speaks of, and that are
// not there.
func (x *explainer) tellOf(ctx context.Context, f *forecast) error {
	lost, err := x.teller(ctx, f.Folder).Lost(f.Path)
	if lost.Message != "" {
		f.Unmatched = &lost
	}
	return err
}

// teller returns what tells of the companions of a folder.
func (x *explainer) teller(ctx context.Context, folder string) dropfolder.Teller {
	if x.tellers[folder] == nil {
		x.tellers[folder] = x.acct.rules.Companions(folder).Teller(func(dir string, yield func(string)) error {
			if x.reader == nil {
				return nil
			}
			return journal.CompanionReaderOf(x.reader).PathsBelow(ctx, folder, dir, yield)
		})
	}
	return x.tellers[folder]
}
