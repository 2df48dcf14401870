package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/internal/dashboard"
	"github.com/tenovos-ingest/ingestd/journal"
)

func newStatusCommand() *cobra.Command {
	var path string
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what became of every file, as the journal says",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadLocal(path)
			if err != nil {
				return err
			}
			r, err := journal.OpenReader(cmd.Context(), cfg.Journal)
			if err != nil {
				return err
			}
			defer r.Close()
			if asJSON {
				return dashboard.WriteJSON(cmd.Context(), cmd.OutOrStdout(), r, all)
			}
			running, err := journal.Owned(cfg.Journal)
			if err != nil {
				return err
			}
			return printStatus(cmd.Context(), cmd.OutOrStdout(), r, running, all)
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&all, "all", false, "list filed files too")
	return cmd
}

// printStatus writes the books of each folder, and then each file that is not
// filed with what to do about it. running says that a daemon, or a command, has
// the journal.
func printStatus(ctx context.Context, out io.Writer, r *journal.Reader, running, all bool) error {
	folders, err := dashboard.Folders(ctx, r)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FOLDER\tSEEN\tSETTLING\tQUEUED\tUPLOADING\tFILED\tDUPLICATE\tHELD\tFAILED\tOTHER\tWATCH\tBOOKS")
	for _, f := range folders {
		books := "balance"
		if n := f.Unbalanced(); n != 0 {
			books = fmt.Sprintf("off by %d", n)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", f.Name, f.Seen, f.Settling, f.Queued, f.Uploading,
			f.Filed, f.Duplicate, f.Held, f.Failed, f.Ignored+f.Cancelled+f.Superseded+f.Withdrawn, f.Watch, books)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if !running {
		fmt.Fprintln(out, "no daemon runs with this journal: these are the books as it left them")
	}
	for _, f := range folders {
		for _, line := range remarks(f) {
			fmt.Fprintf(out, "folder %s %s\n", f.Name, line)
		}
	}
	return dashboard.Entries(ctx, r, all, func(e dashboard.Entry) error {
		if e.Status == string(journal.Superseded) && !all {
			return nil // a newer entry of the path tells the rest
		}
		size := humanize.IBytes(uint64(e.Size))
		if e.Status == string(journal.Uploading) {
			size = humanize.IBytes(uint64(e.Sent)) + " of " + size
		}
		_, err := fmt.Fprintf(out, "\n%d  %s  %s/%s  %s\n", e.ID, e.Status, e.Folder, printable(e.Path), size)
		for _, line := range []struct{ label, text string }{
			{"why", e.Reason}, {"try", e.Hint}, {"asset", e.ObjectID},
		} {
			if line.text != "" && err == nil {
				_, err = fmt.Fprintf(out, "    %s: %s\n", line.label, line.text)
			}
		}
		return err
	})
}

// remarks are what there is to say of a folder beside its numbers.
func remarks(f dashboard.Folder) []string {
	var lines []string
	if f.Paused != "" {
		lines = append(lines, "is paused: "+f.Paused)
	}
	if f.Polled > 0 {
		lines = append(lines, fmt.Sprintf("polls %d directories with all below them, because the kernel gives no more watches: raise the sysctl fs.inotify.max_user_watches", f.Polled))
	}
	if f.Open > 0 {
		lines = append(lines, fmt.Sprintf("has %d files that a program holds open for writing: they are taken when it closes them", f.Open))
	}
	if f.Edits > 0 {
		lines = append(lines, fmt.Sprintf("has %d corrections of metadata that are still to be sent or seen", f.Edits))
	}
	if f.Waiting > 0 {
		lines = append(lines, fmt.Sprintf("has %d files without the sentinel that says they are complete", f.Waiting))
	}
	return lines
}

// printable keeps control characters of a file name off the terminal.
func printable(path string) string {
	quoted := fmt.Sprintf("%+q", path)
	if plain := fmt.Sprintf("%q", path); plain[1:len(plain)-1] == path {
		return path
	}
	return quoted
}
