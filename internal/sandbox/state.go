package sandbox

import (
	"cmp"
	"maps"
	"slices"
)

// State is everything that a test may want to assert, as it was at one moment.
type State struct {
	Assets     []Asset     `json:"assets"`  // in the order of creation, deleted ones included
	Uploads    []Upload    `json:"uploads"` // multipart, ended ones included, in the order of creation
	Counts     Counts      `json:"counts"`
	Violations []Violation `json:"violations"`
	Unused     []Fault     `json:"unusedFaults"`
	InFlight   int         `json:"inFlight"` // requests that have begun and not ended
}

// OpenUploads are the multipart uploads that were neither completed nor
// cancelled.
func (s State) OpenUploads() []Upload {
	return slices.DeleteFunc(slices.Clone(s.Uploads), func(u Upload) bool { return u.Status != "open" })
}

// State returns a copy of what the server knows.
func (s *Server) State() State {
	s.applyBulkEdits()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := State{Assets: []Asset{}, Uploads: []Upload{}, Counts: s.counts, Unused: s.faultsLocked(true),
		Violations: append([]Violation{}, s.bad...), InFlight: s.log.begun - s.log.ended}
	out.Counts.Requests = maps.Clone(s.counts.Requests)
	for _, a := range s.db.assets() {
		x := *a
		x.Metadata, x.SecurityIDs, x.Versions = slices.Clone(a.Metadata), slices.Clone(a.SecurityIDs), nil
		for _, v := range s.db.chains[a.OriginalFileID] {
			x.Versions = append(x.Versions, v.ObjectID)
		}
		out.Assets = append(out.Assets, x)
	}
	for _, u := range s.db.uploads {
		x := u.Upload
		x.Parts = slices.Clone(u.Parts)
		out.Uploads = append(out.Uploads, x)
	}
	slices.SortFunc(out.Uploads, func(a, b Upload) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// Purge removes an asset for good, as the vendor's own recycle bin does. It
// reports whether there was one. Its content stays on disk.
func (s *Server) Purge(objectID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.db.byObject[objectID]
	if a == nil {
		return false
	}
	s.db.purge(a)
	s.db.flip(a.OriginalFileID, s.opt)
	return true
}

// ExpireSessions makes every access token invalid at once; refreshing still
// works unless refresh tokens go too.
func (s *Server) ExpireSessions(refreshToo bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.sessions.byAccess {
		x.expires = s.clock()
		x.revoked = x.revoked || refreshToo
	}
}
