package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdMistake runs a program that must end with the given code, and prints what it wrote to
// stdout and stderr with what differs from run to run made the same.
func cmdMistake(ts *testscript.TestScript, neg bool, args []string) {
	cmdExit(ts, neg, args)
	fmt.Fprint(ts.Stdout(), alike(ts.ReadFile("stdout")+ts.ReadFile("stderr"), ts.Getenv("WORK"), ts.Getenv("TENOVOS_URL")))
}

// alike is a message with directories, addresses, processes and times made the same.
func alike(text, work, url string) string {
	for _, r := range []struct{ pattern, with string }{
		{regexp.QuoteMeta(work), "WORK"},
		{regexp.QuoteMeta(url), "URL"},
		{`(?m)^\{"level":.*\n`, ""}, // the log
		{`process \d+`, "process PID"},
		{`, unit [^,]+`, ""}, // where the tests run as a service
		{"`(ps -fp \\d+|systemctl (--user )?status [^`]+)`", "`ps -fp PID`"},
		{"`(kill \\d+|systemctl (--user )?stop [^`]+)`", "`kill PID`"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`, "TIME"},
		{`\(it is in none of [^)]*\)`, "(it is in none of PLACES)"},
		{"Begin with the example: `cp \\S+", "Begin with the example: `cp EXAMPLE"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return strings.TrimLeft(text, "\n")
}

// TestMistakesOfRights are those that depend on who runs the program: a folder that its user
// may not read, a configuration that is another's, a journal where the user may not write, and
// the owner of a journal that runs as another user.
func TestMistakesOfRights(t *testing.T) {
	r := newShared(t, newStand(t, "1.5", nil), 0, 0o700) // the folder is root's
	golden := filepath.Join("testdata", "rights.golden")
	var got strings.Builder
	try := func(what string, p *process) {
		code := p.wait(patience)
		fmt.Fprintf(&got, "# %s: %d\n%s", what, code, alike(p.stdout.String()+p.stderr.String(), r.dir, r.stand.url))
	}
	r.with("journal:", "journal:") // of its own, for everyone to read
	try("a folder without rights", r.ingestd(theService, "check", "--offline"))

	locked := filepath.Join(r.dir, "locked")
	r.must(os.Mkdir(locked, 0o700))
	r.must(os.Chmod(r.drop, 0o755))
	r.with("${WORK}/state/journal.db", locked+"/journal.db")
	try("a journal without rights, checked", r.ingestd(theService, "check", "--offline"))
	try("a journal without rights, run", r.ingestd(theService, "run"))
	r.with(locked+"/journal.db", "${WORK}/state/journal.db")

	r.must(os.Chmod(r.config, 0o600))
	try("a configuration without rights", r.ingestd(theService, "run"))
	r.must(os.Chmod(r.config, 0o644))

	r.must(os.Chmod(r.drop, 0o777))
	daemon := r.ingestd(theService, "run")
	daemon.says(`"running"`)
	try("a second daemon of another user", r.ingestd(syscall.Credential{}, "run"))
	try("status of another user", r.ingestd(theCreative, "status"))
	daemon.terminate()

	text := strings.ReplaceAll(got.String(), "61001", "UID")
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		r.must(os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	r.must(err)
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Error(diff)
	}
}

// TestMistakeOfThePort starts a daemon whose port is another program's: it says so, and
// ingests all the same.
func TestMistakeOfThePort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := newRoom(t, newStand(t, "1.5", nil))
	r.ownConfig()
	r.edit(`listen: ""`, "listen: "+l.Addr().String())
	daemon := r.start("run")
	daemon.says("no status page")
	var said struct{ Message, Reason, Listen string }
	for line := range strings.Lines(daemon.stderr.String()) {
		if strings.Contains(line, "no status page") {
			if err := json.Unmarshal([]byte(line), &said); err != nil {
				t.Fatal(err)
			}
		}
	}
	at := l.Addr().String()
	want := fmt.Sprintf("the process %d", os.Getpid())
	for _, part := range []string{at + " is in use: " + want, "end that program and restart this one, or set `listen` to another port"} {
		if !strings.Contains(said.Reason, part) {
			t.Errorf("%q is not in %q", part, said.Reason)
		}
	}
	if said.Message != "no status page; files are ingested all the same" || said.Listen != at {
		t.Errorf("it says %+v", said)
	}
	daemon.terminate()
}
