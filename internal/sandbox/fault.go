package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

// The kinds of fault. Before the work means that the operation has no effect.
const (
	FaultStatus      FaultKind = "Status"      // answers Status, Body, RetryAfter
	FaultResetBefore FaultKind = "ResetBefore" // the connection is reset before the work
	FaultResetAfter  FaultKind = "ResetAfter"  // the work is done, the reply lost
	FaultCutBody     FaultKind = "CutBody"     // the work is done, the reply breaks off in the middle
	FaultReadCut     FaultKind = "ReadCut"     // reset after Bytes of the request's body were read (default: half of it)
	FaultStall       FaultKind = "Stall"       // nothing happens for Delay; with Bytes, once so much of the body was read; then all goes on
	FaultStallAfter  FaultKind = "StallAfter"  // the work is done, the reply comes Delay later
	FaultGarbage     FaultKind = "Garbage"     // answers 200 with HTML
	FaultErrorIn200  FaultKind = "ErrorIn200"  // answers 200 with {"status":"error","message":Body}
	FaultHuge        FaultKind = "Huge"        // answers Status (default 200) with JSON of Bytes bytes (default 256 MiB), compressed with Gzip
	FaultNested      FaultKind = "Nested"      // answers Status (default 200) with JSON that is Bytes deep (default 5000), a body within a body
	FaultWrongETag   FaultKind = "WrongETag"   // PutPart, PutObject: the first byte is damaged on its way and the ETag is that of the damaged bytes
)

// Fault is one thing that goes wrong, queued for an operation. Of several that
// match a request the one queued first strikes.
type Fault struct {
	ID         int           `json:"id"` // given by the server
	Operation  string        `json:"operation"`
	Kind       FaultKind     `json:"kind"`
	After      int           `json:"after"`      // skip so many matching requests first
	Times      int           `json:"times"`      // strike so often; 0 is once
	Path       string        `json:"path"`       // only requests whose unescaped path contains it, such as an id or a filename
	BodyHas    string        `json:"bodyHas"`    // only API requests whose body contains it, such as "cancel" or a filename
	About      string        `json:"about"`      // only requests about the asset of this filename: in the path, in the body, or by an id in the path
	Part       int           `json:"part"`       // only this part number
	Status     int           `json:"status"`     // Status
	Body       string        `json:"body"`       // Status, Garbage: sent as it is; ErrorIn200: the message
	RetryAfter string        `json:"retryAfter"` // Status: the header, seconds or an HTTP date
	Location   string        `json:"location"`   // Status: the header
	Gzip       bool          `json:"gzip"`       // Huge
	Worked     bool          `json:"worked"`     // Status, Garbage, ErrorIn200: the work is done first
	Bytes      int64         `json:"bytes"`      // ReadCut, Stall, Huge, Nested
	Delay      time.Duration `json:"delay"`      // Stall, StallAfter; default 1s, at most 10m

	// Struck counts how often the fault has struck; Left how often it still
	// waits to. Both are kept by the server.
	Struck int `json:"struck"`
	Left   int `json:"left"`
}

// UnmarshalJSON takes Delay as a Go duration.
func (f *Fault) UnmarshalJSON(data []byte) error {
	type plain Fault
	return unmarshalKnobs(data, (*plain)(f))
}

// MarshalJSON prints Delay as a Go duration.
func (f Fault) MarshalJSON() ([]byte, error) {
	type plain Fault
	return marshalKnobs(plain(f))
}

const longestStall = 10 * time.Minute

type faults struct {
	last  int
	queue []*Fault
}

// Queue adds faults behind those already queued.
func (s *Server) Queue(fs ...Fault) error {
	for i := range fs {
		if err := fs[i].complete(); err != nil {
			return fmt.Errorf("sandbox: fault for %s: %w", fs[i].Operation, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range fs {
		s.faults.last++
		f.ID = s.faults.last
		s.faults.queue = append(s.faults.queue, &f)
	}
	return nil
}

// complete fills in the defaults and refuses a fault that could not strike.
func (f *Fault) complete() error {
	if !slices.Contains(Operations(), f.Operation) {
		return fmt.Errorf("no such operation: have %s", strings.Join(Operations(), ", "))
	}
	f.Times = max(f.Times, 1)
	f.Left, f.Struck = f.Times, 0
	put := f.Operation == PutPart || f.Operation == PutObject
	switch f.Kind {
	case FaultStatus:
		if f.Status < 200 || f.Status > 599 {
			return fmt.Errorf("status %d is none", f.Status)
		}
	case FaultStall, FaultStallAfter:
		if f.Delay == 0 {
			f.Delay = time.Second
		}
		if f.Delay < 0 || f.Delay > longestStall {
			return fmt.Errorf("delay %v is not within 10m", f.Delay)
		}
	case FaultWrongETag:
		if !put {
			return errors.New("only PutPart and PutObject answer with an ETag")
		}
	case FaultHuge, FaultNested:
		if f.Bytes < 0 || f.Status != 0 && (f.Status < 200 || f.Status > 599) {
			return fmt.Errorf("status %d with %d bytes is none", f.Status, f.Bytes)
		}
	case FaultResetBefore, FaultResetAfter, FaultCutBody, FaultReadCut, FaultGarbage, FaultErrorIn200:
	default:
		return fmt.Errorf("no such kind %q", f.Kind)
	}
	if f.BodyHas != "" && isStore(f.Operation) {
		return errors.New("bodyHas looks only into API requests")
	}
	if f.Part != 0 && f.Operation != PutPart {
		return errors.New("only PutPart has a part number")
	}
	return nil
}

// Faults returns all queued faults, those that have struck included.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faultsLocked(false)
}

// UnusedFaults returns the faults that still wait to strike. A test that queued
// them should fail when there are any.
func (s *Server) UnusedFaults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faultsLocked(true)
}

func (s *Server) faultsLocked(unused bool) []Fault {
	out := []Fault{}
	for _, f := range s.faults.queue {
		if !unused || f.Left > 0 {
			out = append(out, *f)
		}
	}
	return out
}

// ClearFaults forgets all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.queue = nil
}

