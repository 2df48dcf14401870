package intake

import (
	"bytes"
	"context"
	"errors"

	"github.com/tenovos-ingest/ingestd/internal/content"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/journal"
)

// original finds the entry of another path that holds e's content, or will once
// it is ingested. The file is hashed only where its size is known already.
func (in *Intake) original(ctx context.Context, e journal.Entry, have *content.Content) (journal.Entry, bool, error) {
	none := journal.Entry{}
	has, err := in.Journal.HasSameSize(ctx, e)
	if err != nil || !has {
		return none, false, err
	}
	sum, err := have.SHA256(ctx)
	if err != nil {
		return none, false, err
	}
	if !bytes.Equal(e.SHA256, sum) { // another's look may have hashed it already
		if err := in.Learn(ctx, e.ID, journal.Learned{SHA256: sum}); err != nil {
			return none, false, err
		}
		e.SHA256 = sum
	}
	others, err := in.Journal.SameContent(ctx, e)
	if err != nil {
		return none, false, err
	}
	for _, o := range others {
		if _, ours := in.folders[o.Folder]; !ours && o.Status != journal.Filed {
			continue // nobody would move it on
		}
		same, err := in.holdsContentOf(ctx, e.ID, o, have)
		if same || err != nil {
			return o, same, err
		}
	}
	return none, false, nil
}

// holdsContentOf compares the file of an entry, id, with another entry's content:
// with what was sent, or with the file itself where not all of it was.
func (in *Intake) holdsContentOf(ctx context.Context, id int64, o journal.Entry, have *content.Content) (bool, error) {
	if len(o.SHA256) > 0 || content.SentWhole(o) {
		return have.Same(ctx, o)
	}
	if _, ours := in.folders[o.Folder]; !ours {
		return false, nil
	}
	src, err := stage.Open(in.Mounts, id, o)
	if errors.Is(err, file.ErrLocked) {
		return false, err // it may be
	}
	if err != nil {
		return false, nil //nolint:nilerr // a file that cannot be read is not the original of anything
	}
	defer src.Close()
	if !o.Alike(src.Hint()) {
		return false, nil
	}
	if o.SHA256, err = src.SHA256(ctx); errors.Is(err, file.ErrLocked) {
		return false, err
	} else if err != nil {
		return false, nil //nolint:nilerr // as above; the end of ctx shows in the comparison below
	}
	if err := in.Learn(ctx, o.ID, journal.Learned{SHA256: o.SHA256}); err != nil {
		return false, err
	}
	return have.Same(ctx, o)
}
