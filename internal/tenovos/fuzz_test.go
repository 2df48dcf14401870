package tenovos

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

var replySeeds = []string{
	"", "null", "[]", "{}", `"x"`, `"{\"a\":1}"`, `{"data":"[1]"}`, `{"status":"error","message":["x"]}`,
	`{"statusCode":502,"body":"{\"message\":\"x\"}"}`, `{"message":"m","detail":{"a":1}}`, assetReply, userReply,
	`<Error><Code>NoSuchUpload</Code><Message>m</Message></Error>`, `<html><title>504 &amp; more</title>`, "\xef\xbb\xbf{}", "upstream \xff\x00",
	`{"session":{"authorization":"a","expireEpoch":"1"}}`, `{"objectId":"o","fileId":"f","urls":[{"partNumber":2,"url":"u"},"v"]}`,
	`{"template":"{\"templateId\":1}","metadataGroups":[{"metadataAttributes":[{}]}]}`,
	`{"templateId":1,"metadataGroups":[{"metadataAttributes":[{"type":"grid","a":[{"b":[{"id":1,"name":"c"}]}],"d":"[{\\"id\\":2,\\"type\\":\\"text\\"}]"}]}]}`,
	`{"metadataDefinitionId":1,"metadata":{"values":[{"valueId":1}]}}`, `{"hitCount":1,"result":[{"fileId":"f"}],"cursor":[]}`,
}

// FuzzReply: whatever comes, no decoder panics, and what unwrap returns is JSON.
func FuzzReply(f *testing.F) {
	for _, s := range replySeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		payload, p, err := unwrap(body, len(body)%2 == 0)
		given := 0
		for _, set := range []bool{payload != nil, p != nil, err != nil} {
			if set {
				given++
			}
		}
		if given != 1 {
			t.Fatalf("payload %q, problem %v, error %v: want exactly one", payload, p, err)
		}
		if payload == nil {
			return
		}
		if !json.Valid(payload) {
			t.Fatalf("not JSON: %q", payload)
		}
		if a, err := decodeAsset(payload); err == nil && a.ObjectID == "" && a.FileID == "" {
			t.Error("an asset without an id")
		}
		if u, err := decodeUpload(payload, NewAsset{}); err == nil && (len(u.URLs) == 0 || u.FileID == "") {
			t.Errorf("an upload that cannot be made: %+v", u)
		}
		if s, err := decodeSession(payload, nil, time.Unix(1, 0), 0); err == nil && (s.Authorization == "" || !s.renewAt.After(time.Unix(1, 0))) {
			t.Errorf("a session of no use: %+v", s)
		}
		_, _ = decodeTemplate(payload)
		_, _ = decodeVocabulary(payload)
		_, _ = decodeList(payload, decodeAsset)
		_ = acknowledged(payload)
	})
}

// FuzzError: an error text is short, one line, valid UTF-8 and without secrets.
func FuzzError(f *testing.F) {
	for i, s := range replySeeds {
		f.Add([]byte(s), 200+100*(i%4))
	}
	f.Add([]byte(`{"message":"key-7c1f0a https://s/x?X-Amz-Signature=1 eyJhbGciOiJSUzI1NiJ9.e30.c2ln"}`), 400)
	c, err := New(Config{URL: "https://api.example/v1", APIKey: testKey})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		p := describe(body)
		for _, s := range []string{c.secrets.scrub(p.message), c.secrets.scrub(p.detail)} {
			if len(s) > 4*maxWords || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("bad text %q", s)
			}
			if strings.Contains(s, testKey) {
				t.Errorf("a secret in %q", s)
			}
		}
		for _, repeatable := range []bool{true, false} {
			if k := classify(status, p, repeatable); kindErrors[k] == nil || repeatable && k == Ambiguous {
				t.Errorf("status %d gives kind %d", status, k)
			}
		}
	})
}

// FuzzValue: what was read is written so that it reads the same again.
func FuzzValue(f *testing.F) {
	for _, s := range []string{
		`{"metadataDefinitionId":"d","metadataDefinitionValue":"x"}`, `{"metadataDefinitionId":1,"metadataDefinitionValue":[{"valueId":"v","valueName":"n"}]}`,
		`{"metadataDefinitionTableValue":[[{"metadataDefinitionValue":{"valueId":true}}],null]}`, `{"metadataDefinitionValue":[[]]}`, `{}`, `null`,
		`{"metadataDefinitionId":"d","metadataDefinitionValue":[{"metadataDefinitionId":1,"metadataDefinitionValue":{"valueId":"v"}}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		var v, again Value
		if json.Unmarshal(wire, &v) != nil {
			return
		}
		first, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%q was read as %+v and cannot be written: %v", wire, v, err)
		}
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatal(err)
		}
		if second, err := json.Marshal(again); err != nil || string(first) != string(second) {
			t.Fatalf("%s became %s, %v", first, second, err)
		}
		if !Equal(v, again) || len(Changes([]Value{v}, []Value{again})) > 0 {
			t.Fatalf("%s differs from itself", first)
		}
	})
}
