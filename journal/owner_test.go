package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestUnitOf(t *testing.T) {
	for groups, want := range map[string]string{
		"0::/system.slice/ingestd.service\n":                                                      "ingestd.service false",
		"0::/system.slice/ingestd.service/worker\n":                                               "ingestd.service false",
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/ingestd.service\n":            "ingestd.service true",
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-terminal-7.scope\n": " false",
		"0::/user.slice/user-1000.slice/session-3.scope\n":                                        " false",
		"12:pids:/system.slice/x.service\n1:name=systemd:/system.slice/ingestd@a.service\n":       "ingestd@a.service false",
		"0::/\n": " false",
		"":       " false",
		"nonsense\n0::/../../system.slice/ingestd.service\n": "ingestd.service false",
	} {
		unit, user := unitOf(groups)
		if got := fmt.Sprint(unit, " ", user); got != want {
			t.Errorf("%q is %q, want %q", groups, got, want)
		}
	}
}

// TestOwnerIsTold has another process own the journal: whoever opens it is told which, and
// since when, and nothing of one that has ended.
func TestOwnerIsTold(t *testing.T) {
	r := newRig(t)
	r.ok(r.Close())
	before := time.Now().Add(-time.Minute)
	said, end := r.child("open")
	if said != "ok" {
		t.Fatal(said)
	}
	_, err := Open(t.Context(), r.path, Options{})
	r.fails(err, ErrLocked)
	locked, ok := errors.AsType[*LockedError](err)
	if !ok || locked.Owner.PID == 0 || locked.Owner.PID == os.Getpid() {
		t.Fatalf("the error is %v", err)
	}
	if o := locked.Owner; o.Since.Before(before) || o.Since.After(time.Now().Add(time.Minute)) || !strings.HasPrefix(o.Command, filepath.Base(os.Args[0])) {
		t.Errorf("the owner is %+v", o)
	}
	for _, want := range []string{r.path, fmt.Sprintf("process %d (", locked.Owner.PID), "since 20", "Look at it with `", "stop it first (`", "ingestd status"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	end()
	if o := OwnerOf(r.path); o.PID != 0 {
		t.Errorf("of one that has ended it is told: %v", o)
	}
	r.reopen()
}

// What is said of an owner leads to the tool that shows it.
func TestOwnerInWords(t *testing.T) {
	since := time.Date(2026, 1, 31, 8, 0, 0, 0, time.Local)
	for _, tc := range []struct {
		owner Owner
		want  string
	}{
		{Owner{}, "another ingestd owns this journal: a process that /proc does not show here, as of a container. Stop it first, or use a command that works beside it, as `ingestd status` does"},
		{Owner{PID: 7, Command: "ingestd backfill", Since: since}, "another ingestd owns this journal: process 7 (ingestd backfill), since 2026-01-31 08:00:00. " +
			"Look at it with `ps -fp 7`; stop it first (`kill 7`), or use a command that works beside it, as `ingestd status` does"},
		{Owner{PID: 7, Command: "ingestd run", Unit: "ingestd.service", Since: since}, "another ingestd owns this journal: process 7 (ingestd run), unit ingestd.service, since 2026-01-31 08:00:00. " +
			"Look at it with `systemctl status ingestd.service`; stop it first (`systemctl stop ingestd.service`), or use a command that works beside it, as `ingestd status` does"},
		{Owner{PID: 7, Unit: "a.service", User: true}, "another ingestd owns this journal: process 7, unit a.service. " +
			"Look at it with `systemctl --user status a.service`; stop it first (`systemctl --user stop a.service`), or use a command that works beside it, as `ingestd status` does"},
	} {
		if got := (&LockedError{tc.owner}).Error(); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
	if got := commandLine([]byte("/usr/bin/ingestd\x00run\x00-c\x00a\nb\x1b\x00")); got != "ingestd run -c a?b?" {
		t.Errorf("the command line is shown as %q", got)
	}
}
