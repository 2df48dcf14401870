package contract

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// The check itself is checked: an exchange that is in order has no difference,
// and each kind of mistake is found where it is.
func TestCheck(t *testing.T) {
	o, err := sandbox.Preset("1.5")
	if err != nil {
		t.Fatal(err)
	}
	doc := loadDocument(t, "1.5", o.BasePath())
	id := uuid.NewString()
	for _, c := range []struct {
		name   string
		change func(*exchange)
		want   difference // without its detail
	}{
		{"nothing", func(*exchange) {}, difference{}},
		{"path", func(x *exchange) { x.request.URL.Path = o.BasePath() + "/assets" }, difference{direction: request, rule: unknownOperation}},
		{"no header", func(x *exchange) { x.request.Header.Del("AccessToken") }, difference{direction: request, at: "header AccessToken", rule: wrongParameter}},
		{"header", func(x *exchange) { x.request.Header.Set("X-Other", "1") }, difference{direction: request, at: "header X-Other", rule: unknownParameter}},
		{"query", func(x *exchange) { x.request.URL.RawQuery = "page=1" }, difference{direction: request, at: "query page", rule: unknownParameter}},
		{"no body", func(x *exchange) { x.sent = nil }, difference{direction: request, rule: wrongBody}},
		{"broken body", func(x *exchange) { x.sent = []byte("{") }, difference{direction: request, rule: wrongBody}},
		{"field", func(x *exchange) { x.sent = []byte(`{"metadata":[],"security":[]}`) }, difference{direction: request, at: "/security", rule: unknownField}},
		{"value", func(x *exchange) { x.sent = []byte(`{"metadata":[{"metadataDefinitionId":"1"}]}`) }, difference{direction: request, at: "/metadata/0", rule: "anyOf"}},
		{"status", func(x *exchange) { x.status = http.StatusTeapot }, difference{direction: reply, status: http.StatusTeapot, rule: unknownStatus}},
		{"type", func(x *exchange) { x.header.Set("Content-Type", "text/html") }, difference{direction: reply, status: http.StatusOK, rule: wrongBody}},
		{"reply", func(x *exchange) { x.received = []byte(`{"status":1}`) }, difference{direction: reply, status: http.StatusOK, at: "/status", rule: "type"}},
		{"reply's field", func(x *exchange) { x.received = []byte(`{"state":"ok"}`) }, difference{direction: reply, status: http.StatusOK, at: "/state", rule: unknownField}},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://localhost"+o.BasePath()+"/asset/"+id, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"X-API-Key", "Authorization", "AccessToken"} {
				req.Header.Set(name, "given")
			}
			req.Header.Set("Content-Type", "application/json")
			x := &exchange{
				request: req, sent: []byte(`{"metadata":[{"metadataDefinitionId":"` + id + `"}]}`),
				status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, received: []byte(`{"status":"success","message":"done"}`),
			}
			c.change(x)
			list := doc.check(x)
			if c.want == (difference{}) {
				if len(list) > 0 {
					t.Errorf("found %v", list)
				}
				return
			}
			if len(list) != 1 {
				t.Fatalf("found %v, want one difference", list)
			}
			if c.want.rule != unknownOperation {
				c.want.operation = "UpdateAsset"
			}
			if list[0].detail = ""; list[0] != c.want {
				t.Errorf("found %v, want %v", list[0], c.want)
			}
		})
	}
}
