package tenovos

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCreateRequest(t *testing.T) {
	full := NewAsset{
		TemplateID: "t-1", SecurityIDs: []string{"s-1"}, Filename: "a & b.jpg",
		Metadata: []Value{TextValue("d-1", ""), DateValue("d-2", "02/10/2021"), SingleValue("d-3", "v-1"), MultiValue("d-4", "v-1", "v-2")},
	}
	const metadata = `"metadata":[{"metadataDefinitionId":"d-1","metadataDefinitionValue":""},` +
		`{"metadataDefinitionId":"d-2","metadataDefinitionValue":"02/10/2021"},` +
		`{"metadataDefinitionId":"d-3","metadataDefinitionValue":{"valueId":"v-1"}},` +
		`{"metadataDefinitionId":"d-4","metadataDefinitionValue":[{"valueId":"v-1"},{"valueId":"v-2"}]}]`
	with := func(change func(*NewAsset)) NewAsset {
		a := NewAsset{TemplateID: "t-1", SecurityIDs: []string{"s-1"}, Filename: "a.jpg"}
		change(&a)
		return a
	}
	const head, tail = `{"metadataTemplateId":"t-1","metadata":[],"securityTemplateIds":["s-1"],"filename":"a.jpg"`, `}`
	for _, tc := range []struct {
		name  string
		asset NewAsset
		want  string
	}{
		{"metadata", full, `{"metadataTemplateId":"t-1",` + metadata + `,"securityTemplateIds":["s-1"],"filename":"a \u0026 b.jpg"}`},
		{"nothing is null", NewAsset{}, `{"metadataTemplateId":"","metadata":[],"securityTemplateIds":[],"filename":""}`},
		{"100 MiB: no size", with(func(a *NewAsset) { a.Size = 100 << 20 }), head + tail},
		{"above: size", with(func(a *NewAsset) { a.Size = 100<<20 + 1 }), head + `,"filesize":104857601` + tail},
		{"version", with(func(a *NewAsset) { a.OriginalFileID = "f-0" }), `{"originalFileId":"f-0",` + head[1:] + tail},
		{"metadata only", with(func(a *NewAsset) { a.Size, a.NoContent = 1<<40, true }), head + tail},
		{"federated", with(func(a *NewAsset) { a.ContentPath, a.Size = "s3://b/k", 1<<40 }), head + `,"contentPath":"s3://b/k","skipTranscode":false` + tail},
		{"no renditions", with(func(a *NewAsset) { a.ContentPath, a.SkipTranscode = "s3://b/k", true }), head + `,"contentPath":"s3://b/k","skipTranscode":true` + tail},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			f.reply("POST /asset", 200, `{"objectId":"o","fileId":"f","url":"https://s/x"}`)
			if _, err := f.client().CreateAsset(t.Context(), tc.asset); err != nil {
				t.Fatal(err)
			}
			got := f.last("POST", "/asset")
			if got.body != tc.want {
				t.Errorf("sent %s\nwant %s", got.body, tc.want)
			}
			if got.header.Get("Content-Type") != "application/json" {
				t.Errorf("Content-Type is %q", got.header.Get("Content-Type"))
			}
		})
	}
}

