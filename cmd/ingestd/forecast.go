package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
	"github.com/tenovos-ingest/ingestd/watcher"
)

var companionWords = map[facts.Kind]string{
	facts.KindXMP: "an XMP sidecar", facts.KindSidecar: "a sidecar", facts.KindManifest: "a manifest",
}

// recallCopy foretells a duplicate: a file is read whole only where one of its size
// is known.
func (o *oracle) recallCopy(ctx context.Context, folder config.Folder, file watcher.File, f *forecast) error {
	if f.Becomes != "asset" || file.Size == 0 || ingest.Duplicates(folder.Duplicates) == ingest.DuplicatesUpload {
		return nil
	}
	e := journal.Entry{ID: 1<<62 - 1, Folder: file.Folder, Path: file.Path, Size: file.Size}
	if has, err := o.reader.HasSameSize(ctx, e); err != nil || !has {
		return err
	}
	src, err := uploader.Open(folder.Path, file.Path)
	if err != nil {
		return fmt.Errorf("look for a copy of %s: %w", file.Path, err)
	}
	defer src.Close()
	if e.SHA256, err = src.SHA256(ctx); err != nil {
		return err
	}
	others, err := o.reader.SameContent(ctx, e)
	if err != nil {
		return err
	}
	for _, other := range others {
		same := bytes.Equal(other.SHA256, e.SHA256)
		if other.SHA256 == nil && other.Attempt != nil && len(other.Attempt.Parts) == 1 {
			sum, err := src.MD5(ctx, 0, file.Size)
			if err != nil {
				return err
			}
			same = bytes.Equal(sum, other.Attempt.Parts[0].MD5)
		}
		if same {
			f.Becomes, f.Why = "duplicate", fmt.Sprintf("%s/%s, entry %d, has the same content", other.Folder, other.Path, other.ID)
			if ingest.Duplicates(folder.Duplicates) == ingest.DuplicatesHold {
				f.Becomes = "held"
			}
			return nil
		}
	}
	return nil
}

func printForecast(out io.Writer, f forecast) {
	fmt.Fprintf(out, "%s/%s: %s", f.Folder, printable(f.Path), f.Becomes)
	if f.Version != "" {
		fmt.Fprintf(out, " of %s", f.Version)
	}
	if f.Why != "" {
		fmt.Fprintf(out, " (%s)", f.Why)
	}
	fmt.Fprintln(out)
	if f.Waits != "" {
		fmt.Fprintf(out, "  waits for %s\n", f.Waits)
	}
	if f.Result == nil {
		return
	}
	fmt.Fprintf(out, "  rule at line %d, template %s, filename %s\n", f.Rule, f.Result.Template, printable(f.Result.Asset.Filename))
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, v := range f.Result.Values {
		printValue(w, "  ", v)
	}
	_ = w.Flush()
	for _, g := range f.Gaps {
		fmt.Fprintf(out, "  ? %s could not be read: %s\n", g.Source, printable(g.Message))
	}
	for _, p := range f.Problems {
		fmt.Fprintf(out, "  ! %s: %s", p.Attribute, p.Message)
		if p.Hint != "" {
			fmt.Fprintf(out, " (%s)", p.Hint)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out)
}

// printValue prints what an attribute gets, which layer gave it, and which did not.
func printValue(w io.Writer, indent string, v mapping.Explained) {
	var from []string
	if v.Source != "" {
		source := v.Source
		if v.Origin != "" {
			source += " (" + v.Origin + ")"
		}
		from = append(from, source)
	}
	for _, list := range []struct {
		label string
		items []string
	}{{"empty", v.Tried}, {"passed over", v.Passed}, {"left out", v.Dropped}} {
		if len(list.items) > 0 {
			from = append(from, list.label+": "+strings.Join(list.items, ", "))
		}
	}
	value := v.Value
	if value == "" {
		value = "-"
	}
	fmt.Fprintf(w, "%s%s\t%s\t%s\n", indent, v.Attribute, printable(value), strings.Join(from, "; "))
	for _, cell := range v.Cells {
		printValue(w, fmt.Sprintf("%s  row %d, ", indent, cell.Row), cell.Explained)
	}
}
