package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

func (d *Desk) verify(ctx context.Context, e journal.Entry, _ Selection) (Outcome, error) {
	return d.Verify(ctx, e)
}

// Verify asks Tenovos about what was ingested. It changes nothing.
func (d *Desk) Verify(ctx context.Context, e journal.Entry) (Outcome, error) {
	if e.FileID == "" {
		return Outcome{Result: "skipped", Detail: "it is " + string(e.Status) + " and has no asset"}, nil
	}
	a, err := d.API.Asset(ctx, e.FileID)
	switch {
	case errors.Is(err, tenovos.ErrNotFound):
		return Outcome{Result: "missing", Detail: fmt.Sprintf("Tenovos has no asset %s, or this account may not see it", e.ObjectID)}, nil
	case err != nil:
		return Outcome{}, fmt.Errorf("look at asset %s: %w", e.ObjectID, err)
	case a.Deleted():
		return Outcome{Result: "missing", Detail: fmt.Sprintf("asset %s is in the recycle bin", e.ObjectID)}, nil
	case e.Kind != journal.File:
		return Outcome{Result: "ok", Detail: "it is " + string(e.Kind) + ": no content was handed over"}, nil
	case !a.HasContent:
		return Outcome{Result: "wrong", Detail: fmt.Sprintf("asset %s shows no content (yet)", e.ObjectID)}, nil
	case a.MD5 == "":
		return Outcome{Result: "ok", Detail: "content is there; Tenovos names no checksum"}, nil
	}
	prev, ok, err := d.Reader.LastAttempt(ctx, e)
	if err != nil {
		return Outcome{}, err
	}
	if !ok { // adopted: its checksum was compared then
		prev = e
	}
	same, unknown, err := d.Files.SameChecksum(ctx, prev, a.MD5)
	if err != nil {
		return Outcome{}, err
	}
	if unknown != "" {
		return Outcome{Result: "ok", Detail: "content is there; " + unknown}, nil
	}
	if !same {
		return Outcome{Result: "wrong", Detail: reasons.Mismatch(e, a.MD5).Message}, nil
	}
	return Outcome{Result: "ok", Detail: "MD5 " + strings.ToLower(a.MD5)}, nil
}
