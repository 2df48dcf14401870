package xmp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// What is repaired in XMP as it is found, in words for people.
const (
	noteControls = "control characters are read as spaces"
	noteLatin    = "bytes that are no UTF-8 are read as Windows-1252"
	noteMarkup   = "a < or & that is meant as text is not escaped"
	noteNames    = "a name holds what no name can"
	noteRemains  = "something that is none of it follows its end"
)

// errEntities refuses a document that declares entities: a few lines of them can
// expand to gigabytes, or name files of this machine.
var errEntities = errors.New("it declares entities, which XMP must not")

// notes are what was repaired, each once, in the order in which it was met.
type notes []note

type note struct {
	text string
	at   int // how much of the repaired text there was when it was met first
}

func (n *notes) add(text string, at int) {
	const most = 8
	if len(*n) < most && !slices.ContainsFunc(*n, func(met note) bool { return met.text == text }) {
		*n = append(*n, note{text, at})
	}
}

// before returns those that were met in so much of the repaired text.
func (n notes) before(end int) notes {
	return slices.DeleteFunc(n, func(met note) bool { return met.at > end })
}

func (n notes) String() string {
	texts := make([]string, len(n))
	for i, met := range n {
		texts[i] = met.text
	}
	return strings.Join(texts, "; ")
}

// repair returns the elements and the text of a document in UTF-8 as XML that can be
// read, as the reader of Adobe's toolkit does with what programs write: control
// characters and their escapes become spaces, and a byte that is no UTF-8 the
// character that it is in Windows-1252. Markup that is meant as text is escaped.
// Comments, instructions and the document type are left out.
func repair(text []byte) (repaired []byte, said notes, err error) {
	r := repairer{in: text, out: make([]byte, 0, len(text)+len(text)/16)}
	if err := r.content(); err != nil {
		return nil, nil, err
	}
	return r.out, r.said, nil
}

type repairer struct {
	in, out []byte
	said    notes
}

// content takes text and markup until the end.
func (r *repairer) content() error {
	for len(r.in) > 0 {
		switch {
		case r.in[0] != '<':
			if bytes.HasPrefix(r.in, []byte("]]>")) { // must not stand in text
				r.out, r.in = append(r.out, "]]&gt;"...), r.in[3:]
				continue
			}
			r.char(false)
		case bytes.HasPrefix(r.in, []byte("<!--")):
			r.drop("-->")
		case bytes.HasPrefix(r.in, []byte("<?")):
			r.drop("?>")
		case bytes.HasPrefix(r.in, []byte("<![CDATA[")):
			r.cdata()
		case bytes.HasPrefix(r.in, []byte("<!")):
			if err := r.declaration(); err != nil {
				return err
			}
		case beginsName(bytes.TrimPrefix(r.in[1:], []byte("/"))):
			r.tag()
		default:
			r.char(false)
		}
	}
	return nil
}

func beginsName(b []byte) bool {
	first, _ := utf8.DecodeRune(b)
	return first == '_' || first != utf8.RuneError && unicode.IsLetter(first)
}

// drop leaves out what ends with a text.
func (r *repairer) drop(end string) {
	_, r.in, _ = bytes.Cut(r.in, []byte(end))
}

// cdata writes the text of a CDATA section as any other.
func (r *repairer) cdata() {
	section, rest, _ := bytes.Cut(r.in[len("<![CDATA["):], []byte("]]>"))
	for r.in = section; len(r.in) > 0; {
		r.char(true)
	}
	r.in = rest
}

// declaration leaves out the document type. One that declares entities is refused.
func (r *repairer) declaration() error {
	within := 0
	for i, c := range r.in {
		switch c {
		case '[':
			within++
		case ']':
			within--
		case '>':
			if within > 0 {
				continue
			}
			if bytes.Contains(bytes.ToUpper(r.in[:i]), []byte("<!ENTITY")) {
				return errEntities
			}
			r.in = r.in[i+1:]
			return nil
		}
	}
	if bytes.Contains(bytes.ToUpper(r.in), []byte("<!ENTITY")) {
		return errEntities
	}
	r.in = nil
	return nil
}

// tag takes a tag, in whose quotes all is text.
func (r *repairer) tag() {
	var before byte // the last that is no space
	ends := bytes.HasPrefix(r.in, []byte("</"))
	for len(r.in) > 0 {
		c := r.in[0]
		switch {
		case ends && c <= ' ': // the start tag of a name with a space is one with an attribute
			at := bytes.IndexAny(r.in, "<>")
			if at < 0 {
				at = len(r.in)
			}
			if len(bytes.TrimSpace(r.in[:at])) > 0 {
				r.said.add(noteNames, len(r.out))
			}
			r.in = r.in[at:]
		case c == '>':
			r.out, r.in = append(r.out, c), r.in[1:]
			return
		case (c == '"' || c == '\'') && before == '=':
			r.out, r.in = append(r.out, c), r.in[1:]
			for len(r.in) > 0 && r.in[0] != c {
				r.char(false)
			}
			if len(r.in) > 0 {
				r.out, r.in = append(r.out, c), r.in[1:]
			}
		case !harmless[c] && (c < ' ' || c >= utf8.RuneSelf || c == 0x7F):
			r.char(false)
		case c == '/' && before != '<' && len(r.in) > 1 && r.in[1] != '>': // in a name
			r.said.add(noteNames, len(r.out))
			r.out, r.in = append(r.out, '_'), r.in[1:]
		default:
			r.out, r.in = append(r.out, c), r.in[1:]
		}
		if c > ' ' {
			before = c
		}
	}
}

