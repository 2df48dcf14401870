package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/uuid"
)

// document is the vendor's description of one API version.
type document struct {
	version string
	doc     *openapi3.T
	router  routers.Router
	options *openapi3filter.Options
}

// loadDocument reads the document of an API version, and skips the test where
// there is none. base is the path below which requests will come; one of the
// document's servers must have it.
func loadDocument(t *testing.T, version, base string) *document {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "reference", "tenovos-v"+version+".openapi.yaml")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the vendor's OpenAPI document of API %s is not here (%s): nothing to hold client and sandbox against", version, path)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(doc.Servers, func(s *openapi3.Server) bool {
		u, err := url.Parse(s.URL)
		return err == nil && u.Path == base
	}) {
		t.Errorf("no server of the document of API %s has the path %s", version, base)
	}
	doc.Servers = openapi3.Servers{{URL: base}} // whichever host the sandbox has
	seal(doc)
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &document{version, doc, router, &openapi3filter.Options{
		MultiError: true, IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
		AuthenticationFunc:      authenticate,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidators(formats)},
	}}
}

// formats are those of the documents' formats that say something; "username"
// and "string" do not.
var formats = map[string]openapi3.StringFormatValidator{
	"uuid": openapi3.NewCallbackValidator(uuid.Validate),
	"url":  openapi3.NewCallbackValidator(absolute),
	"URL":  openapi3.NewCallbackValidator(absolute),
	"email": openapi3.NewCallbackValidator(func(s string) error {
		if name, host, ok := strings.Cut(s, "@"); !ok || name == "" || host == "" {
			return errors.New("not an address")
		}
		return nil
	}),
}

func absolute(s string) error {
	if u, err := url.Parse(s); err != nil || !u.IsAbs() || u.Host == "" {
		return errors.New("not an absolute URL")
	}
	return nil
}

// authenticate tells whether a request has what a security scheme asks for.
func authenticate(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	r, scheme := in.RequestValidationInput.Request, in.SecurityScheme
	ok := false
	switch {
	case scheme.Type == "apiKey" && scheme.In == openapi3.ParameterInHeader:
		ok = r.Header.Get(scheme.Name) != ""
	case scheme.Type == "http" && scheme.Scheme == "basic":
		_, _, ok = r.BasicAuth()
	}
	if !ok {
		return fmt.Errorf("nothing for %s", in.SecuritySchemeName)
	}
	return nil
}

// seal makes every object that names its properties refuse all others.
func seal(doc *openapi3.T) {
	seen := map[*openapi3.Schema]bool{}
	var visit func(*openapi3.SchemaRef)
	visit = func(ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil || seen[ref.Value] {
			return
		}
		s := ref.Value
		seen[s] = true
		if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
			s.AdditionalProperties.Has = new(bool)
		}
		for _, p := range s.Properties {
			visit(p)
		}
		visit(s.Items)
		for _, list := range []openapi3.SchemaRefs{s.AnyOf, s.OneOf} { // the documents have no allOf, which sealing would break
			for _, p := range list {
				visit(p)
			}
		}
	}
	for _, ref := range doc.Components.Schemas {
		visit(ref)
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.RequestBody != nil {
				for _, m := range op.RequestBody.Value.Content {
					visit(m.Schema)
				}
			}
			for _, r := range op.Responses.Map() {
				for _, m := range r.Value.Content {
					visit(m.Schema)
				}
			}
		}
	}
}

// operation finds an operation by its id.
func (d *document) operation(t *testing.T, id string) *openapi3.Operation {
	t.Helper()
	for _, item := range d.doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.OperationID == id {
				return op
			}
		}
	}
	t.Fatalf("the document of API %s has no operation %s", d.version, id)
	return nil
}

// example is a reply as the document shows it.
type example struct {
	name   string
	status int
	body   string // JSON
}

// examples are the replies that the document shows for an operation, in a fixed
// order. Those of a success are mostly within the schemas and so not here.
func (d *document) examples(t *testing.T, id string) []example {
	t.Helper()
	var list []example
	responses := d.operation(t, id).Responses.Map()
	for _, code := range slices.Sorted(maps.Keys(responses)) {
		m := responses[code].Value.Content["application/json"]
		if m == nil {
			continue
		}
		shown := map[string]any{}
		if m.Example != nil {
			shown["example"] = m.Example
		}
		for name, e := range m.Examples {
			shown[name] = e.Value.Value
		}
		for _, name := range slices.Sorted(maps.Keys(shown)) {
			e := example{name: name}
			if _, err := fmt.Sscan(code, &e.status); err != nil {
				t.Fatalf("%s: status %q: %v", id, code, err)
			}
			body, err := json.Marshal(shown[name])
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			e.body = string(body)
			list = append(list, e)
		}
	}
	return list
}

// statuses are those that the document lists for an operation.
func (d *document) statuses(t *testing.T, id string) []string {
	t.Helper()
	return slices.Sorted(maps.Keys(d.operation(t, id).Responses.Map()))
}

// ordinary are headers that HTTP clients send and no document lists.
var ordinary = []string{"Accept", "User-Agent"}

// unlisted returns the headers and query parameters of r that the operation
// does not list.
func unlisted(op *openapi3.Operation, r *http.Request) []string {
	var list []string
	for name := range r.Header {
		basic := name == "Authorization" && strings.HasPrefix(r.Header.Get(name), "Basic ")
		listed := slices.ContainsFunc(op.Parameters, func(p *openapi3.ParameterRef) bool {
			return p.Value.In == openapi3.ParameterInHeader && http.CanonicalHeaderKey(p.Value.Name) == name
		})
		if !listed && !basic && !slices.Contains(ordinary, name) {
			list = append(list, "header "+name)
		}
	}
	for name := range r.URL.Query() {
		if op.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			list = append(list, "query "+name)
		}
	}
	slices.Sort(list)
	return list
}
