package tenovos

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const assetReply = `{"createdBy":"u-1","createdEpoch":1608745510614,"currentVersion":"Y","customerId":123,"fileId":"f-1",
	"filename":"a.jpg","fileState":"available","metadataState":"available","metadataTemplateId":"t-1","objectId":"o-1",
	"originalFileId":"f-0","securityTemplateIds":["s-1"],"metadata":[{"metadataDefinitionId":"d","metadataDefinitionValue":"x"}],
	"technicalMetadata":{"tenovos_metadata":{"MD5Checksum":"6CBC612262877E8502904EA3FFD6A278","fileSize":"4.4 MB"},"image_metadata":{"width":"12","iso":100}}}`

func TestAssetReplies(t *testing.T) {
	full := Asset{
		ObjectID: "o-1", FileID: "f-1", OriginalFileID: "f-0", Filename: "a.jpg", CreatedBy: "u-1", FileState: Available,
		MetadataState: Available, TemplateID: "t-1", MD5: "6cbc612262877e8502904ea3ffd6a278", Created: time.UnixMilli(1608745510614),
		Current: true, FileSize: -1, SecurityIDs: []string{"s-1"}, Metadata: []Value{TextValue("d", "x")}, HasContent: true,
	}
	for _, tc := range []struct {
		name, reply string
		want        Asset
		err         error
	}{
		{"bare", assetReply, full, nil},
		{"enveloped", `{"status":"success","data":` + assetReply + `}`, full, nil},
		{"strings inside", `{"objectId":"o","metadataDocument":"[{\"metadataDefinitionId\":\"d\"}]","createdEpoch":"1000","currentVersion":false,
			"technicalMetadataDocument":"{\"tenovos_metadata\":{\"MD5Checksum\":\"aa\",\"fileSizeInBytes\":\"12\"}}"}`,
			Asset{ObjectID: "o", Metadata: []Value{{DefinitionID: "d", Kind: Empty}}, Created: time.Unix(1, 0), MD5: "aa", FileSize: 12, HasContent: true}, nil},
		{"underscores", `{"fileId":"f","fileName":"b","technical_metadata":{"tenovos_metadata":{"fileSizeInBytes":5}}}`,
			Asset{FileID: "f", Filename: "b", FileSize: 5, HasContent: true}, nil},
		{"filesize", `{"fileId":"f","filesize":"1234"}`, Asset{FileID: "f", FileSize: 1234}, nil},
		{"fileSize", `{"fileId":"f","fileSize":1234}`, Asset{FileID: "f", FileSize: 1234}, nil},
		{"a size for people after the number", `{"fileId":"f","filesize":4404019,"fileSize":"4.4 MB"}`, Asset{FileID: "f", FileSize: 4404019}, nil},
		{"and before it", `{"fileId":"f","fileSize":"4.4 MB","filesize":4404019}`, Asset{FileID: "f", FileSize: 4404019}, nil},
		{"sizes for people only", `{"fileId":"f","fileSize":"96 KiB","filesize":"940 kB"}`, Asset{FileID: "f", FileSize: -1}, nil},
		{"two sizes", `{"fileId":"f","fileSize":1,"filesize":2,"FileSize":1}`, Asset{FileID: "f", FileSize: -1}, nil},
		{"no sizes", `{"fileId":"f","fileSize":{"a":1},"filesize":-3}`, Asset{FileID: "f", FileSize: -1}, nil},
		{"the content's size before the asset's", `{"fileId":"f","filesize":7,"technicalMetadata":{"tenovos_metadata":{"fileSize":"900 bytes"}}}`,
			Asset{FileID: "f", FileSize: 900, HasContent: true}, nil},
		{"filesize of the content", `{"fileId":"f","technical_metadata":{"tenovos_metadata":{"filesize":900,"fileSize":"1 kB"}}}`,
			Asset{FileID: "f", FileSize: 900, HasContent: true}, nil},
		{"bytes above all", `{"fileId":"f","filesize":7,"technicalMetadata":{"tenovos_metadata":{"fileSize":8,"fileSizeInBytes":9}}}`,
			Asset{FileID: "f", FileSize: 9, HasContent: true}, nil},
		{"renditions", `{"fileId":"f","renditions":{"imageThumb":"https://x"}}`, Asset{FileID: "f", FileSize: -1, HasContent: true}, nil},
		{"empty", `{"fileId":"f","metadata":null,"renditions":{"width":0,"imageThumb":""},"technicalMetadata":{"tenovos_metadata":{"MD5Checksum":null}}}`,
			Asset{FileID: "f", FileSize: -1}, nil},
		{"odd technical metadata", `{"fileId":"f","technicalMetadata":[1]}`, Asset{FileID: "f", FileSize: -1, HasContent: true}, nil},
		{"no ids", `{"filename":"a"}`, Asset{}, ErrUnavailable},
		{"metadata is no list", `{"fileId":"f","metadata":{"a":1}}`, Asset{}, ErrUnavailable},
		{"a list", `[` + assetReply + `]`, Asset{}, ErrUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			f.reply("GET /asset/f-1", 200, tc.reply)
			f.reply("GET /asset/f-1/latest", 200, tc.reply)
			f.reply("GET /asset/f-1/version", 200, `[`+tc.reply+`]`)
			c := f.client()
			got, err := c.Asset(t.Context(), "f-1")
			if !errors.Is(err, tc.err) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if latest, _ := c.LatestAsset(t.Context(), "f-1"); !cmp.Equal(latest, got) {
				t.Errorf("latest differs: %+v", latest)
			}
			if tc.name == "bare" {
				if list, err := c.Versions(t.Context(), "f-1"); err != nil || len(list) != 1 || !cmp.Equal(list[0], got) {
					t.Errorf("versions differ: %+v, %v", list, err)
				}
			}
		})
	}
	if !(Asset{FileState: RecycleBin}).Deleted() || (Asset{FileState: Available}).Deleted() {
		t.Error("Deleted is wrong")
	}
}

