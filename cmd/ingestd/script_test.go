package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// TestScripts runs testdata/script/*.txtar. Each script has a sandbox of its own,
// named by the TENOVOS_ variables, and the configuration of testdata/config.yaml
// unless it brings one.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "", // writes what cmp wants to see
		Setup:               setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":      cmdExit,
			"await":     cmdAwait,
			"json":      cmdJSON,
			"keys":      cmdKeys,
			"books":     cmdBooks,
			"assets":    cmdAssets,
			"sandbox":   cmdSandbox,
			"fault":     cmdFault,
			"edit":      cmdEdit,
			"nosecrets": cmdNoSecrets,
			"mistake":   cmdMistake,
		},
	})
}

type standKey struct{}

func setUpScript(e *testscript.Env) error {
	dir := filepath.Join(e.WorkDir, ".sandbox")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := copyMissing("testdata/config.yaml", filepath.Join(e.WorkDir, "config.yaml")); err != nil {
		return err
	}
	o, err := sandbox.Preset("1.5")
	if err != nil {
		return err
	}
	s, err := openStand(o, dir, nil)
	if err != nil {
		return err
	}
	e.Defer(s.close)
	e.Values[standKey{}] = s
	pictures, err := filepath.Abs("../../internal/embedded/testdata")
	if err != nil {
		return err
	}
	e.Vars = append(e.Vars, "PICTURES="+pictures)
	e.Vars = append(e.Vars, s.env()...)
	return nil
}

func copyMissing(from, to string) error {
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

func standOf(ts *testscript.TestScript) *stand { return ts.Value(standKey{}).(*stand) }

// usage stops a script that misuses a command.
func usage(ts *testscript.TestScript, ok bool, text string) {
	if !ok {
		ts.Fatalf("usage: %s", text)
	}
}

// cmdExit runs a program that must end with the given code.
func cmdExit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2, "exit CODE PROGRAM ARG...")
	code := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		code = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// cmdAwait runs a program again and again until its stdout matches the pattern.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2, "await PATTERN PROGRAM ARG...")
	pattern := regexp.MustCompile("(?m)" + args[0])
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("not within %v (%v)", patience, err)
		}
	}
}

// cmdJSON follows steps into a JSON document: a key, an index, KEY=VALUE for the
// first element that has it, or # for a length. What is there must match the
// pattern from end to end. Several documents in a row are taken as a list.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) >= 2, "json FILE STEP... PATTERN")
	steps, pattern := args[1:len(args)-1], args[len(args)-1]
	v, err := walkJSON(readJSON(ts, args[0]), steps)
	if err != nil {
		ts.Fatalf("%v", err)
	}
	if matched := regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(v); matched == neg {
		ts.Fatalf("%s is %s", strings.Join(steps, " "), v)
	}
}

func readJSON(ts *testscript.TestScript, file string) any {
	var all []any
	for dec := json.NewDecoder(strings.NewReader(ts.ReadFile(file))); ; {
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			ts.Fatalf("%s is no JSON: %v", file, err)
		}
		all = append(all, v)
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}

// walkJSON returns what the steps lead to; a text as it is, all else as JSON.
func walkJSON(v any, steps []string) (string, error) {
	for i, step := range steps {
		next, ok := stepJSON(v, step)
		if !ok {
			return "", fmt.Errorf("there is nothing at %s", strings.Join(steps[:i+1], " "))
		}
		v = next
	}
	if text, ok := v.(string); ok {
		return text, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSpace(b.String()), err
}

func stepJSON(v any, step string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		next, ok := v[step]
		return next, ok
	case []any:
		if step == "#" {
			return float64(len(v)), true
		}
		if i, err := strconv.Atoi(step); err == nil {
			if i < 0 || i >= len(v) {
				return nil, false
			}
			return v[i], true
		}
		key, want, _ := strings.Cut(step, "=")
		for _, item := range v {
			if m, ok := item.(map[string]any); ok && fmt.Sprint(m[key]) == want {
				return item, true
			}
		}
	}
	return nil, false
}

// cmdKeys asks for an object that has all the keys after the --.
func cmdKeys(ts *testscript.TestScript, neg bool, args []string) {
	at := 1
	for at < len(args) && args[at] != "--" {
		at++
	}
	usage(ts, !neg && at < len(args), "keys FILE STEP... -- KEY...")
	v := readJSON(ts, args[0])
	for _, key := range args[at+1:] {
		if _, err := walkJSON(v, append(args[1:at:at], key)); err != nil {
			ts.Fatalf("%v", err)
		}
	}
}

// cmdBooks asks whether the books of every folder in a status report balance.
func cmdBooks(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "books FILE")
	var r statusReport
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &r))
	ts.Check(r.balance())
}

// cmdAssets prints what the sandbox holds, a line an asset, and complains of what
// the sandbox would complain of.
func cmdAssets(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "assets")
	s := standOf(ts)
	for _, a := range s.assets() {
		fmt.Fprintln(ts.Stdout(), s.describe(a))
	}
	_ = ts.Stdout() // stdout is this command's even when there are none
	if bad := s.State().Violations; len(bad) > 0 {
		ts.Fatalf("violations: %+v", bad)
	}
}

// cmdSandbox turns knobs of the sandbox, given as JSON.
func cmdSandbox(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "sandbox KNOBS")
	var bad error
	ts.Check(standOf(ts).Configure(func(o *sandbox.Options) { bad = json.Unmarshal([]byte(args[0]), o) }))
	ts.Check(bad)
}

// cmdFault queues faults, given as JSON.
func cmdFault(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 0, "fault FAULT...")
	for _, text := range args {
		var f sandbox.Fault
		ts.Check(json.Unmarshal([]byte(text), &f))
		ts.Check(standOf(ts).Queue(f))
	}
}

// cmdNoSecrets asks for files, stdout and stderr without any secret. Of a journal
// only what a tool would show as text counts, because URLs have to be kept.
func cmdNoSecrets(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 0, "nosecrets FILE...")
	if n := standOf(ts).heard(); n < 5 { // key, password, three tokens
		ts.Fatalf("the sandbox has heard only %d secrets: what could be found?", n)
	}
	for _, file := range args {
		data := []byte(ts.ReadFile(file))
		if bytes.HasPrefix(data, []byte("SQLite format 3")) {
			texts, err := journalTexts(ts.MkAbs(file))
			ts.Check(err)
			data = texts
		}
		if found := standOf(ts).leaked(data); found != "" {
			ts.Fatalf("%s holds %s", file, found)
		}
	}
}
