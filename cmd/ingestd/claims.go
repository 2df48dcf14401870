package main

import (
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/file"
)

// claims are what this process holds of drop folders, by their paths, from one engine to
// the next: a reload lets nobody else in between.
type claims map[string]*file.Claim

// of returns the claim of each folder, nil for one that may be shared, and lets go of
// all others.
func (c claims) of(folders []config.Folder) []*file.Claim {
	out := make([]*file.Claim, len(folders))
	wanted := make(map[string]bool)
	for i, f := range folders {
		if f.Shared {
			continue
		}
		if c[f.Path] == nil {
			c[f.Path] = &file.Claim{}
		}
		out[i], wanted[f.Path] = c[f.Path], true
	}
	for path, claim := range c {
		if !wanted[path] {
			claim.Release()
			delete(c, path)
		}
	}
	return out
}

// release lets go of all folders.
func (c claims) release() { c.of(nil) }
