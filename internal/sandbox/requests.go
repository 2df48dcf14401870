package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Bounds of what is remembered of requests.
const (
	keptRequests = 5000
	keptBody     = 64 << 10
)

const blank = "[blanked]"

// Request is what is remembered of one request. Secrets are blanked: API key,
// tokens, passwords, and what makes a presigned URL valid.
type Request struct {
	Number    int               `json:"number"` // from 1
	At        time.Time         `json:"at"`
	Took      time.Duration     `json:"took"` // nanoseconds in JSON
	Operation string            `json:"operation"`
	Method    string            `json:"method"`
	Path      string            `json:"path"`
	Query     map[string]string `json:"query,omitempty"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body,omitempty"` // of an API request, when it is JSON
	BytesRead int64             `json:"bytesRead"`      // of the body
	Status    int               `json:"status"`         // of the reply that was sent; 0 when none was, or not all of it
	Fault     string            `json:"fault,omitempty"`
}

// record is a Request while it is under way.
type record struct {
	c     *call
	req   Request
	fault string
	start time.Time
}

// requestLog keeps the latest requests that have ended, oldest first.
type requestLog struct {
	begun, ended int
	kept         []Request
}

// Requests returns the latest requests in the order in which they ended, at most
// 5,000.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request{}, s.log.kept...)
}

// begin counts a request and takes the knobs that will hold for it.
func (s *Server) begin(c *call) *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.o = s.opt
	s.log.begun++
	s.counts.Requests[c.op]++
	rec := &record{c: c, start: time.Now()}
	rec.req = Request{Number: s.log.begun, At: s.clock(), Operation: c.op, Method: c.r.Method, Path: c.r.URL.Path, Headers: blankHeaders(c.r.Header)}
	if q := c.r.URL.Query(); len(q) > 0 {
		rec.req.Query = map[string]string{}
		for k := range q {
			rec.req.Query[k] = q.Get(k)
			switch k {
			case "X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Credential":
				rec.req.Query[k] = blank
			}
		}
	}
	return rec
}

// end files a request.
func (s *Server) end(rec *record, bytes int64, out *reply) {
	rec.req.Took = time.Since(rec.start)
	rec.req.BytesRead = bytes
	rec.req.Status = out.sent
	rec.req.Fault = rec.fault
	if len(rec.c.body) > 0 && len(rec.c.body) <= keptBody {
		rec.req.Body = blankJSON(rec.c.body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.ended++
	s.counts.BytesReceived += bytes
	if len(s.log.kept) >= 2*keptRequests { // drop half at a time, not one by one
		s.log.kept = append([]Request{}, s.log.kept[keptRequests:]...)
	}
	s.log.kept = append(s.log.kept, rec.req)
}

func blankHeaders(h http.Header) map[string]string {
	out := map[string]string{}
	for k := range h {
		out[k] = h.Get(k)
		if isCredential(k) {
			out[k] = blank
		}
	}
	return out
}

// isCredential tells the headers that belong to the API alone.
func isCredential(header string) bool {
	switch strings.ToLower(header) {
	case "x-api-key", "authorization", "accesstoken":
		return true
	}
	return false
}

// blankJSON returns the body with the values of secret keys blanked, or nothing
// when it is not JSON.
func blankJSON(body []byte) json.RawMessage {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	blankSecrets(v)
	out, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return out
}

func blankSecrets(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			switch strings.ToLower(k) {
			case "password", "accesstoken", "refreshtoken", "authorization":
				v[k] = blank
			default:
				blankSecrets(v[k])
			}
		}
	case []any:
		for i := range v {
			blankSecrets(v[i])
		}
	}
}
