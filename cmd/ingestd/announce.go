package main

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// announce says at the start of a daemon what it works with: readable lines on a terminal,
// fields in a log.
func announce(log zerolog.Logger, stderr io.Writer, cfg *config.Config) {
	modes := make([]watcher.Mode, len(cfg.Folders))
	var all sync.WaitGroup
	for i, f := range cfg.Folders { // all at once: shares that hang are waited for together
		all.Go(func() {
			modes[i] = config.InTime(func() watcher.Mode { return watcher.Mode(f.Watch).On(f.Path) }, watcher.ModePoll)
		})
	}
	all.Wait()
	if isTerminal(stderr) && cfg.Log.Format != "json" {
		announceInLines(stderr, cfg, modes)
		return
	}
	log.Info().Str("version", versionText()).Str("config", cfg.File).Str("listen", cfg.Listen.Address).Str("journal", cfg.Journal).
		Str("url", cfg.Tenovos.URL).Str("username", cfg.Tenovos.Username).Int("workers", cfg.Workers).Msg("starting")
	for i, f := range cfg.Folders {
		log.Info().Str("folder", f.Name).Str("path", f.Path).Str("watch", string(modes[i])).Str("after", f.After).Msg("folder")
	}
}

func announceInLines(to io.Writer, cfg *config.Config, modes []watcher.Mode) {
	fmt.Fprintf(to, "ingestd %s\n", versionText())
	w := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	defer w.Flush()
	page := "off"
	if cfg.Listen.Address != "" {
		page = "http://" + cfg.Listen.Address + "/"
	}
	for _, line := range [][2]string{
		{"configuration", cfg.File}, {"listens on", page}, {"journal", cfg.Journal},
		{"account", cfg.Tenovos.Username + " at " + cfg.Tenovos.URL},
	} {
		fmt.Fprintf(w, "  %s\t%s\n", line[0], display.Text(line[1]))
	}
	for i, f := range cfg.Folders {
		watch := "watched by events (notify)"
		if modes[i] == watcher.ModePoll {
			watch = fmt.Sprintf("polled every %v (poll)", f.PollInterval)
		}
		after := map[string]string{
			"keep": "files stay (keep)", "move": "files go to " + f.Done + " (move)", "delete": "files that are in are deleted (delete)",
		}[f.After]
		fmt.Fprintf(w, "  folder %s\t%s, %s, %s\n", display.Text(f.Name), display.Name(f.Path), watch, display.Text(after))
	}
}
