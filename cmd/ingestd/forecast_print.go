package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/tenovos-ingest/ingestd/internal/mapping"
)

// jsonList writes an array, each element as it comes.
type jsonList struct {
	out io.Writer
	n   int
}

func (l *jsonList) add(v any) error {
	text, err := json.MarshalIndent(v, "  ", "  ")
	if err != nil {
		return err
	}
	before := ",\n  "
	if l.n == 0 {
		before = "[\n  "
	}
	l.n++
	_, err = fmt.Fprintf(l.out, "%s%s", before, text)
	return err
}

func (l *jsonList) end() error {
	after := "\n]"
	if l.n == 0 {
		after = "[]"
	}
	_, err := fmt.Fprintln(l.out, after)
	return err
}

func printForecast(to io.Writer, f forecast) {
	out := bufio.NewWriter(to) // a call of the system for a file, not for each cell
	defer out.Flush()
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
	if f.Unmatched != nil {
		fmt.Fprintf(out, "  ! %s\n", escaped(f.Unmatched.Message))
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
