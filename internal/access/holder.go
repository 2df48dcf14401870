package access

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// explain says of an address that cannot be listened on why, and what to try.
func (a *Access) explain(err error) error {
	at := a.config.Listen
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		who := "another program has it"
		if _, port, splitErr := net.SplitHostPort(at); splitErr == nil {
			if pid, name := holder(port); pid != 0 {
				who = fmt.Sprintf("the process %d (%s) has it", pid, name)
			}
		}
		return fmt.Errorf("%s is in use: %s; end that program and restart this one, or set `listen` to another port and reload: %w", at, who, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is no address of this machine: set `listen` to one that it has (`ip address` lists them), or to 127.0.0.1: %w", at, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s may not be used by this user: set `listen` to a port above 1023: %w", at, err)
	}
	return fmt.Errorf("%s cannot be listened on: check `listen`: %w", at, err)
}

// holder returns the process that listens on a TCP port of this machine, with its name. 0 is
// that it cannot be known: only root sees the files of other users' processes.
func holder(port string) (pid int, name string) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0, ""
	}
	var sockets []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		sockets = append(sockets, listening(table, fmt.Sprintf(":%04X", number))...)
	}
	if len(sockets) == 0 {
		return 0, ""
	}
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is a good one
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && slices.Contains(sockets, to) {
			dir := filepath.Dir(filepath.Dir(fd))
			pid, _ = strconv.Atoi(filepath.Base(dir)) // it is a number
			comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
			return pid, string(bytes.TrimSpace(comm))
		}
	}
	return 0, ""
}

// listening returns the sockets of a table of the kernel that listen on a port, as the links
// of open files name them.
func listening(table, port string) (sockets []string) {
	f, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	const local, state, inode = 1, 3, 9
	for s := bufio.NewScanner(f); s.Scan(); {
		if c := strings.Fields(s.Text()); len(c) > inode && strings.HasSuffix(c[local], port) && c[state] == "0A" {
			sockets = append(sockets, "socket:["+c[inode]+"]")
		}
	}
	return sockets
}
