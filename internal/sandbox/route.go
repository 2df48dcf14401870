package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// Names of the store's operations. The API's are the operationIds of the
// OpenAPI documents.
const (
	PutPart   = "PutPart"
	PutObject = "PutObject"
	GetObject = "GetObject"
	unknownOp = "Unknown"
)

// handler is a path, a method, and what serves them.
type handler struct {
	method, path string // {id} stands for one segment
	op           string
	serve        func(*call, *reply)
}

// The operations of a request's call, by the parts of the API that they belong to.
type (
	accounts     struct{ *call } // sessions and their tokens
	descriptions struct{ *call } // templates, vocabularies, and who asks
	assets       struct{ *call } // assets as they are shown
	edits        struct{ *call } // changes of assets, deletion among them
	searches     struct{ *call } // searches and scans
	uploads      struct{ *call } // creation of assets, and the end of their uploads
	contents     struct{ *call } // the store's own: objects and their parts
	links        struct{ *call } // signed URLs, and the store that is behind them
)

// api makes a handler of an operation of the API.
func api[part ~struct{ *call }](f func(part) (int, any)) func(*call, *reply) {
	return func(c *call, out *reply) { c.serveAPI(func() (int, any) { return f(part{c}) }, out) }
}

// routes are the operations in an order in which the first match is right.
var routes = []handler{
	{"POST", "/auth/token", "GetAuthToken", api(accounts.getAuthToken)},
	{"DELETE", "/auth/token", "ExpireToken", api(accounts.expireToken)},
	{"POST", "/auth/impersonate", "Impersonate", api(accounts.impersonate)},
	{"POST", "/asset", "CreateAsset", api(uploads.createAsset)},
	{"PATCH", "/asset", "EditAssets", api(edits.editAssets)},
	{"POST", "/asset/complete", "FinishUpload", api(uploads.finishUpload)},
	{"POST", "/asset/scan", "ScanAssets", api(searches.scanAssets)},
	{"GET", "/asset/{id}", "GetAsset", api(assets.getAsset)},
	{"PATCH", "/asset/{id}", "UpdateAsset", api(edits.updateAsset)},
	{"GET", "/asset/{id}/latest", "GetLatestVersion", api(assets.getLatestVersion)},
	{"GET", "/asset/{id}/version", "GetVersions", api(assets.getVersions)},
	{"GET", "/asset/{id}/content", "GetAssetContent", api(assets.getAssetContent)},
	{"POST", "/asset/{id}/delete", "DeleteAsset", api(edits.deleteAsset)},
	{"POST", "/search/keyword", "Search", api(searches.search)},
	{"GET", "/metadata/template", "GetMetadataTemplates", api(descriptions.getMetadataTemplates)},
	{"GET", "/metadata/template/{id}", "GetMetadataTemplate", api(descriptions.getMetadataTemplate)},
	{"GET", "/metadata/vocabulary", "GetAllControlledVocab", api(descriptions.getAllControlledVocab)},
	{"GET", "/metadata/vocabulary/{id}", "GetControlledVocab", api(descriptions.getControlledVocab)},
	{"GET", "/security/template", "GetSecurityTemplates", api(descriptions.getSecurityTemplates)},
	{"GET", "/user", "GetCurrentUser", api(descriptions.getCurrentUser)},
}

var (
	putPart   = handler{op: PutPart, serve: func(c *call, out *reply) { contents{c}.putContent(out) }}
	putObject = handler{op: PutObject, serve: func(c *call, out *reply) { contents{c}.putContent(out) }}
	getObject = handler{op: GetObject, serve: func(c *call, out *reply) { contents{c}.getObject(out) }}
	nowhere   = handler{op: unknownOp, serve: (*call).unknown}
)

// Operation names what a request asks for: an operationId of the OpenAPI
// documents, PutPart, PutObject, GetObject, or Unknown.
func Operation(r *http.Request) string {
	h, _ := route(r)
	return h.op
}

func isStore(op string) bool { return op == PutPart || op == PutObject || op == GetObject }

// Operations are all names that a fault may be queued for.
func Operations() []string {
	out := []string{PutPart, PutObject, GetObject}
	for _, h := range routes {
		out = append(out, h.op)
	}
	return out
}

// route finds the handler of a request and the {id} of its path. Whatever stands
// before the first segment that the API knows is the base path.
func route(r *http.Request) (handler, string) {
	if strings.HasPrefix(r.URL.Path, "/masters/") {
		switch {
		case r.Method == http.MethodPut && r.URL.Query().Has("partNumber"):
			return putPart, ""
		case r.Method == http.MethodPut:
			return putObject, ""
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			return getObject, ""
		}
		return nowhere, ""
	}
	segments := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	start := slices.IndexFunc(segments, func(s string) bool {
		return s == "asset" || s == "auth" || s == "metadata" || s == "search" || s == "security" || s == "user"
	})
	if start < 0 {
		return nowhere, ""
	}
	segments = segments[start:]
	for _, h := range routes {
		if id, ok := h.match(r.Method, segments); ok {
			return h, id
		}
	}
	return nowhere, ""
}

func (h handler) match(method string, segments []string) (id string, ok bool) {
	want := strings.Split(h.path[1:], "/")
	if h.method != method || len(want) != len(segments) {
		return "", false
	}
	for i, w := range want {
		switch {
		case w == "{id}" && segments[i] != "":
			id = segments[i]
		case w != segments[i]:
			return "", false
		}
	}
	return id, true
}

// unknown answers what the gateway says to a path that it does not have.
func (c *call) unknown(out *reply) {
	c.violate("request outside of the API", "%s %s", c.r.Method, c.r.URL.Path)
	out.json(http.StatusForbidden, map[string]any{"message": "Missing Authentication Token"})
}
