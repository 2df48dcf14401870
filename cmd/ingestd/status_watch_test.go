package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestStatusWatch follows a journal on a terminal and in a pipe: both show anew what
// changes, the terminal in the place of what was there, and both end with Ctrl-C and 0.
func TestStatusWatch(t *testing.T) {
	r := newRoom(t, newStand(t, "1.5", nil))
	if code, _, stderr := r.run("backfill"); code != 0 {
		t.Fatal(code, stderr)
	}
	piped := r.start("status", "--watch")
	json := r.start("status", "--watch", "--json", "--all")
	cmd, shown := r.onTerminal(nil, "status", "--watch")
	for _, out := range []*buffer{&piped.stdout, shown} {
		eventually(t, "the books to be shown", func() bool { return strings.Count(out.String(), "FOLDER") == 1 })
	}
	eventually(t, "the JSON to be there", func() bool { return strings.Count(json.stdout.String(), "\n") == 1 })
	if strings.Contains(piped.stdout.String(), "\x1b") || !strings.Contains(shown.String(), "\x1b[H\x1b[2J") {
		t.Errorf("the pipe has %q, the terminal %q", piped.stdout.String(), shown)
	}

	r.write("Acme/a.jpg", "a")
	if code, _, stderr := r.run("backfill"); code != 0 {
		t.Fatal(code, stderr)
	}
	for _, out := range []*buffer{&piped.stdout, shown, &json.stdout} {
		eventually(t, "the file to be shown", func() bool {
			return strings.Contains(out.String(), "a.jpg") || strings.Count(out.String(), "FOLDER") > 1 && strings.Contains(out.String()[strings.LastIndex(out.String(), "FOLDER"):], " 1 ")
		})
	}
	for _, p := range []*process{piped, json} {
		p.signal(os.Interrupt)
		if code := p.wait(patience); code != 0 {
			t.Errorf("it ended with %d: %s", code, p.stderr.String())
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("on the terminal it ended with %v", err)
	}
}

// What a terminal has no lines for is counted.
func TestFirstLines(t *testing.T) {
	for _, tc := range []struct {
		text string
		most int
		want string
	}{
		{"a\nb\nc\n", 3, "a\nb\nc\n"},
		{"a\nb\nc\nd\n", 3, "a\nb\n… and 2 lines more: --summary, --folder, --held and --since show less\n"},
		{"a\nb\n", 0, "a\nb\n"},
	} {
		if got := firstLines(tc.text, tc.most); got != tc.want {
			t.Errorf("%q: got %q", tc.text, got)
		}
	}
}
