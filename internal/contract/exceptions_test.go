package contract

import (
	"path"
	"testing"
)

// exception is a difference from the documents that must be. Where its reason
// ends in brackets it names the place in TENOVOS.md, beside the documents.
type exception struct {
	version   string // API version; "" is both, and both must need it
	operation string
	direction string
	status    int      // of a reply; 0 is any
	at        []string // as in a difference, each needed; * is any one element
	rule      string
	reason    string
}

const (
	tables    = "the documents write table values but describe no table attribute (H15)"
	beside    = "the schema puts ids and names inside \"template\", the pages beside it (A.10); both are tried"
	multipart = "the schema has only the form with one URL; the others stand in its examples (A.1)"
	binned    = "the sample of an asset in the recycle bin has these (A.7)"
	gateway   = "the gateway refuses a wrong API key before the operation, whichever it is (A.0)"
)

var exceptions = []exception{
	// What the client sends.
	{"", "GetAuthToken", request, 0, []string{""}, wrongSecurity, "a Basic header stands in the schema, but in no sample that runs; it can be switched on (H8)"},
	{"", "ExpireToken", request, 0, []string{"header Authorization"}, unknownParameter, "every call sends all tokens, which every document allows (B)"},
	{"1.0", "ExpireToken", request, 0, []string{""}, wrongBody, "the schema of 1.0 has no body, its prose wants the one of 1.5 (H21)"},
	{"1.5", "GetCurrentUser", request, 0, []string{"header AccessToken"}, wrongParameter, "left away on purpose: later pages do not list it (H6)"},
	{"", "EditAssets", request, 0, []string{"/metadataDocument/4"}, "anyOf", "of a table the schema requires a metadataDefinitionValue as well, and an operation in each cell; it is held against the schema of a create instead"},

	// What the sandbox answers.
	{"", "GetMetadataTemplates", reply, 200, []string{"/*/template/metadataGroups/*/metadataAttributes/*/type"}, "enum", tables},
	{"", "GetMetadataTemplates", reply, 200, []string{"/*/template/metadataGroups/*/metadataAttributes/*/metadataAttributes"}, unknownField, tables},
	{"", "GetMetadataTemplate", reply, 200, []string{"/template/metadataGroups/*/metadataAttributes/*/type"}, "enum", tables},
	{"", "GetMetadataTemplate", reply, 200, []string{"/template/metadataGroups/*/metadataAttributes/*/metadataAttributes"}, unknownField, tables},
	{"", "GetMetadataTemplates", reply, 200, []string{"/*/templateId", "/*/templateName", "/*/templateType", "/*/createdEpoch", "/*/lastUpdatedEpoch"}, unknownField, beside},
	{"", "GetMetadataTemplate", reply, 200, []string{"/templateId", "/templateName", "/templateType", "/createdEpoch", "/lastUpdatedEpoch"}, unknownField, beside},
	{"", "CreateAsset", reply, 200, []string{"/uploadId", "/urls"}, unknownField, multipart},
	{"1.5", "CreateAsset", reply, 200, []string{"/data/uploadId", "/data/urls"}, unknownField, multipart},
	{"", "CreateAsset", reply, 200, []string{"/url"}, "format", "of a federated asset it is an S3 key (A.1)"},
	{"1.5", "CreateAsset", reply, 200, []string{"/data/url"}, "format", "of a federated asset it is an S3 key (A.1)"},
	{"1.5", "CreateAsset", reply, 200, []string{"/status", "/message", "/data"}, unknownField, "the pages of 1.5 show an envelope, the schema none (H5)"},
	{"", "GetAsset", reply, 200, []string{"/fileDeletedEpoch", "/fileDeletedBy"}, unknownField, binned},
	{"", "Search", reply, 200, []string{"/result/*/fileDeletedEpoch", "/result/*/fileDeletedBy"}, unknownField, binned},
	{"", "ScanAssets", reply, 200, []string{"/totalCount"}, unknownField, "a later draft has it (F)"},
	{"", "GetAuthToken", reply, 403, []string{""}, unknownStatus, gateway},
	{"", "ExpireToken", reply, 403, []string{""}, unknownStatus, gateway},
	{"1.5", "Impersonate", reply, 422, []string{"//auth/impersonate"}, unknownField, "by a slip of indentation the document's example holds a part of the document"},
}

// place is one of an exception's.
type place struct{ exception, at int }

// excepted tells whether a difference is an exception, and which.
func excepted(version string, d difference) (place, bool) {
	for i, e := range exceptions {
		if e.version != "" && e.version != version || e.operation != d.operation || e.direction != d.direction ||
			e.status != 0 && e.status != d.status || e.rule != d.rule {
			continue
		}
		for j, pattern := range e.at {
			if ok, err := path.Match(pattern, d.at); ok && err == nil {
				return place{i, j}, true
			}
		}
	}
	return place{}, false
}

// checkUsed reports the exceptions that the recorder did not need.
func (r *recorder) checkUsed(t *testing.T) {
	t.Helper()
	for i, e := range exceptions {
		for j, at := range e.at {
			if (e.version == "" || e.version == r.doc.version) && !r.used[place{i, j}] {
				t.Errorf("API %s: nothing needs the exception for %s %s %q any more (%s): remove it", r.doc.version, e.operation, e.direction, at, e.rule)
			}
		}
	}
}
