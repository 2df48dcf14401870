package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/config"
)

// person is the user in whose name the kernel is asked what it allows: that of the
// process, or, where root asks, the daemon's.
type person struct {
	name     string
	uid, gid int
	groups   []int
	other    bool // than the user of the process
}

func (p person) String() string { return "user " + p.name }

// ourselves is the user of the process.
func ourselves() person {
	groups, _ := os.Getgroups() // without them a warning too many is the worst
	p := person{uid: os.Geteuid(), gid: os.Getegid(), groups: groups}
	p.name = nameOf(p.uid)
	return p
}

func nameOf(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// daemonUser is who the daemon of a configuration runs as, as far as it can be known. Only
// root can ask in another's name: of the one given, of the unit that names the
// configuration file, or else of the owner of the journal, or of its directory.
func daemonUser(ctx context.Context, cfg *config.Config, given string) (person, error) {
	us := ourselves()
	if given != "" {
		p, err := personNamed(given)
		if err == nil && p.uid != us.uid && us.uid != 0 {
			err = errors.New("only root can ask in the name of another user")
		}
		if err != nil {
			return us, &usageError{fmt.Errorf("--user %s: %w", given, err)}
		}
		p.other = p.uid != us.uid
		return p, nil
	}
	if us.uid != 0 || cfg == nil {
		return us, nil
	}
	if p, ok := userOfUnit(ctx, cfg.File); ok {
		return p, nil
	}
	for _, path := range []string{cfg.Journal, filepath.Dir(cfg.Journal)} {
		info, err := lstat(path)
		if err != nil || cfg.Journal == "" {
			continue
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || st.Uid == 0 {
			return us, nil
		}
		p, err := personKnown(strconv.Itoa(int(st.Uid)))
		if err != nil { // a user without a name, as in a container
			p = person{name: strconv.Itoa(int(st.Uid)), uid: int(st.Uid), gid: int(st.Gid)}
		}
		p.other = true
		return p, nil
	}
	return us, nil
}

// personNamed looks up a user by name or by number. USER:GROUP,... gives the groups, which
// nobody knows of a user without a name.
func personNamed(text string) (person, error) {
	name, groups, given := strings.Cut(text, ":")
	p, err := personKnown(name)
	if err != nil {
		id, iderr := strconv.ParseUint(name, 10, 31)
		if iderr != nil {
			return p, err
		}
		p = person{name: name, uid: int(id), gid: int(id)}
	}
	if !given {
		return p, nil
	}
	p.groups = nil
	for group := range strings.SplitSeq(groups, ",") {
		id, err := strconv.ParseUint(group, 10, 31)
		if err != nil {
			g, err := user.LookupGroup(group)
			if err != nil {
				return p, err
			}
			if id, err = strconv.ParseUint(g.Gid, 10, 31); err != nil {
				return p, err
			}
		}
		p.groups = append(p.groups, int(id))
	}
	p.gid = p.groups[0]
	return p, nil
}

func personKnown(name string) (person, error) {
	u, err := user.Lookup(name)
	if err != nil {
		byID, iderr := user.LookupId(name)
		if iderr != nil {
			return person{}, err
		}
		u = byID
	}
	p := person{name: u.Username}
	if p.uid, err = strconv.Atoi(u.Uid); err != nil {
		return p, err
	}
	if p.gid, err = strconv.Atoi(u.Gid); err != nil {
		return p, err
	}
	ids, err := u.GroupIds()
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			p.groups = append(p.groups, n)
		}
	}
	return p, err
}

// userOfUnit asks systemd for the user of the unit, if that runs with this configuration.
func userOfUnit(ctx context.Context, file string) (person, bool) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return person{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", "show", "ingestd.service", "-p", "User", "-p", "SupplementaryGroups", "-p", "ExecStart").Output()
	if err != nil {
		return person{}, false // there is no systemd here
	}
	values := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = value
	}
	if values["User"] == "" || !slices.Contains(strings.Fields(values["ExecStart"]), abs) {
		return person{}, false
	}
	p, err := personNamed(values["User"])
	if err != nil {
		return person{}, false
	}
	for name := range strings.FieldsSeq(values["SupplementaryGroups"]) {
		if g, err := user.LookupGroup(name); err == nil {
			if n, err := strconv.Atoi(g.Gid); err == nil {
				p.groups = append(p.groups, n)
			}
		}
	}
	p.other = p.uid != os.Geteuid()
	return p, true
}

// asks runs work with the rights of the user and no others, on a thread of its own that
// ends with it: what the kernel answers there is what it will answer the daemon, access
// lists, read-only mounts and servers of shares included. The work may use no other
// goroutine.
func (p person) asks(work func()) error {
	if !p.other {
		work()
		return nil
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for ever: no other goroutine is to run in this name
		err := p.become()
		if err == nil {
			work()
		}
		done <- err
	}()
	return <-done
}

// become gives the thread, and it alone, the user's ids: the functions of package syscall
// would give them to the whole process. With root's ids go root's capabilities.
func (p person) become() error {
	if strconv.IntSize < 64 {
		return errors.New("only 64-bit systems can be asked in the name of another user")
	}
	groups := []uint32{uint32(p.gid)}
	for _, g := range p.groups {
		groups = append(groups, uint32(g))
	}
	for _, call := range [][4]uintptr{
		{unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(&groups[0]))},
		{unix.SYS_SETRESGID, uintptr(p.gid), uintptr(p.gid), uintptr(p.gid)},
		{unix.SYS_SETRESUID, uintptr(p.uid), uintptr(p.uid), uintptr(p.uid)},
	} {
		if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
			return fmt.Errorf("ask in the name of user %s: %w", p.name, errno)
		}
	}
	runtime.KeepAlive(groups)
	return nil
}

// readable says what keeps the thread's user from reading a file or a directory.
func readable(path string) error { return pathError("read", path, unix.Access(path, unix.R_OK)) }

// listable says what keeps the thread's user from listing a directory and entering it.
func listable(dir string) error {
	if err := readable(dir); err != nil {
		return err
	}
	return pathError("enter", dir, unix.Access(dir, unix.X_OK))
}

// missing reports that there is nothing under a path.
func missing(path string) bool { return errors.Is(unix.Access(path, unix.F_OK), fs.ErrNotExist) }

// changeable says what keeps the thread's user from adding and removing names in a
// directory.
func changeable(dir string) error {
	return pathError("change", dir, unix.Access(dir, unix.W_OK|unix.X_OK))
}

func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// removable says what keeps a file from being moved out of a directory that can be
// changed: the sticky bit, or an attribute of the file.
func (p person) removable(dir os.FileInfo, path string) error {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_UID, &st); err != nil {
		return nil //nolint:nilerr // it is gone, or its file system knows nothing of this
	}
	owner, ok := dir.Sys().(*syscall.Stat_t)
	switch {
	case st.Attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0:
		return errors.New("an attribute of the file forbids it (see chattr)")
	case ok && dir.Mode()&fs.ModeSticky != 0 && p.uid != 0 && p.uid != int(owner.Uid) && p.uid != int(st.Uid):
		return fmt.Errorf("the file belongs to %s, and the sticky bit of its directory leaves it to that user alone", nameOf(int(st.Uid)))
	}
	return nil
}
