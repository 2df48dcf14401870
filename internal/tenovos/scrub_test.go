package tenovos

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// Whatever form a service gives to what it was sent, no secret is left of it.
func TestScrubForms(t *testing.T) {
	for _, password := range []string{"p", "s3cret", `pä"<&>\\ %+/:?~x`, "ÿÿ>>??ÿÿ", "Basic"} {
		c := secrets{username: "ingest@example.com", password: secret.Text(password), apiKey: "key/+=1 2", auth: new(auth)}
		login := c.username + ":" + password
		quoted, err := json.Marshal(password)
		if err != nil {
			t.Fatal(err)
		}
		for name, form := range map[string]string{
			"as it is":      password,
			"percent":       url.QueryEscape(password),
			"small percent": percent.ReplaceAllStringFunc(url.PathEscape(password), strings.ToLower),
			"JSON":          string(quoted[1 : len(quoted)-1]),
			"HTML":          html.EscapeString(password),
			"Base64":        base64.StdEncoding.EncodeToString([]byte(password)),
		} {
			if len(password) <= 3 { // found in every other word
				break
			}
			if got := c.scrub("invalid password <" + form + ">."); strings.Contains(got, form) {
				t.Errorf("%s of %q is left: %s", name, password, got)
			}
		}
		for name, form := range map[string]string{
			"header":        "Basic " + base64.StdEncoding.EncodeToString([]byte(login)),
			"Base64":        base64.StdEncoding.EncodeToString([]byte(login)),
			"raw":           base64.RawStdEncoding.EncodeToString([]byte(login)),
			"of URLs":       base64.URLEncoding.EncodeToString([]byte(login)),
			"raw, of URLs":  base64.RawURLEncoding.EncodeToString([]byte(login)),
			"in a URL":      url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(login))),
			"in JSON":       strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(login)), "/", `\/`),
			"key":           url.QueryEscape("key/+=1 2"),
			"key in Base64": base64.StdEncoding.EncodeToString([]byte("key/+=1 2")),
			"a proxy's":     "basic " + base64.StdEncoding.EncodeToString([]byte("proxy:hunter22")),
		} {
			if got := c.scrub("refused: " + form + "; try again"); strings.Contains(got, strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(form, "Basic "), "basic "), "=")) {
				t.Errorf("%s of %q is left: %s", name, login, got)
			}
		}
	}
	c := secrets{username: "u", password: "s3cret", auth: new(auth)}
	for _, text := range []string{"Basic authentication is required", "the basic template is missing"} {
		if got := c.scrub(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
