package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/display"
	receivers "github.com/tenovos-ingest/ingestd/internal/notify"
)

func newNotifyCommand() *cobra.Command {
	var path string
	var test, asJSON bool
	cmd := &cobra.Command{
		Use:   "notify --test",
		Short: "Send a test event to each receiver that the configuration names",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !test {
				return &usageError{fmt.Errorf("notify tells nobody by itself: the daemon does. `ingestd notify --test` tries each receiver")}
			}
			cfg, err := loadConfig(path)
			if err != nil {
				return err
			}
			if len(cfg.Notify) == 0 {
				return &usageError{fmt.Errorf("%s has no receiver to try: name one under notify", cfg.File)}
			}
			return tryReceivers(cmd.Context(), cmd.OutOrStdout(), cfg.Notify, asJSON)
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&test, "test", false, "send each receiver an event named test")
	return cmd
}

// tried is what came of telling one receiver.
type tried struct {
	Receiver string `json:"receiver"`
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
}

// tryReceivers tells each receiver, and prints what comes of it.
func tryReceivers(ctx context.Context, out io.Writer, all []config.Notify, asJSON bool) error {
	results := make([]tried, 0, len(all))
	refused := 0
	for _, n := range all {
		one := tried{Receiver: n.Title(), OK: true}
		if err := receivers.Try(ctx, n.Receiver, hostName(), time.Now()); err != nil {
			one.OK, one.Error = false, err.Error()
			refused++
		}
		results = append(results, one)
		if !asJSON {
			result := "it was told"
			if !one.OK {
				result = one.Error
			}
			fmt.Fprintf(out, "%s: %s\n", display.Text(one.Receiver), display.Text(result))
		}
	}
	if asJSON {
		if err := json.NewEncoder(out).Encode(results); err != nil {
			return err
		}
	}
	if refused > 0 {
		return errNotDone
	}
	return nil
}
