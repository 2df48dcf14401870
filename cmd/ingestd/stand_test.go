package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// stand is a sandbox on loopback and what it has heard of secrets.
type stand struct {
	*sandbox.Server
	url  string // of the API
	http *httptest.Server

	mu      sync.Mutex
	secrets map[string]bool
}

// openStand starts a sandbox that keeps its content below dir. The listener may
// be nil.
func openStand(o sandbox.Options, dir string, l net.Listener) (*stand, error) {
	o.Dir = dir
	srv, err := sandbox.New(o)
	if err != nil {
		return nil, err
	}
	s := &stand{Server: srv, secrets: map[string]bool{}}
	s.http = httptest.NewUnstartedServer(s.listening(srv.Handler()))
	if l != nil {
		_ = s.http.Listener.Close()
		s.http.Listener = l
	}
	s.http.Start()
	s.url = s.http.URL + srv.Options().BasePath()
	s.remember(srv.Account().APIKey, srv.Account().Users[0].Password)
	return s, nil
}

// newStand is openStand for the length of a test.
func newStand(t *testing.T, version string, turn func(*sandbox.Options)) *stand {
	t.Helper()
	o, err := sandbox.Preset(version)
	if err != nil {
		t.Fatal(err)
	}
	if turn != nil {
		turn(&o)
	}
	s, err := openStand(o, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func (s *stand) close() {
	_ = s.Close() // first: it ends the requests that stall
	s.http.CloseClientConnections()
	s.http.Close()
}

// env is what the processes of a test take from the environment.
func (s *stand) env() []string {
	a := s.Account()
	return []string{
		"GORACE=atexit_sleep_ms=0", // else each process of a test with -race takes a second to end
		"TENOVOS_URL=" + s.url,
		"TENOVOS_VERSION=" + s.Options().APIVersion,
		"TENOVOS_API_KEY=" + a.APIKey,
		"TENOVOS_USERNAME=" + a.Users[0].Username,
		"TENOVOS_PASSWORD=" + a.Users[0].Password,
		"TENOVOS_CLIENT_ID=" + a.ClientID,
	}
}

// listening notes every secret that passes by: the tokens of a session, and what
// makes a presigned URL valid.
func (s *stand) listening(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.remember(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.Header.Get("AccessToken"), r.URL.Query().Get("X-Amz-Signature"))
		if !strings.Contains(r.URL.Path, "/auth/") {
			next.ServeHTTP(w, r)
			return
		}
		reply := httptest.NewRecorder()
		next.ServeHTTP(reply, r)
		var body any
		if json.Unmarshal(reply.Body.Bytes(), &body) == nil {
			s.rememberTokens(body)
		}
		maps.Copy(w.Header(), reply.Header())
		w.WriteHeader(reply.Code)
		_, _ = io.Copy(w, reply.Body)
	})
}

func (s *stand) remember(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		if text != "" {
			s.secrets[text] = true
		}
	}
}

// rememberTokens finds the tokens in the reply to a login or a refresh.
func (s *stand) rememberTokens(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			text, ok := item.(string)
			if k = strings.ToLower(k); ok && (strings.Contains(k, "token") || k == "authorization") {
				s.remember(text)
			}
			s.rememberTokens(item)
		}
	case []any:
		for _, item := range v {
			s.rememberTokens(item)
		}
	}
}

// heard returns how many secrets are known.
func (s *stand) heard() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.secrets)
}

// leaked names the kind of secret that data holds, or is "".
func (s *stand) leaked(data []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text := range s.secrets {
		if bytes.Contains(data, []byte(text)) {
			return fmt.Sprintf("a secret of %d characters: %.3s…", len(text), text)
		}
	}
	for _, text := range []string{"X-Amz-", "X-API-Key:", "Bearer "} {
		if bytes.Contains(data, []byte(text)) {
			return text
		}
	}
	return ""
}

// assets returns the assets that are not deleted, by filename, versions in order.
func (s *stand) assets() []sandbox.Asset {
	state := s.State()
	live := slices.DeleteFunc(state.Assets, func(a sandbox.Asset) bool { return a.Deleted })
	slices.SortStableFunc(live, func(a, b sandbox.Asset) int { return cmp.Compare(a.Filename, b.Filename) })
	return live
}

// complain fails a test at whose end the sandbox has something to object to.
func (s *stand) complain(t *testing.T) {
	t.Helper()
	state := s.State()
	for _, v := range state.Violations {
		t.Errorf("violation of %q in %s: %s", v.Rule, v.Operation, v.Detail)
	}
	for _, u := range state.OpenUploads() {
		t.Errorf("the upload of object %s is still open", u.ObjectID)
	}
	for _, f := range state.Unused {
		t.Errorf("the fault %s of %s did not strike", f.Kind, f.Operation)
	}
}

// describe is an asset in one line, with the names that the account gives to its
// values: filename, content, version, template, metadata, security.
func (s *stand) describe(a sandbox.Asset) string {
	content := "no content"
	if a.FederatedPath != "" {
		content = fmt.Sprintf("%s, skip transcode %t", a.FederatedPath, a.SkipTranscode)
	} else if a.HasContent {
		content = fmt.Sprintf("%d bytes, MD5 %s", a.ContentSize, a.ContentMD5)
		if data, err := os.ReadFile(a.ContentFile); err == nil && len(data) <= 60 {
			content = fmt.Sprintf("%q", data)
		}
	}
	version := fmt.Sprintf("v%d/%d", slices.Index(a.Versions, a.ObjectID)+1, len(a.Versions))
	template, values := s.metadata(a)
	var security []string
	for _, t := range s.Account().SecurityTemplates {
		if slices.Contains(a.SecurityIDs, t.ID) {
			security = append(security, t.Name)
		}
	}
	return strings.Join([]string{a.Filename, content, version, template, values, strings.Join(security, ", ")}, " | ")
}

// metadata names an asset's template and its values, in the order of the template.
func (s *stand) metadata(a sandbox.Asset) (template, values string) {
	var out []string
	for _, t := range s.Account().Templates {
		if t.ID != a.TemplateID {
			continue
		}
		template = t.Name
		for _, g := range t.Groups {
			for _, at := range g.Attributes {
				for _, v := range a.Metadata {
					if v.ID == at.ID && v.Table != nil {
						out = append(out, at.Name+"="+s.table(at, v.Table))
					} else if v.ID == at.ID {
						out = append(out, at.Name+"="+s.term(at, v.Value))
					}
				}
			}
		}
	}
	return template, strings.Join(out, "; ")
}

// table is a table as people read it: [column: value, column: value] for each row.
func (s *stand) table(at sandbox.Attribute, rows [][]sandbox.MetadataValue) string {
	var out strings.Builder
	for _, row := range rows {
		var cells []string
		for _, cell := range row {
			for _, column := range at.Columns {
				if column.ID == cell.ID {
					cells = append(cells, column.Name+": "+s.term(column, cell.Value))
				}
			}
		}
		out.WriteString("[" + strings.Join(cells, ", ") + "]")
	}
	return out.String()
}

// term is a value as people read it.
func (s *stand) term(at sandbox.Attribute, raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	type term struct {
		ID string `json:"valueId"`
	}
	var one term
	many := []term{}
	if json.Unmarshal(raw, &many) != nil && json.Unmarshal(raw, &one) == nil {
		many = []term{one}
	}
	var names []string
	for _, v := range s.Account().Vocabularies {
		for _, x := range v.Values {
			if v.ID == at.Vocabulary && slices.Contains(many, term{x.ID}) {
				names = append(names, x.Name)
			}
		}
	}
	return strings.Join(names, " + ")
}