func TestCreateReply(t *testing.T) {
	const ids = `"filename":"a.jpg","objectId":"o-1","fileId":"f-1","originalFileId":"f-0"`
	upload := func(id string, urls ...PartURL) Upload {
		return Upload{Filename: "a.jpg", ObjectID: "o-1", FileID: "f-1", OriginalFileID: "f-0", UploadID: id, URLs: urls}
	}
	three := []PartURL{{1, "https://s/1?s=a&b"}, {2, "https://s/2"}, {3, "https://s/3"}}
	const shuffled = `[{"partNumber":"3","url":"https://s/3"},{"partNumber":1,"url":"https://s/1?s=a\u0026b"},{"partNumber":2.0,"url":"https://s/2"}]`
	for _, tc := range []struct {
		name, reply string
		asset       NewAsset
		want        Upload
		err         error
	}{
		{"bare", `{` + ids + `,"url":"https://s/x"}`, NewAsset{}, upload("", PartURL{1, "https://s/x"}), nil},
		{"enveloped", `{"status":"success","message":"Asset created successfully","data":{` + ids + `,"url":"https://s/x"}}`, NewAsset{}, upload("", PartURL{1, "https://s/x"}), nil},
		{"data is a string", `{"status":"success","data":"{\"objectId\":\"o-1\",\"fileId\":\"f-1\",\"url\":\"https://s/x\"}"}`, NewAsset{Filename: "b"},
			Upload{Filename: "b", ObjectID: "o-1", FileID: "f-1", OriginalFileID: "f-1", URLs: []PartURL{{1, "https://s/x"}}}, nil},
		{"the whole is a string", `"{` + strings.ReplaceAll(ids, `"`, `\"`) + `,\"url\":\"https://s/x\"}"`, NewAsset{}, upload("", PartURL{1, "https://s/x"}), nil},
		{"byte order mark", "\xef\xbb\xbf {" + ids + `,"url":"https://s/x"}`, NewAsset{}, upload("", PartURL{1, "https://s/x"}), nil},
		{"urls, shuffled", `{` + ids + `,"uploadId":"u--","urls":` + shuffled + `}`, NewAsset{}, upload("u--", three...), nil},
		{"urls, in data", `{"status":"success","data":{` + ids + `,"uploadId":"u","urls":` + shuffled + `}}`, NewAsset{}, upload("u", three...), nil},
		{"urls, unnumbered", `{` + ids + `,"uploadId":"u","urls":[{"url":"https://s/1?s=a&b"},{"url":"https://s/2"},{"url":"https://s/3"}]}`, NewAsset{}, upload("u", three...), nil},
		{"urls, plain", `{` + ids + `,"uploadId":"u","urls":["https://s/1?s=a&b","https://s/2","https://s/3"]}`, NewAsset{}, upload("u", three...), nil},
		{"one of urls, no upload id", `{` + ids + `,"urls":[{"partNumber":1,"url":"https://s/x"}]}`, NewAsset{}, upload("", PartURL{1, "https://s/x"}), nil},
		{"url with an upload id", `{` + ids + `,"uploadId":"u","url":"https://s/x"}`, NewAsset{}, upload("u", PartURL{1, "https://s/x"}), nil},
		{"url and empty urls", `{` + ids + `,"uploadId":"","urls":[],"url":"https://s/x"}`, NewAsset{}, upload("", PartURL{1, "https://s/x"}), nil},
		{"metadata only", `{` + ids + `}`, NewAsset{NoContent: true}, upload(""), nil},
		{"federated", `{` + ids + `,"url":"b/k"}`, NewAsset{ContentPath: "s3://b/k"},
			Upload{Filename: "a.jpg", ObjectID: "o-1", FileID: "f-1", OriginalFileID: "f-0", ContentPath: "b/k"}, nil},
		{"no URL", `{` + ids + `}`, NewAsset{}, upload(""), ErrAmbiguous},
		{"an empty URL", `{` + ids + `,"urls":[{"partNumber":1}]}`, NewAsset{}, upload(""), ErrAmbiguous},
		{"no ids", `{"status":"success","message":"Asset created successfully"}`, NewAsset{}, Upload{}, ErrAmbiguous},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			f.reply("POST /asset", 200, tc.reply)
			got, err := f.client().CreateAsset(t.Context(), tc.asset)
			if !errors.Is(err, tc.err) {
				t.Fatalf("got error %v", err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNewAssetSurvivesJSON(t *testing.T) {
	in := NewAsset{
		TemplateID: "t", SecurityIDs: []string{"s"}, Filename: "ä.jpg", Size: 1 << 40, OriginalFileID: "f",
		ContentPath: "s3://b/k", SkipTranscode: true, NoContent: true,
		Metadata: []Value{
			TextValue("1", "x"), SingleValue("3", "v"), MultiValue("4", "v", "w"), MultiValue("5"), {DefinitionID: "6", Kind: Empty},
			TableValue("7", []Value{TextValue("8", "y"), SingleValue("9", "v")}, []Value{TextValue("8", "z")}),
		},
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out NewAsset
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
}

func TestValues(t *testing.T) {
	for _, tc := range []struct {
		wire string
		want Value
	}{
		{`{"metadataDefinitionId":"d","metadataDefinitionValue":"x"}`, TextValue("d", "x")},
		{`{"metadataDefinitionId":"d"}`, Value{DefinitionID: "d", Kind: Empty}},
		{`{"metadataDefinitionId":"d","metadataDefinitionValue":{"valueId":"v"}}`, SingleValue("d", "v")},
		{`{"metadataDefinitionId":"d","metadataDefinitionValue":[{"valueId":"v"}]}`, MultiValue("d", "v")},
		{`{"metadataDefinitionId":"d","metadataDefinitionTableValue":[[{"metadataDefinitionId":"e","metadataDefinitionValue":"x"}],[]]}`,
			TableValue("d", []Value{TextValue("e", "x")}, []Value{})},
		{`{"metadataDefinitionId":"d","metadataDefinitionValue":[{"metadataDefinitionId":"e","metadataDefinitionValue":{"valueId":"v"}},` +
			`{"metadataDefinitionId":"f","metadataDefinitionValue":{"valueId":"w"}}]}`,
			CascadeValue("d", SingleValue("e", "v"), SingleValue("f", "w"))},
	} {
		var v Value
		if err := json.Unmarshal([]byte(tc.wire), &v); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, v); diff != "" {
			t.Error(diff)
		}
		if b, err := json.Marshal(v); err != nil || string(b) != tc.wire {
			t.Errorf("%s came back as %s, %v", tc.wire, b, err)
		}
	}
	// A number is a text; what is not understood is kept as it is.
	var v Value
	if err := json.Unmarshal([]byte(`{"metadatadefinitionId":"d","metadataDefinitionValue":12}`), &v); err != nil || v.Text != "12" || v.DefinitionID != "d" {
		t.Errorf("got %+v, %v", v, err)
	}
	for _, odd := range []string{
		`{"metadataDefinitionId":"d","metadataDefinitionValue":[{"metadataDefinitionId":"e","metadataDefinitionValue":{"valueId":"v"},"order":1}]}`,
		`{"metadataDefinitionId":"d","metadataDefinitionValue":[{"valueId":"v"},{"metadataDefinitionId":"e","metadataDefinitionValue":{"valueId":"v"}}]}`,
		`{"metadataDefinitionId":"d","metadataDefinitionValue":[{"metadataDefinitionValue":{"valueId":"v"}}]}`,
	} {
		if err := json.Unmarshal([]byte(odd), &v); err != nil || v.Kind != Raw {
			t.Errorf("%s: got %+v, %v", odd, v, err)
		}
		if b, err := json.Marshal(v); err != nil || string(b) != odd {
			t.Errorf("%s came back as %s, %v", odd, b, err)
		}
	}
	for _, bad := range []Value{
		{Kind: "grid"}, {Kind: Cascade}, CascadeValue("d", TextValue("e", "x")), CascadeValue("d", SingleValue("", "v")), {Kind: Single}, {Kind: Single, IDs: []string{"a", "b"}}, {},
	} {
		if b, err := json.Marshal(bad); err == nil {
			t.Errorf("%+v was written as %s", bad, b)
		}
	}
}

func TestComplete(t *testing.T) {
	k := Completion{
		FileID: "f", OriginalFileID: "f-0", UploadID: "u--", Filename: "a", Size: 7,
		Parts: []CompletedPart{{2, `"bb"`}, {1, `"aa"`}},
	}
	const head = `{"action":"complete","fileId":"f","originalFileId":"f-0","uploadId":"u--","filename":"a","filesize":7,"parts":`
	quoted, bare := head+`[{"partNumber":1,"etag":"\"aa\""},{"partNumber":2,"etag":"\"bb\""}]}`, head+`[{"partNumber":1,"etag":"aa"},{"partNumber":2,"etag":"bb"}]}`
	invalid := `{"status":"error","message":"InvalidPart: One or more of the specified parts could not be found."}`
	for _, tc := range []struct {
		name  string
		ok    string // the body that is accepted
		reply string // to any other
		code  int
		sent  []string
		err   error
	}{
		{"quoted", quoted, invalid, 400, []string{quoted}, nil},
		{"bare", bare, invalid, 400, []string{quoted, bare}, nil},
		{"neither", "", invalid, 400, []string{quoted, bare}, ErrInvalidPart},
		{"another refusal", "", `{"message":"Failed to parse asset: Missing fields"}`, 400, []string{quoted}, ErrRejected},
		{"unclear", "", invalid, 500, []string{quoted}, ErrAmbiguous},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			var sent []string
			c := f.client()
			f.route("POST /asset/complete", func(w http.ResponseWriter, _ *http.Request) {
				body := f.last("POST", "/asset/complete").body
				sent = append(sent, body)
				if body == tc.ok {
					write(w, 200, `{"status":"success","action":"complete","fileId":"f"}`)
				} else {
					write(w, tc.code, tc.reply)
				}
			})
			if err := c.CompleteUpload(t.Context(), k); !errors.Is(err, tc.err) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(tc.sent, sent); diff != "" {
				t.Error(diff)
			}
		})
	}
	f := newFake(t)
	f.reply("POST /asset/complete", 200, `{"status":"success","message":"ok","data":"{}"}`)
	if err := f.client().CancelUpload(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	want := `{"action":"cancel","fileId":"f","originalFileId":"f-0","uploadId":"u--","filename":"a","filesize":7}`
	if got := f.last("POST", "/asset/complete").body; got != want {
		t.Errorf("sent %s", got)
	}
	if k.Parts[0].Number != 2 {
		t.Error("the caller's parts were reordered")
	}
}
