package sharefs

import (
	"maps"
	"slices"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// kernel answers what the kernel asks. Every method is one of fuse.RawFileSystem.
type kernel struct {
	fuse.RawFileSystem
	*Share
}

// at calls do with the node of a number.
func (s *Share) at(id uint64, do func(*node) syscall.Errno) fuse.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[id]
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return fuse.Status(do(n))
}

// attr is what the server tells of a node.
func (s *Share) attr(n *node, out *fuse.Attr) {
	if n.was != nil {
		n = n.was
	}
	*out = fuse.Attr{Ino: n.ino, Size: uint64(len(n.data)), Mode: n.mode, Nlink: 1, Blksize: 4096, Blocks: uint64(len(n.data)+511) / 512}
	out.SetTimes(&n.mtime, &n.mtime, &n.ctime)
	if s.renumber {
		s.last++
		out.Ino += s.last << 20
	}
}

func (s *Share) entry(n *node, out *fuse.EntryOut) syscall.Errno {
	out.NodeId, out.Generation = n.id, 1
	out.SetEntryTimeout(s.cached)
	out.SetAttrTimeout(s.cached)
	s.attr(n, &out.Attr)
	return 0
}

// Lookup finds a name in a directory.
func (s kernel) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	return s.at(header.NodeId, func(dir *node) syscall.Errno {
		n, _ := s.child(dir, name)
		if n == nil {
			return syscall.ENOENT
		}
		return s.entry(n, out)
	})
}

// GetAttr tells of a node.
func (s kernel) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return s.at(in.NodeId, func(n *node) syscall.Errno {
		out.SetTimeout(s.cached)
		s.attr(n, &out.Attr)
		return 0
	})
}

// SetAttr changes mode, size and times.
func (s kernel) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	return s.at(in.NodeId, func(n *node) syscall.Errno {
		if mode, ok := in.GetMode(); ok {
			if s.noChmod {
				return syscall.EPERM
			}
			n.mode = n.mode&unix.S_IFMT | mode&0o7777
		}
		if size, ok := in.GetSize(); ok {
			data := make([]byte, size)
			copy(data, n.data)
			n.data, n.mtime = data, s.now()
		}
		if t, ok := in.GetMTime(); ok {
			n.mtime = t
		}
		n.ctime = s.now()
		out.SetTimeout(s.cached)
		s.attr(n, &out.Attr)
		return 0
	})
}

// Mkdir makes a directory.
func (s kernel) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return s.at(in.NodeId, func(dir *node) syscall.Errno {
		if n, _ := s.child(dir, name); n != nil {
			return syscall.EEXIST
		}
		return s.entry(s.add(dir, name, unix.S_IFDIR|in.Mode&0o777), out)
	})
}

// Unlink removes a file.
func (s kernel) Unlink(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return s.remove(header.NodeId, name)
}

// Rmdir removes a directory that is empty.
func (s kernel) Rmdir(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return s.remove(header.NodeId, name)
}

func (s kernel) remove(id uint64, name string) fuse.Status {
	return s.at(id, func(dir *node) syscall.Errno {
		n, written := s.child(dir, name)
		switch {
		case n == nil:
			return syscall.ENOENT
		case len(n.children) > 0:
			return syscall.ENOTEMPTY
		}
		delete(dir.children, written)
		s.changed(dir)
		return 0
	})
}

// Rename moves a name.
func (s kernel) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	return s.at(in.NodeId, func(dir *node) syscall.Errno {
		target := s.nodes[in.Newdir]
		n, written := s.child(dir, from)
		if n == nil || target == nil {
			return syscall.ENOENT
		}
		if other, _ := s.child(target, to); other != nil && other != n && in.Flags&unix.RENAME_NOREPLACE != 0 {
			return syscall.EEXIST
		}
		s.move(dir, written, target, to)
		return 0
	})
}

// Create makes and opens a file.
func (s kernel) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	return s.at(in.NodeId, func(dir *node) syscall.Errno {
		n, _ := s.child(dir, name)
		if n == nil {
			n = s.add(dir, name, unix.S_IFREG|in.Mode&0o777)
		}
		out.OpenFlags = fuse.FOPEN_DIRECT_IO
		return s.entry(n, &out.EntryOut)
	})
}

// Open opens a file. Its bytes are asked for at each read.
func (s kernel) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return s.at(in.NodeId, func(n *node) syscall.Errno {
		out.OpenFlags = fuse.FOPEN_DIRECT_IO
		s.opens++
		if n.was != nil {
			return n.stale
		}
		return n.opening
	})
}

// Read reads an open file.
func (s kernel) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	read := 0
	st := s.at(in.NodeId, func(n *node) syscall.Errno {
		if n.reading == 0 && in.Offset < uint64(len(n.data)) {
			read = copy(buf, n.data[in.Offset:])
		}
		return n.reading
	})
	return fuse.ReadResultData(buf[:read]), st
}

// Write writes an open file.
func (s kernel) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	return uint32(len(data)), s.at(in.NodeId, func(n *node) syscall.Errno {
		if end := in.Offset + uint64(len(data)); end > uint64(len(n.data)) {
			grown := make([]byte, end)
			copy(grown, n.data)
			n.data = grown
		}
		copy(n.data[in.Offset:], data)
		s.changed(n)
		return 0
	})
}

// Flush has nothing to do.
func (s kernel) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

// Fsync has nothing to do.
func (s kernel) Fsync(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return fuse.OK }

// OpenDir begins a listing.
func (s kernel) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return s.at(in.NodeId, func(dir *node) syscall.Errno {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(dir.children)) {
			if dir.children[name].was == nil {
				names = append(names, name)
			}
		}
		s.last++
		out.Fh = s.last
		s.dirs[out.Fh] = names
		return 0
	})
}

// ReadDir goes on with a listing.
func (s kernel) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return s.at(in.NodeId, func(dir *node) syscall.Errno {
		names := s.dirs[in.Fh]
		for i := int(in.Offset); i < len(names); i++ {
			e := fuse.DirEntry{Name: names[i], Mode: unix.S_IFREG, Ino: 1, Off: uint64(i + 1)}
			if n := dir.children[names[i]]; n != nil {
				e.Mode, e.Ino = n.mode, n.ino
			}
			if !out.AddDirEntry(e) {
				break
			}
		}
		return 0
	})
}

// ReleaseDir ends a listing.
func (s kernel) ReleaseDir(in *fuse.ReleaseIn) { s.set(func() { delete(s.dirs, in.Fh) }) }

// StatFs tells of an endless disk.
func (s kernel) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	*out = fuse.StatfsOut{Blocks: 1 << 30, Bfree: 1 << 30, Bavail: 1 << 30, Bsize: 4096, NameLen: 255}
	return fuse.OK
}
