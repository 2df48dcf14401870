package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// control serves the paths below /_sandbox/.
func (s *Server) control(w http.ResponseWriter, r *http.Request, path string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16*MiB))
	if err != nil {
		answer(w, nil, err)
		return
	}
	switch r.Method + " " + path {
	case "GET state":
		answer(w, s.State(), nil)
	case "GET requests":
		answer(w, s.Requests(), nil)
	case "GET options":
		answer(w, s.Options(), nil)
	case "POST options":
		err := s.configure(func(o *Options) error { return json.Unmarshal(body, o) })
		answer(w, s.Options(), err)
	case "GET faults":
		answer(w, s.Faults(), nil)
	case "POST faults":
		err := s.queueJSON(body)
		answer(w, s.Faults(), err)
	case "DELETE faults":
		s.ClearFaults()
		answer(w, s.Faults(), nil)
	case "POST purge":
		var req struct {
			ObjectID string `json:"objectId"`
		}
		if err := json.Unmarshal(body, &req); err != nil {
			answer(w, nil, err)
		} else if !s.Purge(req.ObjectID) {
			answer(w, nil, fmt.Errorf("there is no asset %q", req.ObjectID))
		} else {
			answer(w, map[string]any{}, nil)
		}
	case "POST expire":
		var req struct {
			RefreshToo bool `json:"refreshToo"`
		}
		err := json.Unmarshal(body, &req)
		if err == nil {
			s.ExpireSessions(req.RefreshToo)
		}
		answer(w, map[string]any{}, err)
	default:
		http.Error(w, "no such control path: have GET state, requests, options, faults; POST options, faults, purge, expire; DELETE faults", http.StatusNotFound)
	}
}

// queueJSON queues one fault or a list of them.
func (s *Server) queueJSON(body []byte) error {
	var list []Fault
	if !strings.HasPrefix(strings.TrimSpace(string(body)), "[") {
		body = []byte("[" + string(body) + "]")
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return err
	}
	return s.Queue(list...)
}

// answer writes v, or the error as 400.
func answer(w http.ResponseWriter, v any, err error) {
	status := http.StatusOK
	if err != nil {
		status, v = http.StatusBadRequest, map[string]any{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // a client that left is its own affair
}
