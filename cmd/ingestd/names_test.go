package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// What a name, or a reason that repeats it, does to a terminal is escaped in what every
// command prints, JSON included, and in the text beside a file that failed.
func TestNamesReachNoTerminalRaw(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["AFTER"] = "move"
	plain := "صورة 👩\u200d👧 grün.jpg"
	evil := "a\x1b[31m\u202egpj\u2066\u009b\u061c\u200e\x7f\nfaked line\xff.jpg"
	r.write("acme/"+plain, "plain")
	r.write("acme/"+evil, "plain") // the reason names the other one
	if code, _, stderr := r.run("backfill"); code != exitDone {
		t.Fatal(code, stderr)
	}
	path := filepath.Join(r.drop, "acme", evil)
	printed := map[string]string{}
	for _, args := range [][]string{
		{"status", "--all"}, {"status", "--all", "--json"}, {"explain", path}, {"explain", "--json", path}, {"explain", path + "x"},
		{"backfill", "--dry-run"}, {"retry", "1", "2"}, {"retry", "1", "2", "--json"}, {"cancel", "1", "2"}, {"verify", "1", "2"},
		{"backup", filepath.Join(r.drop, evil, evil)}, {"retry", evil}, {evil},
	} {
		_, out, errs := r.run(args...)
		printed[strings.Join(args[:len(args)-1], " ")+"…"] = out + errs
		for _, bad := range []string{"\x1b", "\u202e", "\u2066", "\u009b", "\u061c", "\u200e", "\x7f", "\xff"} {
			if strings.Contains(out, bad) || strings.Contains(errs, bad) {
				t.Errorf("%q prints %q:\n%q\n%q", args, bad, out, errs)
			}
		}
		for line := range strings.Lines(out + errs) {
			if strings.HasPrefix(line, "faked line") {
				t.Errorf("%q prints a line of a name's own: %q", args, line)
			}
		}
	}
	if out := printed["status…"]; !strings.Contains(out, plain) || !strings.Contains(out, `\u202e`) {
		t.Errorf("status prints %s", out)
	}
}
