package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// statusOptions are the flags of status.
type statusOptions struct {
	asJSON, all, held, failed, summary, watch bool

	folders []string
	since   string
}

func newStatusCommand() *cobra.Command {
	var path string
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status [PATH|ID...]",
		Short: "Show what became of every file, as the journal says",
		Long: "Show the books of each folder, and each file that is not in with the reason and what to try.\n\n" +
			"A PATH is one on the disk, or below a folder, or the name of a file, or a directory; an ID is\nas `ingestd status` shows it. Paths, ids and flags together show what all of them mean.",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadLocal(path)
			if err != nil {
				return err
			}
			since, err := moment(o.since, time.Now())
			if err != nil {
				return err
			}
			r, err := readJournal(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer r.Close()
			s, err := o.selection(cmd.Context(), cfg, r, args)
			if err != nil {
				return err
			}
			s.Since = since
			show := func(ctx context.Context, out io.Writer) error {
				return showStatus(ctx, out, cfg.Journal, r, s, o.asJSON)
			}
			if o.watch {
				return watchStatus(cmd.Context(), cmd.OutOrStdout(), cfg.Journal, o.asJSON, show)
			}
			return show(cmd.Context(), cmd.OutOrStdout())
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &o.asJSON)
	cmd.Flags().BoolVar(&o.all, "all", false, "list filed files too")
	cmd.Flags().BoolVar(&o.held, "held", false, "only files that are held")
	cmd.Flags().BoolVar(&o.failed, "failed", false, "only files that failed")
	cmd.Flags().StringArrayVar(&o.folders, "folder", nil, "only the folder `NAME` (repeatable)")
	cmd.Flags().StringVar(&o.since, "since", "", "only files that became what they are at or after `TIME` (2006-01-02, 08:00, RFC 3339, or 2h for two hours ago)")
	cmd.Flags().BoolVar(&o.summary, "summary", false, "a line for each reason, with a count and three examples")
	cmd.Flags().BoolVar(&o.watch, "watch", false, "show it again whenever it changes, until Ctrl-C")
	return cmd
}

// selection is what the flags and arguments ask for.
func (o statusOptions) selection(ctx context.Context, cfg *config.Config, r *journal.Reader, args []string) (s report.Selection, err error) {
	s = report.Selection{All: o.all, Folders: o.folders, Summary: o.summary}
	if o.held {
		s.Statuses = append(s.Statuses, journal.Held)
	}
	if o.failed {
		s.Statuses = append(s.Statuses, journal.Failed)
	}
	seek, err := newSeeker(ctx, cfg, r, o.folders)
	if err != nil {
		return s, err
	}
	for _, arg := range args {
		ids, err := seek.entries(ctx, arg)
		var below []journal.PathIn
		if errors.Is(err, errUnseen) {
			below, err = seek.below(ctx, arg)
		}
		if err != nil {
			return s, err
		}
		s.IDs, s.Below = append(s.IDs, ids...), append(s.Below, below...)
	}
	return s, nil
}

// showStatus writes a selection of what the journal says.
func showStatus(ctx context.Context, out io.Writer, path string, r *journal.Reader, s report.Selection, asJSON bool) error {
	daemon, err := journal.Owned(path)
	if err != nil {
		return mayRead(path, err)
	}
	if asJSON {
		return report.WriteSelection(ctx, out, r, daemon, s)
	}
	if len(s.IDs)+len(s.Below) > 0 { // the books are not about these
		return printEntries(ctx, out, r, s)
	}
	if !daemon {
		fmt.Fprintln(out, "no daemon runs with this journal")
	}
	if err := printBooks(ctx, out, r, s); err != nil {
		return err
	}
	return printEntries(ctx, out, r, s)
}

