package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/journal"
)

func newRestoreCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "restore COPY", Short: "Put a copy of the journal in its place; what is there is moved aside", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{errors.New("name the copy")}
			}
			cfg, err := loadLocal(path)
			if err != nil {
				return err
			}
			if err := journal.Restore(cmd.Context(), cfg.Journal, args[0]); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"restored": cfg.Journal, "from": args[0]})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "restored; what was there lies beside it as %s.replaced-*. Before the daemon starts again, run\n"+
				"  ingestd backfill -c %s --adopt\nwhich recognises what was ingested since the copy was made.\n", cfg.Journal, path)
			return err
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newBackupCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "backup COPY", Short: "Write a copy of the journal, also while the daemon runs", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{errors.New("name the file to write")}
			}
			cfg, err := loadLocal(path)
			if err != nil {
				return err
			}
			if err := journal.Backup(cmd.Context(), cfg.Journal, args[0]); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"wrote": args[0], "journal": cfg.Journal})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "wrote %s\n", args[0])
			return err
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	return cmd
}
