package manifest

import (
	"fmt"
	"path"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Directories tells a Folder what lies in its directories.
type Directories interface {
	// Manifests returns the manifests in a directory, by name: the same File for the
	// same path each time. There are none in a directory that is not there or may not be
	// listed; the error is about one that cannot be listed for now.
	Manifests(root *file.Root, dir string) ([]*File, error)
	// IsCompanion reports whether the file of a path only speaks of others.
	IsCompanion(path string) bool
}

// Folder finds the rows of the manifests of one drop folder. It is safe for concurrent
// use.
type Folder struct {
	Root string // path of the drop folder
	Options
	Cache *Cache
	// VirtualRows is how many rows of a manifest may be assets although no file is
	// there.
	VirtualRows int
	Directories Directories
}

// in returns the manifests that lie in a directory, by name.
func (f *Folder) in(root *file.Root, dir string) ([]readManifest, error) {
	found, err := f.Directories.Manifests(root, dir)
	if err != nil {
		return nil, err
	}
	out := make([]readManifest, 0, len(found))
	for _, m := range found {
		now := m.read(root, f.Options, f.Cache, false)
		if now.err == nil && now.Manifest == nil {
			continue // gone
		}
		out = append(out, now)
	}
	return out, nil
}

// read returns the manifest at a path below the folder, pinned as with File.read.
func (f *Folder) read(root *file.Root, rel string) (readManifest, error) {
	found, err := f.Directories.Manifests(root, path.Dir(rel))
	if err != nil {
		return readManifest{}, err
	}
	for _, m := range found {
		if m.path == rel {
			return m.read(root, f.Options, f.Cache, true), nil
		}
	}
	return readManifest{}, nil
}

// Nearest returns the rows for a file of the nearest directory whose manifests have
// any, one a manifest, and that directory. Manifests that cannot be read are told and
// passed over, unless that may pass.
func (f *Folder) Nearest(root *file.Root, of string, unreadable func(path string, err error)) (rows []Row, dir string, err error) {
	for dir = path.Dir(of); ; dir = path.Dir(dir) {
		all, err := f.in(root, dir)
		if err != nil {
			return nil, "", fmt.Errorf("look for manifests: %w", err)
		}
		for _, m := range all {
			if passing(m.err) {
				return nil, "", fmt.Errorf("read the manifest: %w", m.err)
			}
			if m.err != nil {
				unreadable(m.path, m.err)
				continue
			}
			if row, ok := m.Row(file.Below(of, dir)); ok {
				rows = append(rows, row)
			}
		}
		if len(rows) > 0 || dir == "." {
			return rows, dir, nil
		}
	}
}

// at reads the manifest at a path below the folder, waiting for room and for
// others who read it: without a Manifest if there is none, or with the error for which
// it cannot be read. It is kept until it is unpinned. The error returned is about what
// may pass.
func (f *Folder) at(root *file.Root, rel string) (found readManifest, err error) {
	err = f.Cache.Patiently(func() (err error) {
		if found, err = f.read(root, rel); err != nil {
			return fmt.Errorf("look for manifests: %w", err)
		}
		if passing(found.err) {
			return fmt.Errorf("read the manifest: %w", found.err)
		}
		return nil
	})
	return found, err
}

// unpin lets a manifest be let go that at returned.
func (f *Folder) unpin(m readManifest) {
	if m.Manifest != nil {
		f.Cache.unpin(m.table)
	}
}
