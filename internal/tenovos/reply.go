package tenovos

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// problem is an error as the service words it.
type problem struct {
	status          int // a status inside the body, as Lambda puts one there; else 0
	message, detail string
	gateway         bool // the body is no JSON: a gateway or proxy wrote it
	store           bool // it is the content store's XML, which the API passes on
	broken          bool // it is JSON that breaks off
}

// foreign reports that the service did not write the body.
func (p problem) foreign() bool { return p.gateway && !p.store && !p.broken }

// intermediary is the error of a foreign body in place of a reply of a host.
func intermediary(host string) error {
	return fmt.Errorf("%w: look at the proxy or firewall between this host and %s", ErrIntermediary, host)
}

// unwrap returns what a successful reply is about: the body itself, or what is
// in its data. It returns a problem where the body reports an error, whatever
// the HTTP status was, and an error where it cannot be read. With ack the reply
// is only asked whether the call worked: then it is returned as a whole, and a
// message alone, which otherwise is an error in its first shape, may be a success
// in words.
func unwrap(body []byte, ack bool) (json.RawMessage, *problem, error) {
	body = trim(body)
	if len(body) == 0 {
		return nil, nil, errors.New("the reply is empty")
	}
	if deep(body) {
		return nil, nil, fmt.Errorf("the reply cannot be read: %w", errDeep)
	}
	if !json.Valid(body) {
		return nil, nil, fmt.Errorf("the reply is not JSON: %s", describe(body).message)
	}
	body = inner(body)
	switch body[0] {
	case '[':
		return body, nil, nil
	case '{':
	case '"':
		p := describe(body)
		return nil, &p, nil
	default:
		return nil, nil, errors.New("the reply is neither an object nor a list")
	}

	var env envelope
	if err := json.Unmarshal(body, &env); err != nil {
		return nil, nil, fmt.Errorf("the reply cannot be read: %w", err)
	}
	if env.failed() || env.ErrorMessage.present() || (env.wordsOnly(body) && !(ack && env.says("success"))) {
		p := describe(body)
		return nil, &p, nil
	}
	if ack {
		return body, nil, nil
	}
	if data := inner(trim(env.Data)); len(data) > 0 && (data[0] == '{' || data[0] == '[') {
		return data, nil, nil
	}
	return body, nil, nil
}

// envelope is every field in which the service speaks about a reply instead of
// giving it. encoding/json finds them in any case.
type envelope struct {
	Status       loose           `json:"status"`
	StatusCode   loose           `json:"statusCode"`
	Message      loose           `json:"message"`
	ErrorMessage loose           `json:"errorMessage"`
	ErrorText    loose           `json:"error"`
	Detail       loose           `json:"detail"`
	Data         json.RawMessage `json:"data"`
	Body         json.RawMessage `json:"body"`
}

func (e envelope) failed() bool {
	for _, s := range []loose{e.Status, e.StatusCode} {
		switch strings.ToLower(s.text()) {
		case "error", "failed", "failure", "fail":
			return true
		}
	}
	return e.code() >= 400
}

// code is the HTTP status that a Lambda wrote into its body, else 0.
func (e envelope) code() int {
	n, err := strconv.Atoi(e.StatusCode.text())
	if err != nil || n < 100 || n > 599 {
		return 0
	}
	return n
}

func (e envelope) says(word string) bool {
	return strings.Contains(strings.ToLower(e.Message.text()), word)
}

// wordsOnly reports whether the object holds a message and nothing of substance:
// {"message"}, {"message", "detail"} or {"error"} without a status.
func (e envelope) wordsOnly(body []byte) bool {
	if e.Status.present() || e.StatusCode.present() || (!e.Message.present() && !e.ErrorText.present()) {
		return false
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(body, &keys) != nil {
		return false
	}
	for k := range keys {
		switch strings.ToLower(k) {
		case "message", "detail", "error", "errortype", "requestid":
		default:
			return false
		}
	}
	return true
}

// describe finds the error text in any body: an object with a message, a JSON
// string, S3's XML, a gateway's HTML, or plain text.
func describe(body []byte) problem { return describeWithin(body, maxBodies) }

// maxBodies is how many bodies within each other an error text is looked for in; the
// platform's own nest two.
const maxBodies = 4

func describeWithin(body []byte, bodies int) problem {
	body = trim(body)
	if len(body) == 0 {
		return problem{gateway: true}
	}
	if deep(body) {
		return problem{message: errDeep.Error(), gateway: true}
	}
	if !json.Valid(body) {
		return describeText(body)
	}
	switch body = inner(body); body[0] {
	case '{':
		var e envelope
		if json.Unmarshal(body, &e) != nil {
			return problem{message: clean(string(body))}
		}
		p := problem{status: e.code(), detail: clean(e.Detail.text())}
		for _, l := range []loose{e.Message, e.ErrorMessage, e.ErrorText} {
			if p.message == "" {
				p.message = clean(l.text())
			}
		}
		if p.message == "" && len(e.Body) > 0 && bodies > 1 {
			in := describeWithin(inner(trim(e.Body)), bodies-1)
			p.message, p.detail = in.message, in.detail
		}
		return p
	default:
		return problem{message: clean(loose(body).text())}
	}
}

var htmlTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

func describeText(body []byte) problem {
	body = body[:min(len(body), 64<<10)] // an error page longer than that tells nothing more
	var store struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
	}
	if body[0] == '<' {
		if xml.Unmarshal(body, &store) == nil && store.Code != "" {
			return problem{message: clean(store.Code), detail: clean(store.Message), gateway: true, store: true}
		}
		if m := htmlTitle.FindSubmatch(body); m != nil {
			return problem{message: clean(html.UnescapeString(string(m[1]))), gateway: true}
		}
		return problem{message: "a page without a title", gateway: true}
	}
	if strings.IndexByte(`{["`, body[0]) >= 0 {
		// JSON that breaks off may be a session or signed URLs: quote none of it.
		return problem{message: "JSON that cannot be read", gateway: true, broken: true}
	}
	return problem{message: clean(string(body)), gateway: true}
}

