package dashboard

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestServe(t *testing.T) {
	code, body := failures(t).get("/status.json?all")
	if code != http.StatusOK || !json.Valid([]byte(body)) {
		t.Error(code, body)
	}
}

// cutOff takes the first write alone.
type cutOff struct {
	*httptest.ResponseRecorder
}

func (w cutOff) Write(b []byte) (int, error) {
	if w.Body.Len() > 0 {
		return 0, io.ErrShortWrite
	}
	return w.ResponseRecorder.Write(b)
}

// A document that breaks off is no document: the connection breaks off, too.
func TestStatusBreaksOff(t *testing.T) {
	r := newRig(t)
	r.admit("in", 0, many(100, "more/%d.jpg")...)
	out := cutOff{httptest.NewRecorder()}
	defer func() {
		if r := recover(); r != http.ErrAbortHandler {
			t.Errorf("the handler ended with %v", r)
		}
		if out.Body.Len() == 0 {
			t.Error("nothing was sent at all")
		}
	}()
	serveStatus(out, httptest.NewRequest(http.MethodGet, "/status.json", nil), r.j.Reader())
}
