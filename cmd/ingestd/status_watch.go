package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/journal"
)

// watchEvery is how often it is looked whether the journal changed.
const watchEvery = time.Second

// watchStatus shows what show writes, and again whenever that is something else, until a
// signal: on a terminal in the place of what was shown before, else beneath it. It reads the
// journal only when its files were written.
func watchStatus(parent context.Context, out io.Writer, path string, asJSON bool, show func(context.Context, io.Writer) error) error {
	ctx, stop := signal.NotifyContext(parent, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	resized := make(chan os.Signal, 1)
	if redraws(out, asJSON) {
		signal.Notify(resized, syscall.SIGWINCH)
	}
	defer signal.Stop(resized)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	shown, state := "", ""
	for first := true; ; first = false {
		if now := stateOf(path); first || now != state {
			state = now
			var b bytes.Buffer
			if err := show(ctx, &b); ctx.Err() != nil {
				return nil
			} else if err != nil {
				return err
			}
			if text := b.String(); first || text != shown {
				if err := redraw(out, text, first, asJSON); err != nil {
					return err
				}
				shown = text
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-resized:
			if err := redraw(out, shown, false, asJSON); err != nil {
				return err
			}
		}
	}
}

// stateOf is something else after each change of a journal, and of whether it has an owner.
func stateOf(path string) string {
	var b strings.Builder
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			fmt.Fprint(&b, info.Size(), info.ModTime().UnixNano(), " ")
		}
	}
	owned, err := journal.Owned(path)
	fmt.Fprint(&b, owned, err)
	return b.String()
}

// redraw shows a text in the place of the last one, as much of it as a terminal has lines
// for; what is no terminal gets all of it after a line with the time.
func redraw(out io.Writer, text string, first, asJSON bool) error {
	raw := display.Unwrap(out)
	if !redraws(out, asJSON) {
		if !first && !asJSON {
			text = "\n" + time.Now().Format(time.DateTime) + "\n" + text
		}
		_, err := io.WriteString(out, text)
		return err
	}
	if _, height, err := term.GetSize(int(raw.(*os.File).Fd())); err == nil {
		text = firstLines(text, height-1)
	}
	if _, err := io.WriteString(raw, "\x1b[H\x1b[2J\x1b[3J"); err != nil { // to the corner, clear
		return err
	}
	_, err := io.WriteString(out, text)
	return err
}

// firstLines is a text cut to some lines, of which the last says how many more there are.
func firstLines(text string, most int) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) <= most || most < 2 {
		return text
	}
	return strings.Join(lines[:most-1], "") + fmt.Sprintf("… and %d lines more: --summary, --folder, --held and --since show less\n", len(lines)-most+1)
}

// redraws reports that what is shown takes the place of what was there.
func redraws(out io.Writer, asJSON bool) bool {
	return isTerminal(out) && takesControls() && !asJSON
}
