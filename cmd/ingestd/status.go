package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

func newStatusCommand() *cobra.Command {
	var path string
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what became of every file, as the journal says",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadLocal(path)
			if err != nil {
				return err
			}
			r, err := journal.OpenReader(cmd.Context(), cfg.Journal)
			if err != nil {
				return mayRead(cfg.Journal, err)
			}
			defer r.Close()
			daemon, err := journal.Owned(cfg.Journal)
			if err != nil {
				return mayRead(cfg.Journal, err)
			}
			if asJSON {
				return report.WriteJSON(cmd.Context(), cmd.OutOrStdout(), r, daemon, all)
			}
			if !daemon {
				fmt.Fprintln(cmd.OutOrStdout(), "no daemon runs with this journal")
			}
			return printStatus(cmd.Context(), cmd.OutOrStdout(), r, all)
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&all, "all", false, "list filed files too")
	return cmd
}

// printStatus writes the books of each folder, and then each file that is not
// filed with what to do about it.
func printStatus(ctx context.Context, out io.Writer, r *journal.Reader, all bool) error {
	folders, err := report.Folders(ctx, r)
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
	for _, line := range allRemarks(folders) {
		fmt.Fprintln(out, line)
	}
	return report.Entries(ctx, r, all, func(e report.Entry) error {
		if e.Status == string(journal.Superseded) && !all {
			return nil // a newer entry of the path tells the rest
		}
		size := humanize.IBytes(uint64(e.Size))
		if e.Status == string(journal.Uploading) {
			size = humanize.IBytes(uint64(e.Sent)) + " of " + size
		}
		_, err := fmt.Fprintf(out, "\n%d  %s  %s/%s  %s\n", e.ID, e.Status, e.Folder, display.Name(e.Path), size)
		for _, line := range []struct{ label, text string }{
			{"why", e.Reason}, {"try", e.Hint}, {"asset", e.ObjectID},
		} {
			if line.text != "" && err == nil {
				_, err = fmt.Fprintf(out, "    %s: %s\n", line.label, display.Text(line.text))
			}
		}
		return err
	})
}

// allRemarks are what there is to say of the folders beside their numbers: what is
// about all of them once.
func allRemarks(folders []report.Folder) []string {
	var lines []string
	for _, f := range folders {
		if strings.HasPrefix(f.Paused, everyoneWaits) && !slices.Contains(lines, display.Text(f.Paused)) {
			lines = append(lines, display.Text(f.Paused))
		}
	}
	for _, f := range folders {
		for _, line := range remarks(f) {
			lines = append(lines, fmt.Sprintf("folder %s %s", f.Name, line))
		}
		for _, t := range f.UnmatchedFirst {
			lines = append(lines, fmt.Sprintf("folder %s: %s", f.Name, display.Text(t.Message)))
		}
		if more := f.Unmatched - len(f.UnmatchedFirst); more > 0 {
			lines = append(lines, fmt.Sprintf("folder %s: %d more sidecars and manifests speak of files that are not there", f.Name, more))
		}
		if f.Unreadable > 0 {
			lines = append(lines, fmt.Sprintf("%s of %s cannot be read: %s", directories(f.Unreadable), f.Name, display.Text(f.Unread)))
		}
	}
	return lines
}

// directories counts what cannot be read. A single file that cannot is rare: it
// takes a disk that fails, or a directory that can be listed and not entered.
func directories(n int) string {
	return counted(n, "1 directory or file", "%d directories and files")
}

// remarks are what there is to say of a folder alone.
func remarks(f report.Folder) []string {
	var lines []string
	if f.Paused != "" && !strings.HasPrefix(f.Paused, everyoneWaits) {
		lines = append(lines, "is paused: "+display.Text(f.Paused))
	}
	if f.Polled > 0 {
		lines = append(lines, fmt.Sprintf("polls %d directories with all below them, because the kernel gives no more watches: raise the sysctl fs.inotify.max_user_watches", f.Polled))
	}
	if f.Open > 0 {
		lines = append(lines, fmt.Sprintf("has %d files that a program holds open for writing: they are taken when it closes them", f.Open))
	}
	if f.Arriving > 0 {
		lines = append(lines, counted(f.Arriving, "has 1 file that waits for a transfer under way beside it: ", "has %d files that wait for a transfer under way beside them: ")+display.Text(f.Beside))
	}
	if f.Empty > 0 {
		lines = append(lines, counted(f.Empty, "has 1 empty file that waits for its content, some minutes at most: ", "has %d empty files that wait for their content, some minutes at most: ")+display.Text(f.EmptyFile))
	}
	if f.Edits > 0 {
		lines = append(lines, fmt.Sprintf("has %d corrections of metadata that are still to be sent or seen", f.Edits))
	}
	if f.Waiting > 0 {
		lines = append(lines, fmt.Sprintf("has %d files without the sentinel that says they are complete", f.Waiting))
	}
	return lines
}

// counted is one where n is 1, else many with n put in.
func counted(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// mayRead adds to the error of opening a journal, where this user has no right to
// read it, who has.
func mayRead(path string, err error) error {
	if !errors.Is(unix.Access(path, unix.R_OK), unix.EACCES) {
		return err
	}
	owner := "the user of the service"
	if info, serr := os.Stat(filepath.Dir(path)); serr == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			if u, uerr := user.LookupId(strconv.FormatUint(uint64(st.Uid), 10)); uerr == nil {
				owner = u.Username
			}
		}
	}
	return fmt.Errorf("permission denied: this user may not read the journal %s: run the command as root, or as %s", path, owner)
}
