package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// onTerminal runs a command of ingestd on a terminal of its own; wrap may put another
// program before it.
func (r *room) onTerminal(wrap []string, args ...string) (*exec.Cmd, *buffer) {
	r.t.Helper()
	term, tty, err := pty.Open()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _, _ = term.Close(), tty.Close() }) // the process may be gone
	line := append(append(wrap, "ingestd"), append(args, "-c", r.config)...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "INVOCATION_ID=") && !strings.HasPrefix(v, "NOTIFY_SOCKET=") && !strings.HasPrefix(v, "SYSTEMD_EXEC_PID=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, r.stand.env()...)
	for k, v := range r.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = cmd.Process.Kill() })
	shown := new(buffer)
	go func() {
		for lines := bufio.NewReader(term); ; {
			line, err := lines.ReadString('\n')
			_, _ = shown.Write([]byte(line))
			if err != nil {
				return
			}
		}
	}()
	return cmd, shown
}

// TestRunSaysWhatItWorksWith looks at the start of a daemon: on a terminal lines, in a log
// fields, and no secret in either.
func TestRunSaysWhatItWorksWith(t *testing.T) {
	r := announced(t)
	user := r.stand.Account().Users[0].Username

	daemon := r.start("run")
	eventually(t, "the log to say what it works with", func() bool { return strings.Count(daemon.stderr.String(), `"message":"folder"`) == 2 })
	var lines []map[string]any
	for line := range strings.Lines(daemon.stderr.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err, line)
		}
		if m := fields["message"]; m == "starting" || m == "folder" {
			delete(fields, "time")
			delete(fields, "level")
			delete(fields, "version")
			lines = append(lines, fields)
		}
	}
	got, _ := json.Marshal(lines)
	want := fmt.Sprintf(`[{"config":%q,"journal":%q,"listen":"","message":"starting","url":%q,"username":%q,"workers":8},`+
		`{"after":"keep","folder":"campaigns","message":"folder","path":%q,"watch":"notify"},{"after":"move","folder":"polled","message":"folder","path":%q,"watch":"poll"}]`,
		r.config, filepath.Join(r.dir, "journal.db"), r.stand.url, user, filepath.Join(r.dir, "drop"), filepath.Join(r.dir, "gone"))
	if string(got) != want {
		t.Errorf("the log says\n%s, want\n%s", got, want)
	}
	daemon.terminate()

	r.env["FORMAT"] = "auto"
	cmd, shown := r.onTerminal(nil, "run")
	eventually(t, "the terminal to show what it works with", func() bool { return strings.Contains(shown.String(), "folder polled") })
	for _, want := range []string{
		"ingestd ", "  configuration     " + r.config, "  listens on        off", "  journal           " + filepath.Join(r.dir, "journal.db"),
		"  account           " + user + " at " + r.stand.url,
		"  folder campaigns  " + filepath.Join(r.dir, "drop") + ", watched by events (notify), files stay (keep)",
		"  folder polled     " + filepath.Join(r.dir, "gone") + ", polled every 30s (poll), files go to _ingested (move)",
	} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("the terminal does not show %q:\n%s", want, shown)
		}
	}
	if found := r.stand.leaked([]byte(shown.String())); found != "" {
		t.Errorf("the terminal shows %s", found)
	}

	// The terminal goes away: the kernel says so, and then the shell.
	for range 2 {
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the run ended with %v:\n%s", err, shown)
	}
}

// TestHangupReloadsWhatIsNoTerminals keeps a daemon alive that nohup or a service manager
// started, on a terminal, too.
func TestHangupReloadsWhatIsNoTerminals(t *testing.T) {
	for name, tc := range map[string]struct {
		wrap []string
		env  map[string]string
	}{
		"nohup":                 {wrap: []string{"sh", "-c", `trap "" HUP; exec "$@"`, "sh"}},
		"service":               {env: map[string]string{"INVOCATION_ID": "0123"}},
		"service that notifies": {env: map[string]string{"NOTIFY_SOCKET": "/nowhere"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := announced(t)
			maps.Copy(r.env, tc.env)
			cmd, shown := r.onTerminal(tc.wrap, "run")
			eventually(t, "the daemon to work", func() bool { return strings.Contains(shown.String(), `"running"`) })
			if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the daemon to look at its configuration", func() bool { return strings.Contains(shown.String(), "not reloaded") })
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("the run ended with %v:\n%s", err, shown)
			}
		})
	}
}

func TestIsService(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Log("SIGHUP is ignored here")
	}
	for _, tc := range []struct {
		env  map[string]string
		pid  int
		want bool
	}{
		{nil, 7, false},
		{nil, 1, true}, // in a container
		{map[string]string{"NOTIFY_SOCKET": "x"}, 7, true},
		{map[string]string{"INVOCATION_ID": "x"}, 7, true},
		{map[string]string{"INVOCATION_ID": "x", "SYSTEMD_EXEC_PID": "7"}, 7, true},
		{map[string]string{"INVOCATION_ID": "x", "SYSTEMD_EXEC_PID": "6"}, 7, false}, // a desktop's terminal is the service
	} {
		if got := isService(func(name string) string { return tc.env[name] }, tc.pid); got != tc.want {
			t.Errorf("%v, process %d: %v", tc.env, tc.pid, got)
		}
	}
}

// announced is a room with a folder that is watched, and one that is polled and not there.
func announced(t *testing.T) *room {
	r := newRoom(t, newStand(t, "1.5", nil))
	r.config, r.env["FORMAT"] = filepath.Join(r.dir, "config.yaml"), "json"
	if err := os.WriteFile(r.config, []byte(announcedConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

const announcedConfig = `
tenovos: {url: "${TENOVOS_URL}", version: "${TENOVOS_VERSION}", api_key: "${TENOVOS_API_KEY}", username: "${TENOVOS_USERNAME}", password: "${TENOVOS_PASSWORD}", client_id: "${TENOVOS_CLIENT_ID}"}
journal: ${WORK}/journal.db
listen: ""
log: {format: "${FORMAT}"}
folders:
  - name: campaigns
    path: ${WORK}/drop
    rules: [{match: "**", template: Document, security: [Creative Internal]}]
  - name: polled
    path: ${WORK}/gone
    watch: poll
    after: move
    rules: [{match: "**", template: Document, security: [Creative Internal]}]
`
