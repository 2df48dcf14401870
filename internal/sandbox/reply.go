package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
)

// reply is an answer before it is sent, so that a fault can lose, cut or
// replace it after the work was done.
type reply struct {
	status int
	header http.Header
	body   []byte
	sent   int                         // status that went to the wire; 0 when nothing did
	stream func(w http.ResponseWriter) // writes the body instead of body
	close  func() error                // of what stream reads
}

func (p *reply) set(key, value string) {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(key, value)
}

func (p *reply) json(status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"message":"Internal server error"}`)
	}
	p.status, p.body = status, body
	p.set("Content-Type", "application/json")
}

// send writes the reply.
func (p *reply) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), p.header)
	p.sent = p.status
	if p.stream != nil {
		p.stream(w)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(p.body)))
	w.WriteHeader(p.status)
	_, _ = w.Write(p.body) // a client that left is its own affair
}

// cut writes the reply up to the middle of its body, or of its header when
// there is no body, and drops the connection.
func (p *reply) cut(w http.ResponseWriter) {
	var raw bytes.Buffer
	res := http.Response{StatusCode: p.status, ProtoMajor: 1, ProtoMinor: 1, Header: p.header,
		ContentLength: int64(len(p.body)), Body: io.NopCloser(bytes.NewReader(p.body))}
	_ = res.Write(&raw) // a buffer takes everything
	n := raw.Len() - (len(p.body)+1)/2
	if len(p.body) == 0 {
		n = raw.Len() / 2
	}
	conn, ok := hijack(w)
	if !ok {
		return
	}
	_, _ = conn.Write(raw.Bytes()[:n])
	_ = conn.Close()
}

// reset drops the connection so that the client sees ECONNRESET.
func reset(w http.ResponseWriter) {
	conn, ok := hijack(w)
	if !ok {
		return
	}
	raw := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = t.NetConn() // below TLS
	}
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = raw.Close()
}

func hijack(w http.ResponseWriter) (net.Conn, bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // no connection to take over: end the reply abruptly
	}
	return conn, true
}

// serveAPI checks credentials, runs the operation and gives its result the
// shape that the knobs ask for. The reply is sent by the fault's last step.
func (c *call) serveAPI(f func() (int, any), out *reply) {
	status, v := c.authorise()
	if status == 0 {
		status, v = c.refuseRight()
	}
	if status == 0 {
		var err error
		if c.body, err = io.ReadAll(io.LimitReader(c.r.Body, 64*MiB)); err != nil {
			return // the client broke off; there is nobody to answer
		}
		if len(c.body) > 0 && c.r.Header.Get("Content-Type") != "application/json" {
			c.violate("body without Content-Type: application/json", "it was %q", c.r.Header.Get("Content-Type"))
		}
		c.s.applyBulkEdits()
		status, v = f()
	}
	switch {
	case status >= 400:
		status, v = c.shapeError(status, v)
	case c.o.EnvelopeAll && c.op != "GetAuthToken", c.o.Enveloped && c.op == "CreateAsset":
		v = c.envelope(v)
	}
	out.json(status, v)
}

// failure is an error body before the knobs have shaped it.
type failure struct {
	message, detail string
	status          bool // the documents show {status: "error", message} here
}

func fail(status int, message, detail string, args ...any) (int, any) {
	return status, failure{message: message, detail: fmt.Sprintf(detail, args...)}
}

func failStatus(status int, message string) (int, any) {
	return status, failure{message: message, status: true}
}

func (c *call) shapeError(status int, v any) (int, any) {
	f, ok := v.(failure)
	if !ok {
		return status, v
	}
	if c.o.ErrorsIn200 {
		status = http.StatusOK
	}
	shape := c.o.ErrorShape
	if shape == "documented" {
		shape = "message"
		if f.status || c.o.ErrorsIn200 {
			shape = "status"
		}
	}
	switch shape {
	case "string":
		return status, f.message
	case "status", "statusCode":
		return status, map[string]any{shape: "error", "message": f.message}
	}
	body := map[string]any{"message": f.message}
	if f.detail != "" {
		body["detail"] = f.detail
	}
	return status, body
}

func (c *call) envelope(v any) any {
	message := "Success"
	if c.op == "CreateAsset" {
		message = "Asset created successfully"
	}
	if c.o.EnvelopeText {
		text, err := json.Marshal(v)
		if err == nil {
			v = string(text)
		}
	}
	return map[string]any{"status": "success", "message": message, "data": v}
}