// takeFault returns the fault that strikes this request; its Kind is "" when
// none does.
func (s *Server) takeFault(c *call) Fault {
	s.mu.Lock()
	body := slices.ContainsFunc(s.faults.queue, func(f *Fault) bool {
		return f.Left > 0 && f.Operation == c.op && !isStore(c.op) && (f.BodyHas != "" || f.About != "")
	})
	s.mu.Unlock()
	var text []byte
	if body {
		text, _ = io.ReadAll(io.LimitReader(c.r.Body, 64*MiB)) // what is missing fails again in the handler
		c.r.Body = &rest{Reader: io.MultiReader(bytes.NewReader(text), c.r.Body), Closer: c.r.Body}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults.queue {
		if f.Left == 0 || f.Operation != c.op || !strings.Contains(c.r.URL.Path, f.Path) ||
			f.Part != 0 && fmt.Sprint(f.Part) != c.r.URL.Query().Get("partNumber") ||
			f.BodyHas != "" && !bytes.Contains(text, []byte(f.BodyHas)) || f.About != "" && !c.isAbout(f.About, text) {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		f.Left--
		f.Struck++
		return *f
	}
	return Fault{}
}

// isAbout tells whether a request is about the asset of a filename. The lock is
// held.
func (c *call) isAbout(filename string, body []byte) bool {
	if a := c.s.db.find(c.id); a != nil {
		return a.Filename == filename
	}
	return strings.Contains(c.r.URL.Path, filename) || bytes.Contains(body, []byte(filename))
}

// rest is a body of which something was read already.
type rest struct {
	io.Reader
	io.Closer
}

// before is what a fault does ahead of the work; false ends the request.
func (f Fault) before(c *call, out *reply) bool {
	switch f.Kind {
	case FaultResetBefore:
		reset(c.w)
		return false
	case FaultReadCut:
		n := f.Bytes
		if n == 0 {
			n = c.r.ContentLength / 2
		}
		_, _ = io.CopyN(io.Discard, c.r.Body, n)
		reset(c.w)
		return false
	case FaultStall:
		if f.Bytes == 0 {
			c.wait(f.Delay)
			return true
		}
		c.r.Body = &stallingBody{ReadCloser: c.r.Body, left: f.Bytes, stall: func() bool { return c.s.sleep(c.r.Context(), f.Delay) }}
	case FaultWrongETag:
		c.r.Body = &damagedBody{ReadCloser: c.r.Body}
	case FaultStatus, FaultGarbage, FaultErrorIn200, FaultHuge, FaultNested:
		if !f.Worked {
			f.replace(out)
			out.send(c.w)
			return false
		}
	}
	return true
}

// after sends the reply, or does to it what the fault wants.
func (f Fault) after(c *call, out *reply) {
	if out.status == 0 {
		panic(http.ErrAbortHandler) // the body could not be read: nobody to answer
	}
	switch f.Kind {
	case FaultResetAfter:
		reset(c.w)
		return
	case FaultCutBody:
		out.cut(c.w)
		return
	case FaultStallAfter:
		c.wait(f.Delay)
	case FaultStatus, FaultGarbage, FaultErrorIn200, FaultHuge, FaultNested:
		f.replace(out)
	case FaultWrongETag:
		if c.r.ContentLength == 0 && out.status == http.StatusOK {
			out.set("ETag", `"00000000000000000000000000000bad"`) // no byte to damage
		}
	}
	out.send(c.w)
}

// s3Codes are the codes of S3 errors that a Status fault without Body shows.
var s3Codes = map[int]string{
	http.StatusBadRequest: "InvalidRequest", http.StatusForbidden: "AccessDenied", http.StatusNotFound: "NoSuchUpload",
	http.StatusInternalServerError: "InternalError", http.StatusServiceUnavailable: "SlowDown",
	http.StatusMovedPermanently: "PermanentRedirect", http.StatusTemporaryRedirect: "TemporaryRedirect",
}

// replace puts the fault's own answer in place of the work's.
func (f Fault) replace(out *reply) {
	*out = reply{}
	switch f.Kind {
	case FaultStatus:
		out.status, out.body = f.Status, []byte(f.Body)
		if f.RetryAfter != "" {
			out.set("Retry-After", f.RetryAfter)
		}
		if f.Location != "" {
			out.set("Location", f.Location)
		}
		switch {
		case strings.HasPrefix(f.Body, "<?xml"), strings.HasPrefix(f.Body, "<Error"):
			out.set("Content-Type", "application/xml")
		case strings.HasPrefix(f.Body, "{"), json.Valid([]byte(f.Body)):
			out.set("Content-Type", "application/json")
		case f.Body == "" && isStore(f.Operation):
			(&s3Error{f.Status, s3Codes[f.Status], http.StatusText(f.Status)}).reply(out)
		case f.Body == "":
			out.json(f.Status, map[string]any{"message": http.StatusText(f.Status)})
		}
	case FaultGarbage:
		out.status, out.body = http.StatusOK, []byte(f.Body)
		if f.Body == "" {
			out.body = []byte("<html><head><title>Welcome</title></head><body>It works!</body></html>")
		}
		out.set("Content-Type", "text/html")
	case FaultHuge, FaultNested:
		f.flood(out)
	case FaultErrorIn200:
		message := f.Body
		if message == "" {
			message = "Something went wrong"
		}
		out.json(http.StatusOK, map[string]any{"status": "error", "message": message})
	}
}
