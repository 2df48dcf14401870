package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Owner is the process that owns a journal, as far as /proc tells it: of another user's
// process, too, unless that is hidden. What cannot be told is empty.
type Owner struct {
	PID     int
	Command string // its command line
	Unit    string // of systemd, if it is a service
	User    bool   // the unit is of a user's systemd
	Since   time.Time
}

// OwnerOf returns the process that owns the journal at path; its PID is 0 for none, or for
// one that cannot be told. The kernel's table of locks names it, so that nothing that a dead
// process left behind is believed.
func OwnerOf(path string) Owner {
	pid := holderOf(path + ".lock")
	if pid == 0 {
		return Owner{}
	}
	o := Owner{PID: pid, Since: started(pid)}
	if line, err := os.ReadFile(proc(pid, "cmdline")); err == nil {
		o.Command = commandLine(line)
	}
	if groups, err := os.ReadFile(proc(pid, "cgroup")); err == nil {
		o.Unit, o.User = unitOf(string(groups))
	}
	if holderOf(path+".lock") != pid { // it ended meanwhile, and its number may be another's
		return Owner{}
	}
	return o
}

// String names the process: "process 812 (ingestd run), unit ingestd.service, since ...".
func (o Owner) String() string {
	if o.PID == 0 {
		return "a process that /proc does not show here, as of a container"
	}
	text := "process " + strconv.Itoa(o.PID)
	if o.Command != "" {
		text += " (" + o.Command + ")"
	}
	if o.Unit != "" {
		text += ", unit " + o.Unit
	}
	if !o.Since.IsZero() {
		text += ", since " + o.Since.Format(time.DateTime)
	}
	return text
}

// Look is the command that shows how the process does, Stop the one that ends it; "" for a
// process that is not known.
func (o Owner) Look() string { return o.by("status", "ps -fp") }

// Stop is told with Look.
func (o Owner) Stop() string { return o.by("stop", "kill") }

// Restart is the command that ends the process and begins another; "" where no unit does.
func (o Owner) Restart() string {
	if o.Unit == "" {
		return ""
	}
	return o.by("restart", "")
}

func (o Owner) by(verb, plain string) string {
	switch {
	case o.PID == 0:
		return ""
	case o.Unit == "":
		return fmt.Sprintf("%s %d", plain, o.PID)
	case o.User:
		return "systemctl --user " + verb + " " + o.Unit
	}
	return "systemctl " + verb + " " + o.Unit
}

// LockedError is ErrLocked with the process that owns the journal.
type LockedError struct{ Owner Owner }

// Error names the owner, how to look at it, and what can be done.
func (e *LockedError) Error() string {
	text := ErrLocked.Error() + ": " + e.Owner.String() + ". "
	if e.Owner.PID != 0 {
		text += fmt.Sprintf("Look at it with `%s`; stop it first (`%s`)", e.Owner.Look(), e.Owner.Stop())
	} else {
		text += "Stop it first"
	}
	return text + ", or use a command that works beside it, as `ingestd status` does"
}

// Is reports that the error is ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

func proc(pid int, name string) string { return filepath.Join("/proc", strconv.Itoa(pid), name) }

// holderOf returns the process that holds a file's exclusive lock, 0 for none, and where
// the table of locks leaves a doubt.
func holderOf(name string) (pid int) {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	locks, err := os.Open("/proc/locks")
	if err != nil || !ok {
		return 0
	}
	defer func() { _ = locks.Close() }() // read only
	// The device is compared where it says the same as stat, which it does not on some
	// file systems.
	exact := fmt.Sprintf("%02x:%02x:%d", unix.Major(stat.Dev), unix.Minor(stat.Dev), stat.Ino)
	other := 0
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		// 1: FLOCK  ADVISORY  WRITE 706 08:01:3221 0 EOF
		f := strings.Fields(lines.Text())
		if len(f) < 6 || f[1] != "FLOCK" || f[3] != "WRITE" || !strings.HasSuffix(f[5], ":"+strconv.FormatUint(stat.Ino, 10)) {
			continue
		}
		found, err := strconv.Atoi(f[4])
		switch {
		case err != nil || found <= 0:
			return 0
		case f[5] == exact:
			pid = found
		case other != 0 && other != found:
			other = -1
		default:
			other = found
		}
	}
	if pid == 0 {
		pid = max(other, 0)
	}
	if pid != 0 && !holds(pid, info) {
		return 0
	}
	return pid
}

// holds reports whether a process has a file open; of one whose descriptors are hidden,
// that it lives.
func holds(pid int, file os.FileInfo) bool {
	descriptors, err := os.ReadDir(proc(pid, "fd"))
	if errors.Is(err, os.ErrPermission) {
		return true // only a live process has the directory
	}
	for _, d := range descriptors {
		if info, err := os.Stat(filepath.Join(proc(pid, "fd"), d.Name())); err == nil && os.SameFile(info, file) {
			return true
		}
	}
	return false
}

// started returns when a process began; the zero time if that cannot be told.
func started(pid int) time.Time {
	const ticks = 100 // a second, in all of /proc (USER_HZ)
	stat, err := os.ReadFile(proc(pid, "stat"))
	if err != nil {
		return time.Time{}
	}
	// The name of the program, in brackets, may hold anything; the start is the 22nd field.
	_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return time.Time{}
	}
	since, err := strconv.ParseInt(fields[19], 10, 64)
	booted := bootTime()
	if err != nil || booted == 0 {
		return time.Time{}
	}
	return time.Unix(booted, 0).Add(time.Duration(since) * time.Second / ticks)
}

// bootTime is when the machine started, in seconds of unix time; 0 is not known.
func bootTime() int64 {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(stat)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "btime" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n
		}
	}
	return 0
}

// longestCommand bounds the characters of a command line that are shown.
const longestCommand = 200

// commandLine is a process's command line as it would be typed, its program by the last
// name of its path.
func commandLine(raw []byte) string {
	words := strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00")
	words[0] = path.Base(words[0])
	text := []rune(strings.Join(words, " "))
	if len(text) > longestCommand {
		text = append(text[:longestCommand], '…')
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, string(text))
}

// unitOf returns the service of systemd that a process is in, by its control group: the
// innermost, and whether a user's systemd runs it. A login session is none.
func unitOf(groups string) (unit string, user bool) {
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3) // 0::/system.slice/ingestd.service
		if len(f) < 3 || f[1] != "" && f[1] != "name=systemd" {
			continue
		}
		unit, user = "", false
		for name := range strings.SplitSeq(f[2], "/") {
			switch {
			case strings.HasPrefix(name, "user@") && strings.HasSuffix(name, ".service"):
				unit, user = "", true
			case strings.HasSuffix(name, ".service"):
				unit = name
			case strings.HasSuffix(name, ".scope"):
				unit = ""
			}
		}
		if unit != "" {
			return unit, user
		}
	}
	return "", false
}
