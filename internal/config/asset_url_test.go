package config

import (
	"strings"
	"testing"
)

// TestAssetURL reads addresses of assets that there are, and some that would lead nowhere,
// or run something in the browser of who clicks.
func TestAssetURL(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"https://dam.example/a/{object_id}": "",
		"http://dam.example/a?f={file_id}&o={object_id}": "",
		"https://dam.example:8443/#/a/{file_id}":         "",
		"https://dam.example/a":                          "leads every file to the same place",
		"https://dam.example/{id}":                       `nothing is known by the name "{id}"`,
		"https://dam.example/{object_id":                 `nothing is known by the name "{object_id"`,
		"https://dam.example/object_id}":                 `nothing is known by the name "}"`,
		"https://{object_id}.example/":                   "is no address of a web page",
		"https://{object_id}":                            "is no address of a web page",
		"javascript:alert({object_id})":                  "is no address of a web page",
		"data:text/html,{object_id}":                     "is no address of a web page",
		"//dam.example/{object_id}":                      "is no address of a web page",
		"/a/{object_id}":                                 "is no address of a web page",
		"dam.example/{object_id}":                        "is no address of a web page",
		"https://u:secretword@dam.example/{object_id}":   "a password does not belong into it",
	} {
		c, err := parse("f", []byte(strings.Replace(minimal, "folders:", "asset_url: '"+text+"'\nfolders:", 1)), lookup(nil))
		switch {
		case want == "" && (err != nil || c.AssetURL != text):
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secretword")):
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