// harmless are the characters that mean nothing but themselves wherever they stand.
var harmless = func() (is [256]bool) {
	for c := ' '; c < 0x7F; c++ {
		is[c] = !strings.ContainsRune(`<>&]"'`, c)
	}
	return is
}()

// char takes one character of text, or several that are harmless, or one escape where
// it is no plain text.
func (r *repairer) char(plain bool) {
	n := 0
	for n < len(r.in) && harmless[r.in[n]] {
		n++
	}
	if n > 0 {
		r.out, r.in = append(r.out, r.in[:n]...), r.in[n:]
		return
	}
	c := r.in[0]
	switch {
	case c == '&' && !plain:
		r.escape()
		return
	case c == '&':
		r.out, r.in = append(r.out, "&amp;"...), r.in[1:]
		return
	case c == '<':
		if !plain {
			r.said.add(noteMarkup, len(r.out))
		}
		r.out, r.in = append(r.out, "&lt;"...), r.in[1:]
		return
	case c == '>': // which may close "]]>" by now
		r.out, r.in = append(r.out, "&gt;"...), r.in[1:]
		return
	}
	char, size := utf8.DecodeRune(r.in)
	if char == utf8.RuneError && size == 1 {
		r.said.add(noteLatin, len(r.out))
		char = charmap.Windows1252.DecodeByte(c)
	}
	r.in = r.in[size:]
	r.write(char)
}

// write adds a character that XML can hold.
func (r *repairer) write(char rune) {
	switch {
	case char == '\uFEFF': // a mark that strayed into the text
	case char < ' ' && char != '\t' && char != '\n' && char != '\r', char == 0x7F:
		r.said.add(noteControls, len(r.out))
		r.out = append(r.out, ' ')
	case char == 0xFFFE || char == 0xFFFF:
		r.out = utf8.AppendRune(r.out, utf8.RuneError)
	default:
		r.out = utf8.AppendRune(r.out, char)
	}
}

// escape takes an escape, or an & that is none.
func (r *repairer) escape() {
	const longest = 40
	end := bytes.IndexByte(r.in[:min(len(r.in), longest)], ';')
	if end > 1 {
		whole, name := r.in[:end+1], string(r.in[1:end])
		if name[0] != '#' && isEntity(name) {
			r.out, r.in = append(r.out, whole...), r.in[end+1:]
			return
		}
		if char, ok := numbered(name); ok {
			r.in = r.in[end+1:]
			if low, size := lowSurrogate(r.in); char >= 0xD800 && char < 0xDC00 && size > 0 {
				char, r.in = (char-0xD800)<<10+(low-0xDC00)+0x10000, r.in[size:]
			}
			switch {
			case char >= 0x80 && char < 0xA0: // of Windows-1252, as browsers read it
				r.write(charmap.Windows1252.DecodeByte(byte(char)))
			case char < 0x80 && char >= ' ' && char != 0x7F, char == '\t', char == '\n', char == '\r':
				r.out = append(r.out, whole...)
			default:
				r.write(char)
			}
			return
		}
	}
	r.said.add(noteMarkup, len(r.out))
	r.out, r.in = append(r.out, "&amp;"...), r.in[1:]
}

// isEntity tells the entities that XML knows, and those of HTML, which people write.
func isEntity(name string) bool {
	switch name {
	case "amp", "lt", "gt", "quot", "apos":
		return true
	}
	_, known := xml.HTMLEntity[name]
	return known
}

// numbered returns the character of "#65" or "#x41".
func numbered(name string) (rune, bool) {
	if name == "" || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if len(digits) > 0 && (digits[0] == 'x' || digits[0] == 'X') {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return rune(min(n, unicode.MaxRune+1)), err == nil
}

// lowSurrogate returns the second half of a character that is written as two
// escapes, as some do who write UTF-16.
func lowSurrogate(b []byte) (low rune, size int) {
	const longest = 12
	if len(b) < 2 || b[0] != '&' {
		return 0, 0
	}
	end := bytes.IndexByte(b[:min(len(b), longest)], ';')
	if end < 1 {
		return 0, 0
	}
	low, ok := numbered(string(b[1:end]))
	if !ok || low < 0xDC00 || low > 0xDFFF {
		return 0, 0
	}
	return low, end + 1
}
