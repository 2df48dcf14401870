package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// dryRun walks the folders and says what would become of each file, and of each row
// of a manifest that needs none, and then what that is together.
func (b *backfill) dryRun(ctx context.Context) error {
	acct, err := connectPatiently(ctx, b.cfg, nil, b.log, func(error) {})
	if err != nil {
		return err
	}
	x, err := newExplainer(ctx, b.cfg, acct)
	if err != nil {
		return err
	}
	defer x.close()
	var mu sync.Mutex
	var all forecasts
	show := func(f forecast) error {
		all.add(f)
		if b.options.asJSON {
			return json.NewEncoder(b.out).Encode(f)
		}
		printForecast(b.out, f)
		return nil
	}
	w, err := watcher.New(watchedFolders(b.folders), watcher.Options{Log: b.log, Emit: func(ctx context.Context, files []file.File) error {
		mu.Lock()
		defer mu.Unlock()
		for _, file := range files {
			f, err := x.file(ctx, file)
			if err == nil {
				err = show(f)
			}
			if err == nil {
				err = x.rows(ctx, file, show)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return err
	}
	walked := w.Walk(ctx)
	if err := all.print(b.out, b.options.asJSON); err != nil {
		return err
	}
	if walked != nil {
		return walked
	}
	if all.left > 0 {
		return errWouldNot
	}
	return nil
}

// forecasts counts what would become of files. Its zero value is none.
type forecasts struct {
	by     map[string]becoming
	why    report.Groups // of those that would not be ingested
	left   int           // that would be held or fail
	number int64
}

// becoming counts files that would become the same.
type becoming struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (s *forecasts) add(f forecast) {
	if s.by == nil {
		s.by = make(map[string]becoming)
	}
	size := max(f.Size, 0)
	n := s.by[f.Becomes]
	s.by[f.Becomes] = becoming{n.Files + 1, n.Bytes + size}
	if !f.ingests() {
		s.left++
	}
	switch f.Becomes {
	case "held", "failed", "ignored":
		s.number++
		e := report.Entry{ID: s.number, Folder: f.Folder, Path: f.Path, Status: f.Becomes, Reason: f.Why, Size: size}
		if len(f.Problems) > 0 {
			e.Hint = f.Problems[0].Hint
		}
		s.why.Add(e)
	}
}

// forecastSum is the last document of a dry run for programs.
type forecastSum struct {
	Files   int                 `json:"files"`
	Bytes   int64               `json:"bytes"`
	Becomes map[string]becoming `json:"becomes"`
	Reasons []forecastReason    `json:"reasons"`
}

// forecastReason is why files would not be ingested.
type forecastReason struct {
	Becomes  string   `json:"becomes"`
	Reason   string   `json:"reason"`
	Hint     string   `json:"hint"`
	Files    int      `json:"files"`
	Bytes    int64    `json:"bytes"`
	Examples []string `json:"examples"` // folder and path of the first
}

func (s *forecasts) sum() forecastSum {
	out := forecastSum{Becomes: s.by, Reasons: []forecastReason{}}
	if out.Becomes == nil {
		out.Becomes = map[string]becoming{}
	}
	for _, n := range s.by {
		out.Files += n.Files
		out.Bytes += n.Bytes
	}
	for _, g := range s.why.All() {
		r := forecastReason{Becomes: g.Status, Reason: g.Reason, Hint: g.Hint, Files: g.Count, Bytes: g.Bytes}
		for _, e := range g.Examples {
			r.Examples = append(r.Examples, e.Folder+"/"+e.Path)
		}
		out.Reasons = append(out.Reasons, r)
	}
	return out
}

// print writes the sums: how many files and bytes, what they would become, and why files
// would be left.
func (s *forecasts) print(out io.Writer, asJSON bool) error {
	sum := s.sum()
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]forecastSum{"sum": sum})
	}
	fmt.Fprintf(out, "files: %s, %s; they would become:\n", humanize.Comma(int64(sum.Files)), humanize.IBytes(uint64(sum.Bytes)))
	kinds := make([]string, 0, len(sum.Becomes))
	for kind := range sum.Becomes {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		return cmp.Or(cmp.Compare(sum.Becomes[b].Files, sum.Becomes[a].Files), cmp.Compare(a, b))
	})
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, kind := range kinds {
		fmt.Fprintf(w, "  %d\t%s\t%s\n", sum.Becomes[kind].Files, kind, humanize.IBytes(uint64(sum.Becomes[kind].Bytes)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range sum.Reasons {
		fmt.Fprintf(out, "%d %s: %s (%s)\n", r.Files, r.Becomes, display.Text(r.Reason), namesOrMore(r.Examples, r.Files))
		if r.Hint != "" {
			fmt.Fprintf(out, "    try: %s\n", display.Text(r.Hint))
		}
	}
	return nil
}
