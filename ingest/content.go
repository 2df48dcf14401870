package ingest

import (
	"bytes"
	"context"

	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// sameContent compares an open file with what an earlier entry sent: by its
// SHA-256 where that is known, else by the MD5 of each part. Without either it
// answers false: to send the same bytes again is a smaller harm than to take new
// ones for old.
func sameContent(ctx context.Context, src *uploader.Source, prev journal.Entry) (bool, error) {
	if prev.Size != src.Hint().Size {
		return false, nil
	}
	if len(prev.SHA256) > 0 {
		sum, err := src.SHA256(ctx)
		return bytes.Equal(sum, prev.SHA256), err
	}
	if prev.Attempt == nil {
		return false, nil
	}
	for _, part := range prev.Attempt.Parts {
		same, err := samePart(ctx, src, part)
		if !same || err != nil {
			return false, err
		}
	}
	return len(prev.Attempt.Parts) > 0, nil
}

// samePart reports whether the file still holds the bytes that were sent as part.
func samePart(ctx context.Context, src *uploader.Source, part journal.Part) (bool, error) {
	if len(part.MD5) == 0 {
		return false, nil
	}
	sum, err := src.MD5(ctx, part.Offset, part.Size)
	return bytes.Equal(sum, part.MD5), err
}
