package sharefs

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Share is a mounted file system and its server. Its methods act as the server does:
// the kernel that has it mounted is not told. They are safe for concurrent use.
type Share struct {
	mu    sync.Mutex
	nodes map[uint64]*node
	dirs  map[uint64][]string // listings under way, by their handles
	last  uint64              // number that was given out last
	opens int
	knobs
}

// knobs are in what the share differs from a local disk.
type knobs struct {
	clock    time.Duration // how far the server's clock is ahead of ours
	cached   time.Duration // for how long the client may answer from memory
	fold     bool          // the case of a name does not count
	renumber bool          // each answer has another inode number
	noChmod  bool          // modes cannot be set
	stale    syscall.Errno // what it is to open a file by a name that it had before
}

type node struct {
	id, ino      uint64
	mode         uint32
	children     map[string]*node // of a directory
	data         []byte
	mtime, ctime time.Time

	opening, reading syscall.Errno // how it is refused, 0 if it is not

	// Of a name that a file had before: the file, and how its open is refused.
	was   *node
	stale syscall.Errno
}

// Mount mounts a share at dir, which must be there, until the test ends.
func Mount(t *testing.T, dir string) *Share {
	t.Helper()
	return MountAs(t, dir, "share")
}

// MountAs is Mount of a file system that the kernel knows by the name of a FUSE one.
func MountAs(t *testing.T, dir, name string) *Share {
	t.Helper()
	s := &Share{nodes: make(map[uint64]*node), dirs: make(map[uint64][]string)}
	s.add(nil, "", unix.S_IFDIR|0o755)
	server, err := fuse.NewServer(kernel{fuse.NewDefaultRawFileSystem(), s}, dir, &fuse.MountOptions{DirectMountStrict: true, FsName: "server:/share", Name: name, MaxBackground: 32, DisableReadDirPlus: true})
	if err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount the share: %v", err)
		}
		server.Wait()
	})
	return s
}

// SetClock has the server's clock differ from ours from now on.
func (s *Share) SetClock(ahead time.Duration) { s.set(func() { s.clock = ahead }) }

// Cache has the client answer from memory for so long.
func (s *Share) Cache(d time.Duration) { s.set(func() { s.cached = d }) }

// FoldCase has the case of names not count.
func (s *Share) FoldCase() { s.set(func() { s.fold = true }) }

// Renumber has each answer tell another inode number.
func (s *Share) Renumber() { s.set(func() { s.renumber = true }) }

// RefuseChmod has modes not be set, as for whoever is not the owner.
func (s *Share) RefuseChmod() { s.set(func() { s.noChmod = true }) }

// StaleNames has files be seen by the names that they had before Rename, too, but
// opening them there be refused.
func (s *Share) StaleNames(refusal syscall.Errno) { s.set(func() { s.stale = refusal }) }

// RefuseOpen has opening a file be refused, or not if why is 0.
func (s *Share) RefuseOpen(name string, why syscall.Errno) {
	s.set(func() { s.must(name).opening = why })
}

// RefuseRead has reading an open file be refused, or not if why is 0.
func (s *Share) RefuseRead(name string, why syscall.Errno) {
	s.set(func() { s.must(name).reading = why })
}

func (s *Share) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Write puts a file in the place of what it held before, with its directories.
func (s *Share) Write(name, content string) {
	s.set(func() {
		n := s.make(name)
		n.data = []byte(content)
		s.changed(n)
	})
}

// Append has a file grow.
func (s *Share) Append(name, content string) {
	s.set(func() {
		n := s.make(name)
		n.data = append(n.data, content...)
		s.changed(n)
	})
}

// Replace puts another file into the place of one: to those who know that, it is stale.
func (s *Share) Replace(name, content string) {
	s.set(func() {
		n := s.must(name)
		delete(s.nodes, n.id)
		delete(s.must(path.Dir(name)).children, path.Base(name))
		n = s.make(name)
		n.data = []byte(content)
		s.changed(n)
	})
}

// Age sets the times of a file back by so much.
func (s *Share) Age(name string, by time.Duration) {
	s.set(func() {
		n := s.must(name)
		n.mtime, n.ctime = n.mtime.Add(-by), n.ctime.Add(-by)
	})
}

// Rename gives a file or a directory another name.
func (s *Share) Rename(from, to string) {
	s.set(func() {
		n := s.must(from)
		if s.stale != 0 {
			s.last++
			s.nodes[s.last] = &node{id: s.last, was: n, stale: s.stale}
			defer func() { s.must(path.Dir(from)).children[path.Base(from)] = s.nodes[s.last] }()
		}
		s.move(s.must(path.Dir(from)), path.Base(from), s.must(path.Dir(to)), path.Base(to))
	})
}

// Read returns what a file holds, and whether it is there.
func (s *Share) Read(name string) (content string, there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.find(name); n != nil {
		return string(n.data), true
	}
	return "", false
}

// Opens returns how often a file was opened.
func (s *Share) Opens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opens
}

// Files lists the files below the root, and what each holds.
func (s *Share) Files() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]string)
	var walk func(dir string, n *node)
	walk = func(dir string, n *node) {
		for name, c := range n.children {
			switch {
			case c.children != nil:
				walk(path.Join(dir, name), c)
			case c.was == nil:
				out[path.Join(dir, name)] = string(c.data)
			}
		}
	}
	walk("", s.nodes[fuse.FUSE_ROOT_ID])
	return out
}

// What follows is called under the lock.

func (s *Share) now() time.Time { return time.Now().Add(s.clock) }

func (s *Share) changed(n *node) { n.mtime, n.ctime = s.now(), s.now() }

func (s *Share) add(parent *node, name string, mode uint32) *node {
	s.last++
	n := &node{id: s.last, ino: s.last, mode: mode}
	if mode&unix.S_IFMT == unix.S_IFDIR {
		n.children = make(map[string]*node)
	}
	s.changed(n)
	s.nodes[n.id] = n
	if parent != nil {
		parent.children[name] = n
		s.changed(parent)
	}
	return n
}

// child returns what has a name in a directory, and the name as it is written.
func (s *Share) child(dir *node, name string) (*node, string) {
	if n := dir.children[name]; n != nil || !s.fold {
		return n, name
	}
	for _, other := range slices.Sorted(maps.Keys(dir.children)) {
		if strings.EqualFold(other, name) {
			return dir.children[other], other
		}
	}
	return nil, name
}

func (s *Share) find(name string) *node {
	n := s.nodes[fuse.FUSE_ROOT_ID]
	if name == "." || name == "" {
		return n
	}
	for part := range strings.SplitSeq(name, "/") {
		if n = n.children[part]; n == nil {
			return nil
		}
	}
	return n
}

func (s *Share) must(name string) *node {
	n := s.find(name)
	if n == nil {
		panic(fmt.Sprintf("the share has no %s", name))
	}
	return n
}

// make returns the file of a name, made with its directories if it is not there.
func (s *Share) make(name string) *node {
	if n := s.find(name); n != nil && n.was == nil {
		return n
	}
	return s.add(s.makeDir(path.Dir(name)), path.Base(name), unix.S_IFREG|0o644)
}

func (s *Share) makeDir(name string) *node {
	if n := s.find(name); n != nil {
		return n
	}
	return s.add(s.makeDir(path.Dir(name)), path.Base(name), unix.S_IFDIR|0o755)
}

func (s *Share) move(from *node, name string, to *node, as string) {
	n := from.children[name]
	delete(from.children, name)
	if _, other := s.child(to, as); other != as {
		delete(to.children, other)
	}
	to.children[as] = n
	n.ctime = s.now()
	s.changed(from)
	s.changed(to)
}
