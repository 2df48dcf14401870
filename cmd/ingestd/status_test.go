package main

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestMayRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	path := t.TempDir() + "/journal.db"
	if err := os.WriteFile(path, nil, 0o000); err != nil {
		t.Fatal(err)
	}
	if err := mayRead(path, errors.New("unable to open database file")); !strings.Contains(err.Error(), "permission denied") || !strings.Contains(err.Error(), "run the command as root") {
		t.Error(err)
	}
}
