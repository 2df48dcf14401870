package main

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
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

	mu     sync.Mutex
	states map[string]journal.FolderState
	pool   string            // why everything waits; "" while it does not
	told   []chan<- struct{} // when the number of files or a reason to wait changes
}

func newFolderStates(folders []config.Folder, j *journal.Journal, log zerolog.Logger) *folderStates {
	f := &folderStates{
		journal: j, log: log, changed: make(chan struct{}, 1),
		states: make(map[string]journal.FolderState, len(folders)),
	}
	for _, folder := range folders {
		f.states[folder.Name] = journal.FolderState{Name: folder.Name, Path: folder.Path}
	}
	return f
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
	err := work()
	close(over)
	recorder.Wait()
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
	if state.Paused == "" && f.pool != "" { // a folder's own pause goes before everyone's
		state.Paused = everyoneWaits + f.pool
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
		f.tell()
	}
	state.Watch, state.Paused, state.Settling = string(s.Watch), s.Paused, s.Settling
	state.Open, state.Waiting, state.Polled, state.LastScan = s.Open, s.Waiting, s.Polled, s.LastScan
	state.Unreadable, state.Unread = s.Unreadable, s.Unread
	state.Arriving, state.Beside, state.Empty, state.EmptyFile = s.Arriving, s.Beside, s.Empty, s.EmptyFile
	f.states[s.Folder] = state
	f.note(s.Folder)
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

// pause is the pipeline's: it is about all folders.
func (f *folderStates) pause(why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pool = why
	for name := range f.states {
		f.note(name)
	}
	f.tell()
}

// notify has a channel with room for one value told when the number of files that settle
// or a reason to wait changes.
func (f *folderStates) notify(c chan<- struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, c)
}

// tell tells those who asked for it. f.mu is held.
func (f *folderStates) tell() {
	for _, c := range f.told {
		signalTo(c)
	}
}

// signalTo tells whoever reads a channel with room for one value, if there is anybody.
func signalTo(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// everyoneWaits begins the reason of a pause that is not the folder's own.
const everyoneWaits = "everything waits: "
