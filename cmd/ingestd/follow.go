package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// follow asks the daemon that owns the journal to look at the folders, and waits
// until nothing of them is left to do.
func (b *backfill) follow(ctx context.Context, begun time.Time) error {
	r, err := readJournal(ctx, b.cfg)
	if err != nil {
		return err
	}
	defer r.Close()
	names := b.names()
	fmt.Fprintln(b.err, "a daemon owns the journal: asking it to look at the folders, and following it")
	p := &followed{reader: r, folders: names}
	stop := func() {}
	if t := barsOf(b.err); t != nil {
		stop = t.Show(p, nil)
		defer stop()
	}
	a := asker{path: b.cfg.Journal, reader: r, within: b.options.timeout, err: b.err}
	raw, err := a.ask(ctx, requestBackfill, backfillArgs{Folders: names})
	if err != nil {
		return err
	}
	var looked backfillAnswer
	if err := json.Unmarshal(raw, &looked); err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	p.looked.Store(true)
	if err := b.untilFinished(ctx, a, names); err != nil {
		return err
	}
	if err := untilTold(ctx, r, names); err != nil {
		return err
	}
	stop()
	s, err := filedSince(ctx, r, names, begun)
	if err != nil {
		return err
	}
	s.Seen = looked.Seen
	err = b.finish(ctx, r, s, begun)
	if err == nil && len(looked.Left) > 0 {
		err = errNotIngested
	}
	if len(looked.Left) > 0 {
		err = errors.Join(errors.New(strings.Join(looked.Left, "\n")), err)
	}
	return err
}

// followEvery is how often a followed daemon's journal is looked at.
const followEvery = 500 * time.Millisecond

// untilFinished waits until the daemon has nothing left to do in the folders. It says
// what the daemon waits for, and gives up where it shows no sign of life.
func (b *backfill) untilFinished(ctx context.Context, a asker, folders []string) error {
	said := ""
	for alive := time.Now(); ; {
		n, err := a.reader.Unfinished(ctx, folders)
		if err != nil || n == 0 {
			return err
		}
		owned, err := journal.Owned(b.cfg.Journal)
		if err != nil {
			return err
		}
		if !owned {
			return fmt.Errorf("the daemon stopped with %d files left to do; start it again, or run the backfill without it", n)
		}
		why, err := waitsFor(ctx, a.reader, folders)
		if err != nil {
			return err
		}
		if why != said && why != "" {
			fmt.Fprintln(b.err, display.Text(why))
		}
		said = why
		if time.Since(alive) >= a.within {
			if _, err := a.ask(ctx, desk.RequestPing, struct{}{}); err != nil {
				return err
			}
			alive = time.Now()
		}
		select {
		case <-time.After(followEvery):
		case <-ctx.Done():
			return errors.New("stopped following; the daemon goes on")
		}
	}
}

// waitsFor returns why no folder is worked at, or which of those that are followed wait for
// their hours; "" where neither is so.
func waitsFor(ctx context.Context, r *journal.Reader, followed []string) (string, error) {
	folders, err := report.Folders(ctx, r)
	var hours []string
	for _, f := range folders {
		if strings.HasPrefix(f.Paused, report.EveryoneWaits) {
			return f.Paused, nil
		}
		if f.Hours != "" && slices.Contains(followed, f.Name) {
			hours = append(hours, "folder "+f.Name+" "+f.Hours)
		}
	}
	return strings.Join(hours, "; "), err
}

// toldWithin is how long the daemon may take to say which companions are without a file:
// it waits until the folders are quiet.
const toldWithin = 10 * time.Second

func untilTold(ctx context.Context, r *journal.Reader, folders []string) error {
	for begun := time.Now(); time.Since(begun) < toldWithin; {
		n, err := journal.CompanionReaderOf(r).CountUnchecked(ctx, folders)
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-time.After(followEvery):
		case <-ctx.Done():
			return errors.New("stopped following; the daemon goes on")
		}
	}
	return nil
}

// filedSince adds up what came to its end as an asset since a time.
func filedSince(ctx context.Context, r *journal.Reader, folders []string, begun time.Time) (summary, error) {
	var s summary
	f := journal.Filter{Folders: folders, Statuses: []journal.Status{journal.Filed}}
	err := r.Entries(ctx, f, func(e journal.Entry) error {
		if e.Since.Before(begun.Truncate(time.Millisecond)) { // the journal's precision
			return nil
		}
		s.Ingested++
		s.Bytes += e.Size
		if e.OriginalFileID != e.FileID {
			s.Versions++
		}
		return nil
	})
	return s, err
}
