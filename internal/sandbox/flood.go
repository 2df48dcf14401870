package sandbox

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"net/http"
)

// flood makes a reply of which a client should take little: a huge one, or one that is
// nested so deep that reading it level by level takes for ever.
func (f Fault) flood(out *reply) {
	out.status = cmp.Or(f.Status, http.StatusOK)
	out.set("Content-Type", "application/json")
	if f.Kind == FaultNested {
		n := int(cmp.Or(f.Bytes, 5000))
		out.body = append(bytes.Repeat([]byte(`{"body":`), n), `{"message":"found at the bottom"}`...)
		out.body = append(out.body, bytes.Repeat([]byte("}"), n)...)
		return
	}
	if f.Gzip {
		out.set("Content-Encoding", "gzip")
	}
	out.stream = func(w http.ResponseWriter) {
		w.WriteHeader(out.status)
		to := io.WriteCloser(plain{w})
		if f.Gzip {
			to = gzip.NewWriter(w)
		}
		_, _ = io.WriteString(to, `{"message":"`)
		block := bytes.Repeat([]byte("a"), 64<<10)
		for left := cmp.Or(f.Bytes, 256*MiB); left > 0; left -= int64(len(block)) {
			if _, err := to.Write(block[:min(int64(len(block)), left)]); err != nil {
				return // the client has had enough
			}
		}
		_, _ = io.WriteString(to, `"}`)
		_ = to.Close() // a client that left is its own affair
	}
}

// plain is a writer that needs no end.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }
