package contract

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// service is a sandbox that speaks one API version, and the recorder before it.
type service struct {
	t       *testing.T
	sandbox *sandbox.Server
	rec     *recorder
	url     string
	http    *http.Client
}

// serve starts the sandbox with the preset of an API version. Nothing but what
// keeps the test small differs from it.
func serve(t *testing.T, version string) *service {
	t.Helper()
	o, err := sandbox.Preset(version)
	if err != nil {
		t.Fatal(err)
	}
	doc := loadDocument(t, version, o.BasePath())
	o.Dir = t.TempDir()
	o.MinPart = 1 // so that no part needs 100 MiB
	o.BulkLag = time.Nanosecond
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		ts.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	rec := newRecorder(t, doc)
	return &service{t, s, rec, ts.URL + o.BasePath(), &http.Client{Transport: rec}}
}

// client returns a new client, which is not logged in.
func (s *service) client(change ...func(*tenovos.Config)) *tenovos.Client {
	s.t.Helper()
	account := s.sandbox.Account()
	cfg := tenovos.Config{
		URL: s.url, Version: s.rec.doc.version, APIKey: secret.Text(account.APIKey),
		Username: account.Users[0].Username, Password: secret.Text(account.Users[0].Password), HTTP: s.http,
	}
	if cfg.Version == "1.0" {
		cfg.ClientID = account.ClientID // 1.5 has dropped it
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := tenovos.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// put sends content to the store with the client's own transport.
func (s *service) put(ctx context.Context, u secret.URL, content string) (etag string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.Reveal(), strings.NewReader(content))
	if err != nil {
		s.t.Fatal(err)
	}
	header, _ := s.transfer(req)
	return header.Get("ETag")
}

// get reads content from the store.
func (s *service) get(ctx context.Context, u secret.URL) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.Reveal(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	_, body := s.transfer(req)
	return body
}

func (s *service) transfer(req *http.Request) (http.Header, string) {
	s.t.Helper()
	res, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(secret.Error(err))
	}
	defer func() { _ = res.Body.Close() }() // it is only read
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s to the content store: %d %s %v", req.Method, res.StatusCode, body, err)
	}
	return res.Header, string(body)
}

// Ids of the sandbox's account.
var (
	templateID  = sandbox.SeedID("template", "Creative Asset")
	internalID  = sandbox.SeedID("security", "Creative Internal")
	publicID    = sandbox.SeedID("security", "Creative Public")
	titleID     = attribute("Title")
	brandID     = attribute("Brand")
	channelsID  = attribute("Channels")
	shotDateID  = attribute("Shot Date")
	embargoID   = attribute("Embargo Until")
	rightsID    = attribute("Usage Rights")
	territoryID = attribute("Usage Rights/Territory")
	expireID    = attribute("Usage Rights/Rights Expire")
	noteID      = attribute("Usage Rights/Note")
)

func attribute(name string) string { return sandbox.SeedID("attribute", "Creative Asset/"+name) }
func term(name string) string      { return sandbox.SeedID("value", name) }

// newAsset is an asset that the account takes, with a value of each kind but
// tables.
func newAsset(filename string) tenovos.NewAsset {
	return tenovos.NewAsset{
		TemplateID: templateID, SecurityIDs: []string{internalID}, Filename: filename, Size: 5,
		Metadata: []tenovos.Value{
			tenovos.TextValue(titleID, "Äpfel & \"Birnen\""),
			tenovos.SingleValue(brandID, term("Brand/Acme")),
			tenovos.MultiValue(channelsID, term("Channel/Web"), term("Channel/Print")),
			tenovos.DateValue(shotDateID, "12/24/2024"),
			{DefinitionID: embargoID, Kind: tenovos.Empty},
		},
	}
}

// rights is a row of the table attribute.
func rights(territory string) []tenovos.Value {
	return []tenovos.Value{
		tenovos.SingleValue(territoryID, term("Territory/"+territory)),
		tenovos.DateValue(expireID, "31/12/2030"),
		tenovos.TextValue(noteID, "not on Sundays"),
	}
}
