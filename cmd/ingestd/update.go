package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/edits"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

func newUpdateCommand() *cobra.Command {
	var span span
	var dryRun bool
	var wait time.Duration
	return requestCommand("update [ID...]", "Apply the rules again to what was ingested, and send what differs",
		func(cmd *cobra.Command) {
			span.flags(cmd)
			cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only show what differs")
			cmd.Flags().DurationVar(&wait, "wait", updateWait, "how long to wait until the assets show their changes")
		},
		func(cmd *cobra.Command, path string, ids []int64, asJSON bool) error {
			s, err := span.selection(ids)
			if err != nil {
				return err
			}
			if wait <= 0 {
				return &usageError{fmt.Errorf("--wait %s is no time to wait", wait)}
			}
			cfg, err := loadConfig(path)
			if err != nil {
				return err
			}
			if _, err := selectFolders(cfg, s.Folders); err != nil {
				return err
			}
			u := update{cfg: cfg, selection: s, asJSON: asJSON, wait: wait, out: cmd.OutOrStdout()}
			if dryRun {
				return u.dryRun(cmd.Context())
			}
			outcomes, err := u.run(cmd)
			if err != nil {
				return err
			}
			return printOutcomes(cmd, outcomes, asJSON, "nothing was ingested yet")
		})
}

// update is one run of the command.
type update struct {
	cfg       *config.Config
	selection desk.Selection
	asJSON    bool
	wait      time.Duration
	out       io.Writer
}

// run has what differs sent.
func (u update) run(cmd *cobra.Command) ([]desk.Outcome, error) {
	ctx := cmd.Context()
	r, err := readJournal(ctx, u.cfg)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	asked := requester{cmd, u.cfg, r, func(ctx context.Context) (*account, error) { return connect(ctx, u.cfg, nil) }}
	var answer json.RawMessage
	err = waiting{r, u.selection, cmd.ErrOrStderr()}.during(ctx, u.wait, func(ctx context.Context) (err error) {
		answer, err = asked.answer(ctx, desk.RequestUpdate, u.selection)
		return err
	})
	if err != nil {
		return nil, err
	}
	return outcomes(answer)
}

// difference is what an update would change in one asset.
type difference struct {
	ID       int64     `json:"id"`
	Folder   string    `json:"folder"`
	Path     string    `json:"path"`
	ObjectID string    `json:"object_id"`
	Changes  []changed `json:"changes"`
	Refused  string    `json:"refused,omitempty"`
}

// changed is one attribute that differs.
type changed struct {
	Attribute string `json:"attribute"`
	Before    string `json:"before"`
	After     string `json:"after"`
}

// dryRun shows what differs. It asks Tenovos only for names, and changes nothing.
func (u update) dryRun(ctx context.Context) error {
	acct, err := connect(ctx, u.cfg, nil)
	if err != nil {
		return err
	}
	r, err := readJournal(ctx, u.cfg)
	if err != nil {
		return err
	}
	defer r.Close()
	ours := make(map[string]bool)
	for _, f := range u.cfg.Folders {
		ours[f.Name] = true
	}
	folders := mounts.New(pipelineConfig(u.cfg, u.cfg.Folders, acct.rules).Folders, func() {}, zerolog.Nop())
	mapped := func(e journal.Entry, at string) (dropfolder.Mapped, error) { return folders.Map(e.ID, e.File, at) }
	filter := journal.Filter{IDs: u.selection.IDs, Folders: u.selection.Folders, Statuses: []journal.Status{journal.Filed}}
	all := []difference{}
	err = r.Entries(ctx, filter, func(e journal.Entry) error {
		if !u.selection.Covers(e) || !ours[e.Folder] {
			return nil
		}
		var change edits.Change
		err := acct.rules.Patiently(func() (err error) {
			change, err = edits.ChangeOf(e, mapped, func(journal.Entry, dropfolder.Mapped) {})
			return err
		})
		if err != nil {
			return fmt.Errorf("%s/%s: %w", e.Folder, display.Name(e.Path), err)
		}
		if d := differenceOf(acct.rules.Mapper(e.Folder), e, change); len(d.Changes) > 0 || d.Refused != "" {
			if all = append(all, d); !u.asJSON {
				printDifference(u.out, d)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case u.asJSON:
		return json.NewEncoder(u.out).Encode(all)
	case len(all) == 0:
		_, err = fmt.Fprintln(u.out, "nothing differs")
	}
	return err
}

func differenceOf(m *mapping.Mapper, e journal.Entry, c edits.Change) difference {
	d := difference{ID: e.ID, Folder: e.Folder, Path: e.Path, ObjectID: e.ObjectID, Changes: []changed{}, Refused: c.Refused.Message}
	before := make(map[string]tenovos.Value)
	for _, v := range c.Before.Metadata {
		before[v.DefinitionID] = v
	}
	for _, v := range c.Edit.Metadata {
		name, after := m.Show(v)
		change := changed{Attribute: name, After: after}
		if old, ok := before[v.DefinitionID]; ok {
			_, change.Before = m.Show(old)
		}
		d.Changes = append(d.Changes, change)
	}
	if len(c.Edit.SecurityIDs) > 0 {
		d.Changes = append(d.Changes, changed{
			Attribute: "security", Before: m.SecurityNames(c.Before.SecurityIDs), After: m.SecurityNames(c.Edit.SecurityIDs),
		})
	}
	return d
}

func printDifference(out io.Writer, d difference) {
	fmt.Fprintf(out, "%d  %s/%s  asset %s\n", d.ID, d.Folder, display.Name(d.Path), display.Text(d.ObjectID))
	if d.Refused != "" {
		fmt.Fprintf(out, "    ! %s\n", display.Text(d.Refused))
	}
	for _, c := range d.Changes {
		before := c.Before
		if before == "" {
			before = "-"
		}
		fmt.Fprintf(out, "    %s: %s -> %s\n", display.Text(c.Attribute), display.Name(before), display.Name(strings.TrimSpace(c.After)))
	}
}