// maxWords bounds a text taken from a reply into an error, in bytes.
const maxWords = 500

// clean makes a text from the wire fit for one line of a log: valid UTF-8, no
// control characters, single spaces, bounded.
func clean(s string) string {
	// Cut before the work, generously, so that a huge body costs nothing.
	s = strings.ToValidUTF8(s[:min(len(s), 8*maxWords)], "")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords], "") + "…"
	}
	return s
}

// inner returns the JSON inside a JSON string, or b itself where b is no string
// or the string holds no object or list, or one that is deep. The service wraps bodies so.
func inner(b []byte) []byte {
	if len(b) == 0 || b[0] != '"' {
		return b
	}
	var s string
	if json.Unmarshal(b, &s) != nil {
		return b
	}
	in := trim([]byte(s))
	if len(in) > 0 && (in[0] == '{' || in[0] == '[') && !deep(in) && json.Valid(in) {
		return in
	}
	return b
}

func trim(b []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
}

// loose is a JSON value of whatever type it arrives in.
type loose []byte

func (l *loose) UnmarshalJSON(b []byte) error {
	*l = append((*l)[:0], b...)
	return nil
}

func (l loose) present() bool { return len(l) > 0 && string(l) != "null" }

// text returns a string's text, a number or a boolean as it is written, and an
// object or list as JSON.
func (l loose) text() string {
	if !l.present() {
		return ""
	}
	var s string
	if l[0] == '"' && json.Unmarshal(l, &s) == nil {
		return s
	}
	return string(l)
}

// word is a string field that the service may send as a number or a boolean.
// An object or a list in its place is dropped, not an error.
type word string

func (w *word) UnmarshalJSON(b []byte) error {
	*w = ""
	if len(b) > 0 && b[0] != '{' && b[0] != '[' {
		*w = word(loose(b).text())
	}
	return nil
}

// number is an integer field that the service may send as a string or a float.
// What is no number is 0, which no field of this API uses as a value.
type number int64

func (n *number) UnmarshalJSON(b []byte) error {
	*n = 0
	s := strings.TrimSpace(loose(b).text())
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		*n = number(i)
	} else if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1<<62 {
		*n = number(f)
	}
	return nil
}

// size is a number of bytes under a key that some places spell filesize and others
// fileSize, of which a reply may hold both. It may as well be a text for people, "4.4
// MB", which is rounded and so tells nothing. 0 is not told; two numbers that differ
// tell nothing either, and are contradictory.
type size int64

const contradictory size = -1

func (s *size) UnmarshalJSON(b []byte) error { // once for each spelling
	text := strings.ToLower(strings.TrimSpace(loose(b).text()))
	for _, unit := range []string{"bytes", "byte", "b"} {
		if plain, ok := strings.CutSuffix(text, unit); ok {
			text = strings.TrimSpace(plain)
			break
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f <= 0 || f >= 1<<53 || f != math.Trunc(f) {
		return nil //nolint:nilerr // it is no number of bytes
	}
	switch n := size(f); *s {
	case 0:
		*s = n
	case n:
	default:
		*s = contradictory
	}
	return nil
}

// flag is a boolean that may arrive as "true" or as "Y".
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(loose(b).text()) {
	case "true", "y", "yes", "1":
		*f = true
	default:
		*f = false
	}
	return nil
}

// words is a list of strings; a single string is a list of one.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	*w = nil
	b = inner(b)
	var list []word
	if json.Unmarshal(b, &list) != nil {
		var one word
		if json.Unmarshal(b, &one) == nil && one != "" {
			list = []word{one}
		}
	}
	for _, s := range list {
		*w = append(*w, string(s))
	}
	return nil
}
