package main

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/journal"
)

// formerNames returns a sentence on each folder that has another name than the journal
// knows it by: what that means, or what comes of it.
func formerNames(folders []config.Folder, known []journal.History) []string {
	configured := make(map[string]bool)
	for _, f := range folders {
		configured[f.Name] = true
	}
	byName, lost := make(map[string]journal.History), make(map[string]journal.History)
	for _, h := range known {
		byName[h.Name] = h
		if !configured[h.Name] && h.Path != "" {
			lost[h.Path] = h
		}
	}
	var out []string
	for _, f := range folders {
		if h, ok := byName[f.Previously]; ok && f.Previously != "" {
			out = append(out, fmt.Sprintf("folder %s takes over the history of %s: %d entries of the journal", f.Name, h.Name, h.Seen))
			continue
		}
		h, ok := lost[f.Path]
		if _, started := byName[f.Name]; !ok || started {
			continue
		}
		out = append(out, fmt.Sprintf("folder %s has the path of the folder %s, of which the journal has %d entries: under another name they do not count, "+
			"and its files are ingested a second time (set `previously: %s` for the folder, or give it its old name)", f.Name, h.Name, h.Seen, h.Name))
	}
	return out
}

// lookUpFormerNames is formerNames of the journal of a configuration; a journal that
// cannot be read knows none.
func lookUpFormerNames(ctx context.Context, cfg *config.Config) []string {
	if cfg == nil || cfg.Journal == "" {
		return nil
	}
	r, err := journal.OpenReader(ctx, cfg.Journal)
	if err != nil {
		return nil
	}
	defer r.Close()
	known, err := r.Histories(ctx)
	if err != nil {
		return nil
	}
	return formerNames(cfg.Folders, known)
}

// carryOver makes the history of each folder's former name the folder's, and says where
// a folder seems to have had another one.
func carryOver(ctx context.Context, cfg *config.Config, j *journal.Journal, log zerolog.Logger) error {
	for _, f := range cfg.Folders {
		if f.Previously == "" {
			continue
		}
		n, err := journal.TakeOver(ctx, j, f.Previously, f.Name)
		if err != nil {
			return err
		}
		if n > 0 {
			log.Info().Str("folder", f.Name).Str("previously", f.Previously).Int("entries", n).Msg("the folder has another name: its history was carried over")
		}
	}
	known, err := j.Reader().Histories(ctx)
	if err != nil {
		return err
	}
	for _, note := range formerNames(cfg.Folders, known) {
		log.Warn().Msg(note)
	}
	return nil
}
