package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/bars"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// deeds are what a daemon did since it began, with all its configurations.
type deeds struct {
	since time.Time
	stats ingest.Stats // of the engines that have ended
}

// with adds what an engine did.
func (d deeds) with(s ingest.Stats) deeds {
	d.stats.Adopted += s.Adopted
	d.stats.Rested += s.Rested
	d.stats.Ingested += s.Ingested
	d.stats.Versions += s.Versions
	d.stats.Bytes += s.Bytes
	return d
}

// showBars shows on a terminal what the engine does, and that it does nothing, until stop is
// called. did is what others did before it.
func (e *engine) showBars(stderr io.Writer, did deeds) (stop func()) {
	t := barsOf(stderr)
	if t == nil {
		return func() {}
	}
	folders := make([]string, 0, len(e.walked))
	for name := range e.walked {
		folders = append(folders, name)
	}
	changed := make(chan struct{}, 1)
	e.journal.Notify(changed, journal.AboutEntries, journal.AboutFolders)
	end := t.Show(&atWork{
		progress: progress{engine: e, folders: folders, walked: func() bool { return true }},
		did:      did,
	}, changed)
	return func() {
		end()
		e.journal.Notify(changed, journal.AboutNothing)
	}
}

// atWork is the progress of a daemon: that of the work since it was idle last.
type atWork struct {
	progress
	did   deeds
	books []report.Folder // as when nothing was left to do
}

// Look implements bars.Progress. While no file is in anybody's hands, nothing changes without
// a commit.
func (w *atWork) Look() (bars.View, time.Duration) {
	now := time.Now()
	asked := w.look(now)
	switch {
	case len(w.active) > 0:
		return w.view(), lookEvery
	case !asked: // what the journal said is of an earlier time
		if w.known && w.left.Files == 0 && w.paused == "" {
			return w.calm(), time.Until(w.next)
		}
		return w.view(), time.Until(w.next)
	case w.left.Files == 0 && w.paused == "":
		w.before, w.pace = w.engine.pipeline.Stats(), nil
		w.readBooks(now)
		return w.calm(), 0
	}
	return w.view(), 0
}

// view adds to that of the progress why a folder waits, while no file is on its way.
func (w *atWork) view() bars.View {
	v := w.progress.view()
	if why := w.engine.folders.waits(); why != "" && len(w.active) == 0 && w.paused == "" {
		v.Text = append(v.Text, why)
	}
	return v
}

// readBooks notes what there is to say of the folders while nothing is on its way.
func (w *atWork) readBooks(now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	folders, err := report.FoldersOf(ctx, w.engine.journal.Reader(), report.Selection{Folders: w.folders})
	if later := now.Add(askShare * time.Since(now)); later.After(w.next) {
		w.next = later
	}
	if err == nil {
		w.books = folders
	}
}

// calm is what is shown while there is nothing to do.
func (w *atWork) calm() bars.View {
	settling := 0
	for name := range w.engine.walked {
		settling += w.engine.folders.settling(name)
	}
	text := []string{"nothing is on its way"}
	if settling > 0 {
		text = append(text, report.Counted(settling, "1 file settles", "%d files settle"))
	}
	done := w.did.with(w.engine.pipeline.Stats()).stats.Ingested
	text = append(text, fmt.Sprintf("%s ingested since %s", humanize.Comma(done), w.did.since.Format("15:04")))
	if sum := report.Sum(w.books); sum.Held+sum.Failed > 0 {
		text = append(text, fmt.Sprintf("%d held, %d failed (ingestd status)", sum.Held, sum.Failed))
	}
	if why := w.engine.folders.waits(); why != "" {
		text = append(text, why)
	}
	return bars.View{Text: text}
}

// notIn selects what rests without being in, each reason once.
func notIn(folders []string) report.Selection {
	return report.Selection{Folders: folders, Statuses: []journal.Status{journal.Held, journal.Failed}, Summary: true}
}

// conclude says on a terminal what the daemon did, and why files are not in.
func (d deeds) conclude(ctx context.Context, stderr io.Writer, r *journal.Reader) error {
	if !isTerminal(stderr) {
		return nil
	}
	s := notIn(nil)
	s.Since = d.since
	groups, err := report.Summarise(ctx, r, s)
	if err != nil {
		return err
	}
	count := make(map[string]int)
	for _, g := range groups {
		count[g.Status] += g.Count
	}
	fmt.Fprintf(stderr, "%s ingested (%s as new versions, %s) in %s; %d held, %d failed\n", report.Counted(int(d.stats.Ingested), "1 file", "%d files"),
		humanize.Comma(d.stats.Versions), humanize.IBytes(uint64(d.stats.Bytes)), lasted(time.Since(d.since)),
		count[string(journal.Held)], count[string(journal.Failed)])
	for _, g := range groups {
		printGroup(stderr, g)
	}
	return nil
}

// lasted is a time that has passed.
func lasted(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// tellStopping says that a command was told to end; on a terminal, also how it ends at once.
func tellStopping(stderr io.Writer, log zerolog.Logger, grace time.Duration) {
	if isTerminal(stderr) {
		fmt.Fprintf(stderr, "stopping: parts on their way may finish (%g s); press Ctrl-C again to cut them off\n", grace.Seconds())
		return
	}
	log.Info().Msg("stopping: no new work is begun, parts on their way may finish")
}