// printBooks writes the numbers of each folder, and what there is to say beside them.
func printBooks(ctx context.Context, out io.Writer, r *journal.Reader, s report.Selection) error {
	folders, err := report.FoldersOf(ctx, r, s)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FOLDER\tSEEN\tSETTLING\tQUEUED\tUPLOADING\tFILED\tDUPLICATE\tHELD\tFAILED\tOTHER\tWATCH\tSCANNED\tBOOKS")
	for _, f := range folders {
		books := "balance"
		if n := f.Unbalanced(); n != 0 {
			books = fmt.Sprintf("off by %d", n)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", f.Name, f.Seen, f.Settling, f.Queued, f.Uploading,
			f.Filed, f.Duplicate, f.Held, f.Failed, f.Ignored+f.Cancelled+f.Superseded+f.Withdrawn, f.Watch, localTime(f.LastScan), books)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, line := range report.Remarks(folders) {
		fmt.Fprintln(out, line)
	}
	troubles, err := journal.OutwardOf(r).Troubles(ctx)
	for _, t := range troubles {
		fmt.Fprintf(out, "%s has taken nothing since %s: %s\n", display.Text(t.Title), localTime(t.Since), display.Text(t.Why))
	}
	return err
}

// localTime is a time for people; "-" is none.
func localTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

// printEntries writes each entry with what to do about it, or each reason with how many
// entries have it.
func printEntries(ctx context.Context, out io.Writer, r *journal.Reader, s report.Selection) error {
	if s.Summary {
		groups, err := report.Summarise(ctx, r, s)
		for _, g := range groups {
			printGroup(out, g)
		}
		return err
	}
	n := 0
	err := report.Selected(ctx, r, s, func(e report.Entry) error {
		if !s.Shows(e) {
			return nil
		}
		n++
		return printEntry(out, e)
	})
	if err == nil && n == 0 && (len(s.Statuses)+len(s.IDs)+len(s.Below) > 0 || !s.Since.IsZero()) {
		fmt.Fprintln(out, "no file is like this")
	}
	return err
}

func printEntry(out io.Writer, e report.Entry) error {
	size := humanize.IBytes(uint64(e.Size))
	if e.Status == string(journal.Uploading) {
		size = humanize.IBytes(uint64(e.Sent)) + " of " + size
	}
	since, next := localTime(e.Since), ""
	if e.Next.After(time.Now()) {
		next = localTime(e.Next)
	}
	_, err := fmt.Fprintf(out, "\n%d  %s  %s/%s  %s\n", e.ID, e.Status, e.Folder, display.Name(e.Path), size)
	for _, line := range []struct{ label, text string }{
		{"since", since}, {"why", e.Reason}, {"try", withID(e.Hint, e.ID)}, {"next try", next}, {"asset", e.ObjectID}, {"moved to", e.MovedTo},
	} {
		if line.text != "" && err == nil {
			_, err = fmt.Fprintf(out, "    %s: %s\n", line.label, display.Text(line.text))
		}
	}
	return err
}

// withID puts the id of an entry into the commands of a hint.
func withID(hint string, id int64) string {
	return strings.ReplaceAll(hint, " ID`", fmt.Sprintf(" %d`", id))
}

// printGroup writes one line for all entries of a reason, and one for what to try.
func printGroup(out io.Writer, g report.Group) {
	examples := make([]string, len(g.Examples))
	for i, e := range g.Examples {
		examples[i] = e.Folder + "/" + e.Path
	}
	why := ""
	if g.Reason != "" {
		why = ": " + display.Text(g.Reason)
	}
	fmt.Fprintf(out, "%s %s since %s%s (%s)\n", humanize.Comma(int64(g.Count)), g.Status, localTime(g.First), why, namesOrMore(examples, g.Count))
	if g.Hint != "" {
		fmt.Fprintf(out, "    try: %s\n", display.Text(g.Hint))
	}
}

// namesOrMore lists the first of some names.
func namesOrMore(first []string, count int) string {
	var shown []string
	for _, name := range first {
		shown = append(shown, display.Name(name))
	}
	if count > len(first) {
		shown = append(shown, "…")
	}
	return strings.Join(shown, ", ")
}

// readJournal opens the journal of a configuration, to be read.
func readJournal(ctx context.Context, cfg *config.Config) (*journal.Reader, error) {
	r, err := journal.OpenReader(ctx, cfg.Journal)
	if err != nil {
		return nil, mayRead(cfg.Journal, err)
	}
	return r, nil
}

// mayRead adds to the error of opening a journal, where this user has no right to
// read it, who has.
func mayRead(path string, err error) error {
	if !errors.Is(unix.Access(path, unix.R_OK), unix.EACCES) {
		return err
	}
	return fmt.Errorf("permission denied: this user may not read the journal %s: run the command as root, or as %s", path, journalOwner(path))
}

// mayWrite is mayRead for who is to own the journal.
func mayWrite(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w (%s)", err, journalAdvice(path))
}

// journalAdvice says what to try where this user has no right to write a journal.
func journalAdvice(path string) string {
	return fmt.Sprintf("run it as root, or as %s, or name another place for the journal", journalOwner(path))
}

// journalOwner names whose the directory of a journal is.
func journalOwner(path string) string {
	if info, err := os.Stat(filepath.Dir(path)); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			if u, err := user.LookupId(strconv.FormatUint(uint64(st.Uid), 10)); err == nil && st.Uid != 0 {
				return u.Username
			}
		}
	}
	return "the user of the service"
}
