package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/internal/timetable"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// recordEvery is the least time between two commits of what the folders are like.
const recordEvery = time.Second

// folderStates keeps in the journal, for status, what only the running process
// knows of the folders: how they are watched, and why they wait. What changes is
// recorded at once after a quiet time, and else together with what changes meanwhile,
// as long as during runs; nothing waits for that.
type folderStates struct {
	journal *journal.Journal
	log     zerolog.Logger
	changed chan struct{} // capacity 1: there is something to record
	pauses  *pauses       // told of waits; nil: nobody is

	mu     sync.Mutex
	states map[string]journal.FolderState
	hours  map[string]timetable.Hours // of the folders that have some
	pool   string                     // why everything waits; "" while it does not
	poolBy string                     // the class of that
	counts chan<- struct{}            // told when the number of files or a reason to wait changes; nil: nobody is
}

func newFolderStates(folders []config.Folder, j *journal.Journal, log zerolog.Logger) *folderStates {
	f := &folderStates{
		journal: j, log: log, changed: make(chan struct{}, 1),
		states: make(map[string]journal.FolderState, len(folders)), hours: make(map[string]timetable.Hours),
	}
	for _, folder := range folders {
		f.states[folder.Name] = journal.FolderState{Name: folder.Name, Path: folder.Path}
		if !folder.Hours.Always() {
			f.hours[folder.Name] = folder.Hours
		}
	}
	f.lookAtHours(time.Now())
	return f
}

// lookAtHours notes which folders wait for their hours, and returns when that changes next;
// zero is never.
func (f *folderStates) lookAtHours(now time.Time) (next time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, hours := range f.hours {
		open, until, why := hours.Open(now)
		if next.IsZero() || until.Before(next) {
			next = until
		}
		state := f.states[name]
		was := state.Hours
		if state.Hours = ""; !open {
			state.Hours = "waits for " + why
		}
		if f.states[name] = state; state.Hours == was {
			continue
		}
		f.note(name)
		signalTo(f.counts)
		switch {
		case open:
			f.log.Info().Str("folder", name).Time("until", until).Msg("the hours of the folder have begun: its files go on")
		case was == "":
			f.log.Info().Str("folder", name).Time("until", until).Msg("the folder " + state.Hours + "; what is on its way finishes")
		}
	}
	return next
}

// forgetHours has nobody wait for hours any more.
func (f *folderStates) forgetHours() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.hours {
		state := f.states[name]
		state.Hours = ""
		f.states[name] = state
		f.note(name)
	}
}

// begin records every folder, so that status lists one that hangs from the start.
func (f *folderStates) begin() {
	f.mu.Lock()
	for name := range f.states {
		f.note(name)
	}
	f.mu.Unlock()
	f.record()
}

// during records what changes while work runs, and the rest after it.
func (f *folderStates) during(work func() error) error {
	over := make(chan struct{})
	var recorder sync.WaitGroup
	recorder.Go(func() { f.keep(over) })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if len(f.hours) > 0 {
		recorder.Go(func() { timetable.Follow(ctx, time.Now, f.lookAtHours) })
	}
	err := work()
	close(over)
	cancel()
	recorder.Wait()
	f.forgetHours()
	f.record()
	return err
}

// keep records what changes until over closes.
func (f *folderStates) keep(over <-chan struct{}) {
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-over:
			return
		case <-rest.C:
		}
		select {
		case <-over:
			return
		case <-f.changed:
		}
		f.record()
		rest.Reset(recordEvery)
	}
}

// record commits what no other commit took along. What cannot be recorded is tried again
// with the next change.
func (f *folderStates) record() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := journal.FoldersOf(f.journal).Flush(ctx); err != nil {
		f.log.Error().Err(err).Msg("the state of the folders could not be recorded")
	}
}

// note has the state of a folder recorded. f.mu is held.
func (f *folderStates) note(name string) {
	state := f.states[name]
	by := []string{f.poolBy}
	if state.Paused != "" {
		by = append(by, journal.PausedByFolder)
	}
	state.PausedBy = strings.TrimSpace(strings.Join(by, " "))
	if state.Paused == "" && f.pool != "" { // a folder's own pause goes before everyone's
		state.Paused = report.EveryoneWaits + f.pool
	}
	journal.FoldersOf(f.journal).SetSoon(state)
	signalTo(f.changed)
}

// report is the watcher's.
func (f *folderStates) report(s watcher.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state := f.states[s.Folder]
	if state.Settling != s.Settling || state.Paused != s.Paused {
		signalTo(f.counts)
	}
	if state.Paused != s.Paused {
		f.pauses.set(s.Folder, s.Paused)
	}
	state.Watch, state.Paused, state.Settling = string(s.Watch), s.Paused, s.Settling
	state.Open, state.Waiting, state.Polled, state.LastScan = s.Open, s.Waiting, s.Polled, s.LastScan
	state.Unreadable, state.Unread = s.Unreadable, s.Unread
	state.Arriving, state.Beside, state.Empty, state.EmptyFile = s.Arriving, s.Beside, s.Empty, s.EmptyFile
	f.states[s.Folder] = state
	f.note(s.Folder)
}

// all returns the state of each folder, by name.
func (f *folderStates) all() []journal.FolderState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.SortedFunc(maps.Values(f.states), func(a, b journal.FolderState) int { return strings.Compare(a.Name, b.Name) })
}

// scanned returns when the latest scan of a folder ended, and whether it is polled.
func (f *folderStates) scanned(folder string) (last time.Time, polled bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state := f.states[folder]
	return state.LastScan, state.Watch == string(watcher.ModePoll)
}

// settling returns how many files of a folder are not stable yet.
func (f *folderStates) settling(folder string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.states[folder].Settling
}

// waits is why one of the folders waits, in a sentence of few words; "" where none does.
func (f *folderStates) waits() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(f.states)) {
		switch s := f.states[name]; {
		case s.Paused != "":
			return fmt.Sprintf("folder %s is paused: %s", name, oneLine(s.Paused))
		case s.Hours != "":
			return fmt.Sprintf("folder %s %s", name, oneLine(s.Hours))
		}
	}
	return ""
}

// pause is the pipeline's: it is about all folders. by is the class of the reason.
func (f *folderStates) pause(by, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pool, f.poolBy = why, by
	f.pauses.set("", why)
	for name := range f.states {
		f.note(name)
	}
	signalTo(f.counts)
}

// notify has a channel with room for one value told when the number of files that settle
// or a reason to wait changes.
func (f *folderStates) notify(c chan<- struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts = c
}

// signalTo tells whoever reads a channel with room for one value, if there is anybody.
func signalTo(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