func TestSameContent(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"s3://b/k/x.tif", "s3://b/k/x.tif", true},
		{"k/x.tif", "k/x.tif", true},
		{"s3://b/k/x.tif", "k/x.tif", true},
		{"s3://b/k/x.tif", "b/k/x.tif", true},
		{"s3://b/k/x.tif", "/k/x.tif", true},
		{"s3://b/k/x.tif", "s3://c/k/x.tif", false},
		{"s3://b/k/x.tif", "x.tif", false},
		{"k/x.tif", "x.tif", false},
		{"s3://b/", "", false},
		{"s3://b", "", false},
	} {
		if SameContent(tt.a, tt.b) != tt.want || SameContent(tt.b, tt.a) != tt.want {
			t.Errorf("%q and %q: want %v", tt.a, tt.b, tt.want)
		}
	}
}

func TestIDsInPaths(t *testing.T) {
	f := newFake(t)
	f.reply("GET /asset/..%2Fuser%3Fx", 200, assetReply)
	c := f.client()
	if _, err := c.Asset(t.Context(), "../user?x"); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"asset":  second(c.Asset(t.Context(), "")),
		"delete": c.DeleteAsset(t.Context(), ""),
		"update": c.UpdateAsset(t.Context(), "", Edit{}),
		"vocab":  second(c.Vocabulary(t.Context(), "")),
	} {
		if !errors.Is(err, ErrRejected) {
			t.Errorf("%s: an empty id gave %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestContentLink(t *testing.T) {
	f := newFake(t)
	f.reply("GET /asset/o-1/content", 200, `{"presignedURL":"https://s/x?sig=1"}`)
	f.reply("GET /asset/o-2/content", 200, `{"presignedURL":null}`)
	c := f.client()
	if u, err := c.ContentLink(t.Context(), "o-1"); err != nil || u.Reveal() != "https://s/x?sig=1" {
		t.Errorf("got %s, %v", u, err)
	}
	if _, err := c.ContentLink(t.Context(), "o-2"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestEdits(t *testing.T) {
	f := newFake(t)
	f.reply("PATCH /asset/o-1", 200, `{"status":"success","message":"Asset update was successful"}`)
	f.reply("PATCH /asset", 200, `{"jobId":"j-1","collectionId":"c-1"}`)
	f.reply("POST /asset/o-1/delete", 200, `{"status":"success","message":"Master Object update was successful","data":"{\"metadataDocument\":\"[]\"}"}`)
	f.reply("POST /asset/o-2/delete", 200, `{"message":"Master Object update was successful"}`)
	c := f.client()
	if err := c.UpdateAsset(t.Context(), "o-1", Edit{Metadata: []Value{TextValue("d", "x")}}); err != nil {
		t.Fatal(err)
	}
	if got, want := f.last("PATCH", "/asset/o-1").body, `{"metadata":[{"metadataDefinitionId":"d","metadataDefinitionValue":"x"}]}`; got != want {
		t.Errorf("sent %s", got)
	}
	job, err := c.BulkEdit(t.Context(), BulkEdit{
		TemplateID: "t", ObjectIDs: []string{"o-1"}, SecurityIDs: []string{"s"}, AppendSecurity: true,
		Metadata: []BulkValue{{TextValue("d", "x"), false}, {MultiValue("e", "v"), true}},
	})
	if err != nil || job != (Job{"j-1", "c-1"}) {
		t.Errorf("got %v, %v", job, err)
	}
	want := `{"metadataTemplateId":"t","metadataDocument":[{"metadataDefinitionId":"d","metadataDefinitionValue":"x","operation":"replace"},` +
		`{"metadataDefinitionId":"e","metadataDefinitionValue":[{"valueId":"v"}],"operation":"append"}],"objectIds":["o-1"],` +
		`"securityTemplateIds":["s"],"securityTemplateOp":"append"}`
	if got := f.last("PATCH", "/asset").body; got != want {
		t.Errorf("sent %s", got)
	}
	bad := BulkEdit{Metadata: []BulkValue{{SingleValue("d", "v"), true}}}
	if _, err := c.BulkEdit(t.Context(), bad); !errors.Is(err, ErrRejected) {
		t.Errorf("appending to a single value gave %v", err)
	}
	if err := c.DeleteAsset(t.Context(), "o-1"); err != nil {
		t.Error(err)
	}
	if err := c.UndeleteAsset(t.Context(), "o-2"); err != nil {
		t.Error(err)
	}
	if got := f.last("POST", "/asset/o-2/delete").body; got != `{"action":"undelete","deleteType":"full"}` {
		t.Errorf("sent %s", got)
	}
}

func TestSearch(t *testing.T) {
	f := newFake(t)
	c := f.client()
	f.reply("POST /search/keyword", 200, `{"hitCount":"51","result":[`+assetReply+`],"facets":[],"cursor":"x"}`)
	page, err := c.Search(t.Context(), Query{Terms: []string{"a.jpg"}, Field: InFilename, From: 50, Any: true, IncludeVersions: true, Sort: []Sort{{"lastUpdatedEpoch", true}}})
	if err != nil || page.Hits != 51 || len(page.Assets) != 1 || page.Assets[0].FileID != "f-1" || page.Cursor != "" {
		t.Errorf("got %+v, %v", page, err)
	}
	want := `{"from":50,"searchTerm":["a.jpg"],"operation":"OR","keywordSearchField":"filename","includeDeleted":false,"includeVersions":true,` +
		`"sortBy":[{"metadataDefinitionSearchField":"lastUpdatedEpoch","order":"desc"}]}`
	if got := f.last("POST", "/search/keyword").body; got != want {
		t.Errorf("sent %s", got)
	}
	for reply, want := range map[string]error{
		`{"hitCount":0}`:                            nil,
		`{"hitCount":0,"result":null}`:              nil,
		`{"status":"success","data":{"result":[]}}`: nil,
		`{"hitCount":3}`:                            ErrUnavailable,
		`{"facets":[]}`:                             ErrUnavailable,
		`[]`:                                        ErrUnavailable,
		`{"hitCount":1,"result":[{}]}`:              ErrUnavailable,
		`{"status":"error","message":"Invalid Query"}`: ErrRejected,
	} {
		f.reply("POST /search/keyword", 200, reply)
		if _, err := c.Search(t.Context(), Query{}); !errors.Is(err, want) {
			t.Errorf("%s: got %v", reply, err)
		}
	}
}

func TestScan(t *testing.T) {
	f := newFake(t)
	c := f.client()
	for _, tc := range []struct{ reply, asked, want string }{
		{`{"hitCount":1,"cursor":"c2","result":[{"fileId":"f"}]}`, "c1", "c2"},
		{`{"hitCount":1,"result":[{"fileId":"f"},{"fileId":"g","cursor":"c2"}]}`, "", "c2"},
		{`{"hitCount":1,"cursor":"c1","result":[{"fileId":"f"}]}`, "c1", ""},
		{`{"hitCount":1,"cursor":"c2","result":[]}`, "c1", ""},
		{`{"hitCount":1,"result":[{"fileId":"f"}]}`, "c1", ""},
	} {
		f.reply("POST /asset/scan", 200, tc.reply)
		page, err := c.Scan(t.Context(), Query{Cursor: tc.asked, Limit: 500})
		if err != nil || page.Cursor != tc.want {
			t.Errorf("%s: got %q, %v", tc.reply, page.Cursor, err)
		}
	}
	want := `{"limit":100,"searchTerm":[],"operation":"AND","includeDeleted":false,"includeVersions":false,"cursor":"c1"}`
	if got := f.last("POST", "/asset/scan").body; got != want {
		t.Errorf("sent %s", got)
	}
}

func TestAccount(t *testing.T) {
	const attribute = `{"id":"a-1","name":"Title","searchField":"title","type":"text","required":true,"length":"80","dateFormat":"N/A","isMultipleSelect":"false"}`
	const groups = `"metadataGroups":[{"metadataGroupName":"G","metadataAttributes":[` + attribute + `,{"id":"a-2","type":"tableAttribute","dateFormat":"MM/dd/yyyy","readonly":true}]}]`
	want := Template{ID: "t-1", Name: "Creative", Type: "default", Attributes: []Attribute{
		{ID: "a-1", Name: "Title", SearchField: "title", Type: "text", Group: "G", Required: true, Length: 80, Raw: json.RawMessage(attribute)},
		{ID: "a-2", Type: "tableAttribute", Group: "G", ReadOnly: true, DateFormat: "MM/dd/yyyy", Raw: json.RawMessage(`{"id":"a-2","type":"tableAttribute","dateFormat":"MM/dd/yyyy","readonly":true}`)},
	}}
	f := newFake(t)
	c := f.client()
	for name, reply := range map[string]string{
		"beside":    `{"templateId":"t-1","templateName":"Creative","templateType":"default","template":{` + groups + `}}`,
		"inside":    `{"template":{"templateId":"t-1","templateName":"Creative","templateType":["default"],` + groups + `}}`,
		"enveloped": `{"status":"success","data":{"templateId":"t-1","templateName":"Creative","templateType":["default"],` + groups + `}}`,
	} {
		f.reply("GET /metadata/template/t-1", 200, reply)
		got, err := c.Template(t.Context(), "t-1")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		f.reply("GET /metadata/template", 200, `{"data":[`+reply+`]}`)
		if list, err := c.Templates(t.Context()); name != "enveloped" && (err != nil || len(list) != 1 || !cmp.Equal(list[0], want)) {
			t.Errorf("%s, listed: %+v, %v", name, list, err)
		}
	}
	for _, path := range []string{"/metadata/template", "/metadata/template/t-1"} {
		if f.last("GET", path).header.Get("Content-Type") != "application/json" {
			t.Errorf("GET %s needs a Content-Type", path)
		}
	}

	colors := Vocabulary{ID: "v", Name: "Colors", SearchField: "colors", Values: []VocabularyValue{{"1", "Red"}, {"2", "Blue"}}}
	for _, place := range []string{"metadata", "metadataDocument"} {
		reply := `{"metadataDefinitionId":"v","metadataDefinitionName":"Colors","metadataDefinitionSearchField":"colors","` + place +
			`":{"searchable":true,"values":[{"valueId":1,"valueName":"Red"},{"valueId":"2","valueName":"Blue"}]}}`
		f.reply("GET /metadata/vocabulary/v", 200, reply)
		f.reply("GET /metadata/vocabulary", 200, `[`+reply+`]`)
		one, err := c.Vocabulary(t.Context(), "v")
		if diff := cmp.Diff(colors, one); err != nil || diff != "" {
			t.Errorf("%s: %v %s", place, err, diff)
		}
		if list, err := c.Vocabularies(t.Context()); err != nil || len(list) != 1 || !cmp.Equal(list[0], colors) {
			t.Errorf("%s, listed: %+v, %v", place, list, err)
		}
	}

	f.reply("GET /security/template", 200, `[{"templateId":"s","templateName":"Internal","templateDocument":[]}]`)
	if list, err := c.SecurityTemplates(t.Context()); err != nil || !cmp.Equal(list, []SecurityTemplate{{"s", "Internal"}}) {
		t.Errorf("got %v, %v", list, err)
	}
	f.reply("GET /user", 200, userReply)
	if u, err := c.CurrentUser(t.Context()); err != nil || !cmp.Equal(u, User{ID: "u-1"}) {
		t.Errorf("got %+v, %v", u, err)
	}
	f.reply("GET /user", 200, `{"status":"enabled"}`)
	if _, err := c.CurrentUser(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a user without an id gave %v", err)
	}
}

// A count of results that is missing is no count, and one of zero beside results is
// left to whoever pages.
func TestHitCount(t *testing.T) {
	for count, want := range map[string]int{``: -1, `"hitCount":null,`: -1, `"hitCount":"2",`: 2, `"hitCount":0,`: 0, `"hitCount":-5,`: -1, `"hitCount":7.0,`: 7} {
		f := newFake(t)
		f.reply("POST /search/keyword", 200, `{`+count+`"result":[{"objectId":"o-1","fileId":"f-1"}]}`)
		page, err := f.client().Search(t.Context(), Query{})
		if err != nil || page.Hits != want || len(page.Assets) != 1 {
			t.Errorf("%s: got %+v, %v", count, page, err)
		}
	}
}
