package contract

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// variants are the forms of the requests, each of which must have been granted.
var variants = []struct {
	name, operation string
	fits            func(*exchange) bool
}{
	{"login", "GetAuthToken", has(`"password"`)},
	{"refresh", "GetAuthToken", has(`"refreshToken"`)},
	{"expire", "ExpireToken", always},
	{"impersonate", "Impersonate", has(`"username":"librarian"`)},
	{"create", "CreateAsset", lacks(`"originalFileId"`, `"contentPath"`, `"filesize"`)},
	{"create a version", "CreateAsset", has(`"originalFileId"`)},
	{"create metadata only", "CreateAsset", has(`"metadata":[]`)},
	{"create a federated asset", "CreateAsset", has(`"contentPath"`, `"skipTranscode"`)},
	{"create multipart", "CreateAsset", func(x *exchange) bool {
		return has(`"filesize"`)(x) && bytes.Contains(x.received, []byte(`"urls"`)) && bytes.Contains(x.received, []byte(`"uploadId"`))
	}},
	{"create with a table", "CreateAsset", has(`"metadataDefinitionTableValue"`)},
	{"complete", "FinishUpload", has(`"complete"`, `"parts"`)},
	{"cancel", "FinishUpload", has(`"cancel"`)},
	{"edit one", "UpdateAsset", has(`"metadata"`, `"securityTemplateIds"`)},
	{"edit one's table", "UpdateAsset", has(`"metadataDefinitionTableValue"`)},
	{"edit many", "EditAssets", has(`"append"`, `"replace"`)},
	{"edit many's tables", "EditAssets", has(`"metadataDefinitionTableValue"`)},
	{"get", "GetAsset", always},
	{"get the latest", "GetLatestVersion", always},
	{"get versions", "GetVersions", always},
	{"get the content link", "GetAssetContent", always},
	{"delete", "DeleteAsset", has(`"delete"`)},
	{"undelete", "DeleteAsset", has(`"undelete"`)},
	{"list templates", "GetMetadataTemplates", always},
	{"get a template", "GetMetadataTemplate", always},
	{"list vocabularies", "GetAllControlledVocab", always},
	{"get a vocabulary", "GetControlledVocab", always},
	{"list security templates", "GetSecurityTemplates", always},
	{"current user", "GetCurrentUser", always},
	{"search", "Search", has(`"sortBy"`, `"from"`)},
	{"scan", "ScanAssets", always},
	{"scan on", "ScanAssets", has(`"cursor"`)},
}

func always(*exchange) bool { return true }

func has(parts ...string) func(*exchange) bool {
	return func(x *exchange) bool {
		for _, p := range parts {
			if !strings.Contains(string(x.sent), p) {
				return false
			}
		}
		return true
	}
}

func lacks(parts ...string) func(*exchange) bool {
	return func(x *exchange) bool {
		for _, p := range parts {
			if has(p)(x) {
				return false
			}
		}
		return true
	}
}

func checkVariants(t *testing.T, s *service) {
	for _, v := range variants {
		happened := false
		for x := range s.rec.granted(v.operation) {
			happened = happened || v.fits(x)
		}
		if !happened {
			t.Errorf("API %s: %s was not granted once", s.rec.doc.version, v.name)
		}
	}
	for x := range s.rec.granted("CreateAsset") {
		var body map[string]any
		if err := json.Unmarshal(x.received, &body); err != nil || (body["data"] != nil) != (s.rec.doc.version == "1.5") {
			t.Errorf("API %s: a create was not answered in the version's form: %v", s.rec.doc.version, err)
		}
	}
	sameAsExample(t, s)
	sameAsTable(t, s)
}

// sameAsExample holds the reply that opens a multipart upload against the
// document's example, since its fields stand in no schema.
func sameAsExample(t *testing.T, s *service) {
	type multipart struct {
		UploadID string           `json:"uploadId"`
		URLs     []map[string]any `json:"urls"`
	}
	var shown multipart
	for _, e := range s.rec.doc.examples(t, "CreateAsset") {
		if strings.Contains(e.name, "Multipart") {
			if err := json.Unmarshal([]byte(e.body), &shown); err != nil {
				t.Fatal(err)
			}
		}
	}
	if shown.UploadID == "" || len(shown.URLs) == 0 {
		t.Fatalf("the document of API %s shows no multipart upload", s.rec.doc.version)
	}
	for x := range s.rec.granted("CreateAsset") {
		var got struct {
			multipart
			Data multipart `json:"data"`
		}
		if err := json.Unmarshal(x.received, &got); err != nil {
			t.Fatal(err)
		}
		for _, u := range append(got.URLs, got.Data.URLs...) {
			for field, value := range u {
				if reflect.TypeOf(value) != reflect.TypeOf(shown.URLs[0][field]) || len(u) != len(shown.URLs[0]) {
					t.Errorf("API %s: a part's URL has the fields of %v, not those of %v", s.rec.doc.version, u, shown.URLs[0])
				}
			}
		}
	}
}

// sameAsTable holds the table values of a bulk edit against the schema of those
// of a create, since their own schema fits none.
func sameAsTable(t *testing.T, s *service) {
	schema := s.rec.doc.doc.Components.Schemas["MetadataGridValue"].Value
	found := false
	for x := range s.rec.granted("EditAssets") {
		var body struct {
			Metadata []map[string]any `json:"metadataDocument"`
		}
		if err := json.Unmarshal(x.sent, &body); err != nil {
			t.Fatal(err)
		}
		for _, item := range body.Metadata {
			if item["metadataDefinitionTableValue"] == nil {
				continue
			}
			found = true
			delete(item, "operation")
			if err := schema.VisitJSON(item, s.rec.doc.options.SchemaValidationOptions...); err != nil {
				t.Errorf("API %s: a table value of a bulk edit: %v", s.rec.doc.version, err)
			}
		}
	}
	if !found {
		t.Errorf("API %s: no table was edited", s.rec.doc.version)
	}
}
