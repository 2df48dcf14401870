package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/history"
)

func newHistoryCommand() *cobra.Command {
	var path string
	var asJSON bool
	var folders []string
	cmd := &cobra.Command{
		Use:   "history PATH|NAME|ID",
		Short: "Show everything that happened to a file, with its time",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{errors.New("name a file: its path, its name, or an id that `ingestd status` shows")}
			}
			cfg, err := loadLocal(path)
			if err != nil {
				return err
			}
			r, err := readJournal(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer r.Close()
			seek, err := newSeeker(cmd.Context(), cfg, r, folders)
			if err != nil {
				return err
			}
			var lists [][]history.Event
			for _, arg := range args {
				found, err := histories(cmd.Context(), seek, arg)
				if err != nil {
					return err
				}
				lists = append(lists, found...)
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(history.Merge(lists...))
			}
			for i, events := range lists {
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				printHistory(cmd.OutOrStdout(), events)
			}
			return nil
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringArrayVar(&folders, "folder", nil, "look in the folder `NAME` only (repeatable)")
	return cmd
}

// histories returns the events of each entry that an argument means.
func histories(ctx context.Context, seek *seeker, arg string) ([][]history.Event, error) {
	ids, err := seek.entries(ctx, arg)
	if err != nil {
		return nil, err
	}
	lists := make([][]history.Event, len(ids))
	for i, id := range ids {
		if lists[i], err = history.Of(ctx, seek.reader, id); err != nil {
			return nil, err
		}
	}
	return lists, nil
}

// printHistory writes the events of one entry.
func printHistory(out io.Writer, events []history.Event) {
	if len(events) == 0 {
		return
	}
	first := events[0]
	fmt.Fprintf(out, "%s/%s  entry %d\n", first.Folder, display.Name(first.Path), first.ID)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	defer w.Flush()
	for _, e := range events {
		text := e.Text
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		if e.Count > 1 {
			text += fmt.Sprintf(" (%d times", e.Count)
			if !e.Last.IsZero() {
				text += ", the last " + localTime(e.Last)
			}
			text += ")"
		}
		if e.Hint != "" {
			text = strings.TrimRight(text, ".") + ". Try: " + withID(e.Hint, e.ID)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", localTime(e.Time), e.Event, display.Text(text))
	}
}
