package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// list prints a line for each asset that a running sandbox holds, given its control URL: filename,
// object id, bytes and MD5 of its content, separated by tabs.
func list(ctx context.Context, control string, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, control+"/state", nil)
	if err != nil {
		return usageError{err}
	}
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		return fmt.Errorf("ask the sandbox what it holds: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var state sandbox.State
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		return fmt.Errorf("read what the sandbox holds (%s): %w", resp.Status, err)
	}
	for _, a := range state.Assets {
		if !a.Deleted {
			if _, err := fmt.Fprintf(out, "%s\t%s\t%d\t%s\n", a.Filename, a.ObjectID, a.ContentSize, a.ContentMD5); err != nil {
				return err
			}
		}
	}
	return nil
}
