package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// control asks a path below /_sandbox/.
func (c *client) control(method, path, body string) answered {
	c.t.Helper()
	req, err := http.NewRequest(method, strings.TrimSuffix(c.base, "/v1")+"/_sandbox/"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	a, err := c.send(req)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func TestControl(t *testing.T) {
	c := start(t, Options{})
	c.control("POST", "options", `{"urlLife":"7s","sseKms":true,"searchPage":3}`).want(t, 200, `"urlLife": "7s"`, `"tokenLife": "1h0m0s"`)
	if o := c.s.Options(); o.URLLife != 7*time.Second || !o.SSEKMS || o.SearchPage != 3 || o.Dir == "" {
		t.Errorf("%+v", o)
	}
	c.control("POST", "options", `{"urlLife":"soon"}`).want(t, 400, "urlLife")
	c.control("POST", "options", `{"colour":"blue"}`).want(t, 400, "colour")
	c.control("POST", "options", `{"etagForm":"blue"}`).want(t, 400, "etagForm", "quoted")
	c.control("POST", "faults", `{"operation":"GetCurrentUser","kind":"Stall","delay":"5ms"}`).want(t, 200, `"delay": "5ms"`)
	c.control("POST", "faults", `[{"operation":"PutPart","kind":"WrongETag"},{"operation":"PutPart","kind":"ReadCut"}]`).want(t, 200)
	c.control("POST", "faults", `{"operation":"GetCurrentUser","kind":"Quake"}`).want(t, 400, "Quake")
	c.get("/user").want(t, 200)
	var st struct {
		UnusedFaults []struct{ Kind string }
		Counts       Counts
		Assets       []Asset
	}
	if err := json.Unmarshal(c.control("GET", "state", "").body, &st); err != nil || len(st.UnusedFaults) != 2 || st.Counts.Requests["GetCurrentUser"] != 1 || st.Counts.Logins != 1 {
		t.Errorf("%+v %v", st, err)
	}
	c.control("DELETE", "faults", "").want(t, 200, "[]")
	made := c.create(nil)
	c.control("POST", "purge", `{"objectId":"`+made.text("objectId")+`"}`).want(t, 200)
	c.control("POST", "purge", `{"objectId":"`+made.text("objectId")+`"}`).want(t, 400)
	c.get("/asset/"+made.text("objectId")).want(t, 403, "Asset not found")
	c.control("POST", "expire", `{}`).want(t, 200)
	c.get("/user").want(t, 401)
	c.post("/auth/token", map[string]any{"session": c.session}).want(t, 200)
	c.control("POST", "expire", `{"refreshToo":true}`).want(t, 200)
	c.post("/auth/token", map[string]any{"session": c.session}).want(t, 401)
	c.control("GET", "nothing", "").want(t, 404)
	c.get("/nothing").want(t, 403, "Missing Authentication Token")
	if v := c.s.State().Violations; len(v) != 1 || v[0].Rule != "request outside of the API" {
		t.Errorf("%+v", v)
	}
}

func TestRequestsHoldNoSecret(t *testing.T) {
	c := start(t, Options{})
	c.put(c.create(nil).text("url"), "body").want(t, 200)
	c.post("/auth/token", map[string]any{"session": c.session}).want(t, 200)
	seen := string(c.control("GET", "requests", "").body)
	u := c.s.Account()
	for _, secret := range []string{u.APIKey, u.Users[0].Password, c.headers["Authorization"], c.headers["AccessToken"], c.session["refreshToken"].(string)} {
		if strings.Contains(seen, secret) {
			t.Errorf("%q is recorded", secret)
		}
	}
	reqs := c.s.Requests()
	if len(reqs) != 4 || reqs[2].Operation != PutObject || reqs[2].Status != 200 || reqs[2].BytesRead != 4 || reqs[2].Query["X-Amz-Signature"] != blank ||
		reqs[1].Body == nil || reqs[2].Query["X-Amz-Expires"] != "86400" {
		t.Errorf("%+v", reqs)
	}
}

func TestRestartKeepsWhatMatters(t *testing.T) {
	dir := t.TempDir()
	c, made := three(t, Options{Dir: dir})
	single := c.create(map[string]any{"filename": "single"})
	c.put(single.text("url"), "body").want(t, 200)
	c.put(urls(made)[0], "aaaa").want(t, 200)
	if err := c.s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := New(Options{Dir: dir, Clock: c.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	st := again.State()
	if len(st.Assets) != 2 || !st.Assets[1].HasContent || !st.Assets[1].Current || len(st.Uploads) != 1 || st.Uploads[0].Parts[0].Stored != 1 {
		t.Errorf("%+v", st)
	}
	// The signature of a URL from before is still good; the host is signed, too.
	w := newRecorder()
	req, err := http.NewRequest(http.MethodPut, urls(made)[1], strings.NewReader("bbbb"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Length", "4")
	again.Handler().ServeHTTP(w, req)
	if w.status != 200 {
		t.Errorf("%d %s", w.status, w.body.String())
	}
}

// recorder is the least of a ResponseWriter.
type recorder struct {
	status int
	header http.Header
	body   strings.Builder
}

func newRecorder() *recorder                    { return &recorder{header: http.Header{}} }
func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(s int)           { r.status = s }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func TestDescriptions(t *testing.T) {
	c := start(t, Options{})
	all := c.get("/metadata/template")
	all.want(t, 200, `"templateName":"Creative Asset"`, `"type":"tableAttribute"`, `"dateFormat":"yyyy-MM-dd"`, `"length":200`)
	id := SeedID("template", "Document")
	one := c.get("/metadata/template/" + id)
	one.want(t, 200, `"controlledVocabularyId":"`+SeedID("vocabulary", "Document Type")+`"`)
	if one.text("templateId") != id {
		t.Errorf("%s", one.body)
	}
	c.get("/metadata/template/x").want(t, 400, "Metadata Template not found")
	brand := "/metadata/vocabulary/" + SeedID("vocabulary", "Brand")
	c.get("/metadata/vocabulary").want(t, 200, `"metadata":{`, "Müller \\u0026 Söhne")
	c.get(brand).want(t, 200, `"metadataDocument":{`)
	c.get("/metadata/vocabulary/x").want(t, 404, "Controlled vocabulary not found")
	c.get("/security/template").want(t, 200, "Creative Internal", "groupPermissions")
	err := c.s.Configure(func(o *Options) {
		o.TemplateNameShape, o.VocabularyValuesShape, o.TableColumnsKey, o.NumbersAsText = "inside", "metadata", "columns", true
	})
	if err != nil {
		t.Fatal(err)
	}
	if one = c.get("/metadata/template/" + id); one.text("template", "templateId") != id || one.text("templateId") != "" {
		t.Errorf("%s", one.body)
	}
	c.get("/metadata/template").want(t, 200, `"columns":[`)
	c.get(brand).want(t, 200, `"metadata":{`, `"createdEpoch":"1678786013000"`)
	if err := c.s.Configure(func(o *Options) { o.EnvelopeAll, o.EnvelopeText = true, true }); err != nil {
		t.Fatal(err)
	}
	var inner map[string]any
	if err := json.Unmarshal([]byte(c.get("/user").text("data")), &inner); err != nil || inner["userId"] == nil {
		t.Errorf("%v %v", inner, err)
	}
}

func TestReadAccount(t *testing.T) {
	a, err := ReadAccount(strings.NewReader(`{"apiKey":"k","vocabularies":[{"name":"Colour","values":["Red",{"valueId":"b1","valueName":"Blue"}]}],
		"templates":[{"name":"T","groups":[{"name":"G","attributes":[{"name":"Main Colour","type":"controlledVocabulary","vocabulary":"Colour"}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	at := a.Templates[0].Groups[0].Attributes[0]
	if a.APIKey != "k" || len(a.Users) != 2 || at.SearchField != "main_colour" || at.Vocabulary != SeedID("vocabulary", "Colour") ||
		a.Vocabularies[0].Values[0].ID != SeedID("value", "Colour/Red") || a.Vocabularies[0].Values[1].ID != "b1" {
		t.Errorf("%+v", a)
	}
	for _, bad := range []string{`{`, `{"colour":1}`, `{"users":[]}`, `{"templates":[{"name":"T","groups":[{"attributes":[{"name":"A","type":"controlledVocabulary","vocabulary":"Nothing"}]}]}]}`} {
		if _, err := ReadAccount(strings.NewReader(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a sandbox without Dir was made")
	}
	if _, err := Preset("2.0"); err == nil {
		t.Error("a preset of 2.0 was made")
	}
}
