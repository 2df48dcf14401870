package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// saved is state.json: what an orderly restart keeps.
type saved struct {
	Key     []byte    `json:"key"` // signs URLs: those handed out stay valid
	Assets  []*Asset  `json:"assets"`
	Uploads []*Upload `json:"uploads"`
}

// save writes state.json, all or nothing. The lock is held.
func (s *Server) save() error {
	out := saved{Key: s.key, Assets: s.db.assets()}
	for _, u := range s.db.uploads {
		out.Uploads = append(out.Uploads, &u.Upload)
	}
	data, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	name := s.path("state.json")
	if err := os.WriteFile(name+".new", data, 0o600); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}

// load reads state.json, if there is one.
func (s *Server) load() error {
	data, err := os.ReadFile(s.path("state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	var in saved
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	s.key = in.Key
	for _, a := range in.Assets {
		s.db.add(a)
	}
	for _, u := range in.Uploads {
		s.db.uploads[u.ID] = &upload{Upload: *u}
	}
	return nil
}
