package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunAnnouncesAndEndsWithStdin(t *testing.T) {
	stdin, hold := io.Pipe()
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(context.Background(), []string{"--api", "1.0", "--dir", t.TempDir(), "--exit-with-stdin", "--set", "urlLife=90s", "--set", "sseKms=true"}, stdin, stdout, io.Discard)
	}()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var at struct{ URL, Control, APIKey, Username, Password, ClientID string }
	if err := json.Unmarshal(line, &at); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(at.URL, "/content-store-v1") || at.ClientID == "" {
		t.Errorf("announced %s", line)
	}
	res, err := http.Get(at.Control + "/options")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if !strings.Contains(string(body), `"urlLife": "1m30s"`) || !strings.Contains(string(body), `"sseKms": true`) {
		t.Errorf("knobs not turned: %s", body)
	}
	http.DefaultClient.CloseIdleConnections()
	_ = hold.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRunRefuses(t *testing.T) {
	seed := filepath.Join(t.TempDir(), "seed.json")
	if err := os.WriteFile(seed, []byte(`{"templates":[{"name":"T","groups":[{"name":"G","attributes":[{"name":"A","type":"colour"}]}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"all interfaces": {"--listen", ":0"},
		"other address":  {"--listen", "192.0.2.1:0"},
		"no such knob":   {"--set", "nonsense=1"},
		"no value":       {"--set", "sseKms"},
		"API version":    {"--api", "2.0"},
		"argument":       {"serve"},
		"flag":           {"--nonsense"},
		"seed":           {"--seed", seed},
	} {
		err := run(context.Background(), args, strings.NewReader(""), io.Discard, io.Discard)
		if _, ok := errors.AsType[usageError](err); !ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
