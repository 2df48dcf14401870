package main

import (
	"strings"
	"testing"
)

// TestStopIsNoCancel keeps who wants to end the daemon from cancelling its uploads.
func TestStopIsNoCancel(t *testing.T) {
	for _, word := range []string{"stop", "kill", "quit", "exit"} {
		err := unknownCommand(newRoot(), word).Error()
		if !strings.Contains(err, "`systemctl stop ingestd`") || strings.Contains(err, "cancel") {
			t.Errorf("%s: %s", word, err)
		}
	}
}
