// Package secret holds the two kinds of text that must never be printed: a
// credential, and a presigned URL whose query is a credential. Both redact
// themselves in every fmt verb, in JSON, in YAML and in zerolog fields, so that
// forgetting to redact is harmless and revealing is a call that a reviewer sees.
package secret

import (
	"encoding"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Redacted is what a secret prints as.
const Redacted = "[redacted]"

// Text is a credential: an API key, a password or a token.
type Text string

// Reveal returns the credential itself. Call it only where the text goes into a
// request.
func (t Text) Reveal() string { return string(t) }

// String returns Redacted, or "" when there is no credential.
func (t Text) String() string {
	if t == "" {
		return ""
	}
	return Redacted
}

// GoString is String, for %#v.
func (t Text) GoString() string { return t.String() }

// Format prints String for every verb, %x and %q included.
func (t Text) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, t.String()) }

// MarshalText is String, for JSON, YAML and log fields.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// URL is a presigned URL. It prints without its query.
type URL string

// Reveal returns the whole URL. Call it only where a request is made of it or
// where it is stored in a column that is never shown.
func (u URL) Reveal() string { return string(u) }

// String returns the URL without user, query and fragment.
func (u URL) String() string { return StripQuery(string(u)) }

// GoString is String, for %#v.
func (u URL) GoString() string { return u.String() }

// Format prints String for every verb.
func (u URL) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, u.String()) }

// MarshalText is String, for JSON, YAML and log fields.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// StripQuery removes user, query and fragment from a URL, also from one that
// does not parse.
func StripQuery(raw string) string {
	if i := strings.IndexAny(raw, "?#"); i >= 0 {
		raw = raw[:i] + "?" + Redacted
	}
	if scheme, rest, ok := strings.Cut(raw, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			raw = scheme + "://" + rest[at+1:]
		}
	}
	return raw
}

// Error returns err with the query of every *url.Error in its chain removed.
// net/http puts the whole URL of a failed request, signature included, into its
// error text; what it wraps (time-outs, resets) stays reachable by errors.Is.
func Error(err error) error {
	var ue *url.Error
	if !errors.As(err, &ue) {
		return err
	}
	return &url.Error{Op: ue.Op, URL: StripQuery(ue.URL), Err: Error(ue.Err)}
}

// Sentence is the text of err with the query of every *url.Error's URL removed.
func Sentence(err error) string {
	text := err.Error()
	for at := err; ; {
		var ue *url.Error
		if !errors.As(at, &ue) {
			return text
		}
		text = strings.ReplaceAll(text, ue.URL, StripQuery(ue.URL))
		at = ue.Err
	}
}

var (
	_ fmt.Formatter          = Text("")
	_ fmt.Formatter          = URL("")
	_ encoding.TextMarshaler = Text("")
	_ encoding.TextMarshaler = URL("")
)
