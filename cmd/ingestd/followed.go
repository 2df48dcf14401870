package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/bars"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// followed is the progress of a daemon's work, as its journal tells of it.
type followed struct {
	reader  *journal.Reader
	folders []string
	looked  atomic.Bool // the daemon has looked at the folders

	known  bool
	before int64 // files that rested at the beginning
	rested int64 // files that rest
	left   journal.Backlog
	total  int64 // the most bytes that were left
	paused string
	pace   pace
	files  []bars.File
}

// followShare is askShare of a command that somebody looks at, and that ends.
const followShare = 5

// Look implements bars.Progress.
func (f *followed) Look() (bars.View, time.Duration) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := f.read(ctx, begun); err != nil {
		return f.view(), time.Second // whoever waits for the daemon meets the error
	}
	return f.view(), max(2*lookEvery, followShare*time.Since(begun))
}

// read asks the journal.
func (f *followed) read(ctx context.Context, now time.Time) error {
	left, err := f.reader.Backlog(ctx, f.folders)
	if err != nil {
		return err
	}
	sending, err := journal.OnTheirWay(ctx, f.reader)
	if err != nil {
		return err
	}
	books, err := report.Folders(ctx, f.reader)
	if err != nil {
		return err
	}
	f.rested, f.paused, f.files = 0, "", nil
	for _, b := range books {
		if slices.Contains(f.folders, b.Name) {
			f.rested += int64(b.Seen - b.Settling - b.Queued - b.Uploading)
		}
		if why, everyone := strings.CutPrefix(b.Paused, report.EveryoneWaits); everyone {
			f.paused = why
		}
	}
	if !f.known {
		f.known, f.before = true, f.rested
	}
	f.total = max(f.total, left.Bytes)
	slices.SortStableFunc(sending, func(a, b journal.OnItsWay) int { return cmp.Compare(b.Size, a.Size) })
	for _, s := range sending {
		if slices.Contains(f.folders, s.Folder) {
			f.files = append(f.files, barOf(s.Folder, s.Path, s.Size, s.Sent))
			left.Bytes = max(0, left.Bytes-(s.Sent-s.Stored))
		}
	}
	f.left = left
	if f.paused != "" {
		f.pace = nil
	} else if f.looked.Load() {
		f.pace = f.pace.add(sample{at: now, left: left})
	}
	return nil
}

func (f *followed) view() bars.View {
	if !f.looked.Load() || !f.known {
		return bars.View{Text: []string{"the daemon looks at the folders"}, Files: f.files}
	}
	l := progressLine{walked: true, done: f.rested - f.before, left: f.left, paused: f.paused, pace: f.pace.String()}
	v := bars.View{Text: l.texts(), Files: f.files, Done: f.total - f.left.Bytes, Total: f.total}
	if v.Total == 0 {
		v.Done, v.Total = l.done, l.done+f.left.Files
	}
	return v
}
