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

// folderStates keeps in the journal, for status, what only the running process
// knows of the folders: how they are watched, and why they wait.
type folderStates struct {
	journal *journal.Journal
	log     zerolog.Logger

	mu     sync.Mutex
	states map[string]journal.FolderState
	pool   string // why everything waits; "" while it does not
}

func newFolderStates(folders []config.Folder, j *journal.Journal, log zerolog.Logger) *folderStates {
	f := &folderStates{journal: j, log: log, states: make(map[string]journal.FolderState, len(folders))}
	for _, folder := range folders {
		f.states[folder.Name] = journal.FolderState{Name: folder.Name, Path: folder.Path}
	}
	return f
}

// begin records every folder, so that status lists one that hangs from the start.
func (f *folderStates) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, state := range f.states {
		f.record(state)
	}
}

// report is the watcher's.
func (f *folderStates) report(s watcher.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state := f.states[s.Folder]
	state.Watch, state.Paused, state.Settling = string(s.Watch), s.Paused, s.Settling
	state.Open, state.Waiting, state.Polled, state.LastScan = s.Open, s.Waiting, s.Polled, s.LastScan
	state.Unreadable, state.Unread = s.Unreadable, s.Unread
	state.Arriving, state.Beside, state.Empty, state.EmptyFile = s.Arriving, s.Beside, s.Empty, s.EmptyFile
	f.states[s.Folder] = state
	f.record(state)
}

// scanned returns when the latest scan of a folder ended, and whether it is polled.
func (f *folderStates) scanned(folder string) (last time.Time, polled bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state := f.states[folder]
	return state.LastScan, state.Watch == string(watcher.ModePoll)
}

// pause is the pipeline's: it is about all folders.
func (f *folderStates) pause(why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pool = why
	for _, state := range f.states {
		f.record(state)
	}
}

// everyoneWaits begins the reason of a pause that is not the folder's own.
const everyoneWaits = "everything waits: "

// record stores a state; a folder's own pause goes before everyone's. f.mu is held.
func (f *folderStates) record(state journal.FolderState) {
	if state.Paused == "" && f.pool != "" {
		state.Paused = everyoneWaits + f.pool
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := f.journal.SetFolder(ctx, state); err != nil {
		f.log.Error().Err(err).Str("folder", state.Name).Msg("the folder's state could not be recorded")
	}
}
