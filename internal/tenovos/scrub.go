package tenovos

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

var (
	urlQuery = regexp.MustCompile(`(https?://[^\s"'<>?#]+)[?#][^\s"'<>]*`)
	percent  = regexp.MustCompile(`%[0-9A-F]{2}`)
	basic    = regexp.MustCompile(`(?i)\b(Basic\s+)([A-Za-z0-9+/_-]{4,})={0,2}`)
	jwt      = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*`)
)

// secrets are what a client has that must not be printed.
type secrets struct {
	apiKey, password secret.Text
	username         string
	auth             *auth
}

// scrub removes from a text of the service what must not be printed: the
// client's own secrets, anything that looks like a token, and the queries of
// URLs, which sign them.
func (c secrets) scrub(s string) string {
	if s == "" {
		return s
	}
	own := []secret.Text{c.apiKey, c.password}
	if t := c.auth.load(); t != nil {
		own = append(own, t.Authorization, t.AccessToken, t.RefreshToken)
	}
	for _, t := range own {
		// One of three letters would be found in every other word.
		if len(t) > 3 {
			s = replaceForms(s, t.Reveal())
		}
	}
	if c.password != "" { // as the header of a Basic login has it, which also tells a short one
		s = replaceForms(s, c.username+":"+c.password.Reveal())
	}
	s = basic.ReplaceAllStringFunc(s, scrubBasic)
	s = urlQuery.ReplaceAllString(s, "$1?"+secret.Redacted)
	return jwt.ReplaceAllString(s, secret.Redacted)
}

// scrubBasic removes the login from the header of a Basic one, whoever's it is: that of
// a proxy, too. The word alone may be part of a sentence.
func scrubBasic(header string) string {
	m := basic.FindStringSubmatch(header)
	plain, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(m[2]))
	if err != nil || !bytes.ContainsRune(plain, ':') {
		return header
	}
	return m[1] + secret.Redacted
}

// replaceForms removes a secret from a text in every form in which a service that
// echoes what it was sent may write it: as it is, as part of a URL, of JSON or of HTML,
// and in each kind of Base64.
func replaceForms(text, own string) string {
	quoted, _ := json.Marshal(own) // a text has always a form in JSON
	inJSON := string(quoted[1 : len(quoted)-1])
	forms := []string{
		own, inJSON, strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(inJSON), html.EscapeString(own),
		url.PathEscape(own), url.QueryEscape(own), strings.ReplaceAll(url.QueryEscape(own), "+", "%20"),
	}
	for _, kind := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		encoded := kind.EncodeToString([]byte(own)) // the padding, if there is any, tells nothing
		forms = append(forms, encoded, url.QueryEscape(encoded), strings.ReplaceAll(encoded, "/", `\/`))
	}
	for _, form := range forms {
		forms = append(forms, percent.ReplaceAllStringFunc(form, strings.ToLower))
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }) // none is part of another that is left
	for _, form := range slices.Compact(forms) {
		text = strings.ReplaceAll(text, form, secret.Redacted)
	}
	return text
}

// scrubError is scrub for an error. The chain stays as it is where its text is
// clean, so that causes can be asked for; otherwise only the text is left.
func (c secrets) scrubError(err error) error {
	if text := err.Error(); c.scrub(text) != text {
		return errors.New(c.scrub(text))
	}
	return err
}
