package sandbox

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// document loads the vendor's document of one API version, once. It is nil where
// the vendor's documents are not present.
func document(version string) routers.Router {
	if version == "1.0" {
		return document10()
	}
	return document15()
}

var (
	document10 = sync.OnceValue(func() routers.Router { return loadDocument("1.0") })
	document15 = sync.OnceValue(func() routers.Router { return loadDocument("1.5") })
)

func loadDocument(version string) routers.Router {
	path := filepath.Join("..", "..", "..", "shared", "reference", "tenovos-v"+version+".openapi.yaml")
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		panic(err)
	}
	doc.Servers = openapi3.Servers{{URL: "/v1"}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	return router
}

func init() { checkReplies = checked }

// checker holds the replies of API operations against the document.
type checker struct {
	t    *testing.T
	r    routers.Router
	next http.RoundTripper
}

func checked(t *testing.T, version string, next http.RoundTripper) http.RoundTripper {
	r := document(version)
	if r == nil {
		return next
	}
	return checker{t, r, next}
}

func (c checker) CloseIdleConnections() { c.next.(*http.Transport).CloseIdleConnections() }

// undocumented are differences that cannot be avoided, each with its reason.
func undocumented(err error) bool {
	text := err.Error()
	return strings.Contains(text, `value is not one of the allowed values ["controlledVocabulary","date","text"]`) || // tables have no type in the document
		strings.Contains(text, "status is not supported") || // knobs and faults answer with any status
		strings.Contains(text, "value must be an integer") || // NumbersAsText
		strings.Contains(text, `Error at "/hitCount": Value is not nullable`) || // SearchHits null
		strings.Contains(text, "value must be an object") // ErrorShape string within ErrorsIn200
}

func (c checker) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(req)
	if err != nil || !strings.HasPrefix(req.URL.Path, "/v1/") {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	plain := &http.Request{Method: req.Method, URL: &url.URL{Path: req.URL.Path}, Header: req.Header}
	route, params, err := c.r.FindRoute(plain)
	if err != nil {
		return res, nil // asked outside of the API on purpose
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: plain, PathParams: params, Route: route},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil && !undocumented(err) {
		c.t.Errorf("%s %s %d: not as documented: %v", req.Method, req.URL.Path, res.StatusCode, err)
	}
	return res, nil
}
