package embedded

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// The objects of a PDF. Numbers are float64, strings []byte, null is nil; arrays are
// []any.
type (
	pdfName string
	pdfDict map[string]any
	pdfRef  struct{ number, generation int }

	// pdfStream is a dictionary with data, which begin at a byte of the file.
	pdfStream struct {
		dict pdfDict
		off  int64
	}

	// pdfWord is what stands between objects: obj, R, stream, trailer and the like.
	pdfWord string
)

const (
	maxPDFDepth  = 32
	maxPDFTokens = 200_000 // of one object
)

var (
	errPDFSyntax = errors.New("an object of it cannot be read")
	errPDFEnd    = errors.New("an object of it has no end")
)

// pdfParser reads objects from a piece of a file.
type pdfParser struct {
	data   []byte
	at     int
	tokens int
}

func isPDFSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isPDFDelimiter(c byte) bool { return strings.IndexByte("()<>[]{}/%", c) >= 0 }

func (p *pdfParser) skipSpace() {
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case isPDFSpace(c):
			p.at++
		case c == '%':
			for p.at < len(p.data) && p.data[p.at] != '\n' && p.data[p.at] != '\r' {
				p.at++
			}
		default:
			return
		}
	}
}

// object reads one object, or a word.
func (p *pdfParser) object(depth int) (any, error) {
	if p.tokens++; depth > maxPDFDepth || p.tokens > maxPDFTokens {
		return nil, errPDFSyntax
	}
	p.skipSpace()
	if p.at >= len(p.data) {
		return nil, errPDFEnd
	}
	switch c := p.data[p.at]; {
	case c == '/':
		p.at++
		return p.name(), nil
	case c == '(':
		return p.text()
	case c == '[':
		p.at++
		return p.array(depth)
	case bytes.HasPrefix(p.data[p.at:], []byte("<<")):
		p.at += 2
		return p.dict(depth)
	case c == '<':
		return p.hex()
	case isPDFDelimiter(c):
		return nil, errPDFSyntax
	}
	return p.word(), nil
}

// word reads a number, or whatever else has no delimiters.
func (p *pdfParser) word() any {
	from := p.at
	for p.at < len(p.data) && !isPDFSpace(p.data[p.at]) && !isPDFDelimiter(p.data[p.at]) {
		p.at++
	}
	text := string(p.data[from:p.at])
	switch text {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		return number
	}
	return pdfWord(text)
}

// ref reads the rest of a reference, "0 R" behind a number, if it is one.
func (p *pdfParser) ref(number any) (pdfRef, bool) {
	n, ok := wholeNumber(number)
	if !ok {
		return pdfRef{}, false
	}
	back := p.at
	if p.skipSpace(); p.at < len(p.data) && p.data[p.at] >= '0' && p.data[p.at] <= '9' {
		if generation, ok := wholeNumber(p.word()); ok {
			if p.skipSpace(); p.at < len(p.data) && p.data[p.at] == 'R' && p.word() == pdfWord("R") {
				return pdfRef{n, generation}, true
			}
		}
	}
	p.at = back
	return pdfRef{}, false
}

// wholeNumber returns a number as an int where it is one of an object, a length or an offset.
func wholeNumber(v any) (int, bool) {
	f, ok := v.(float64)
	if !ok || f < 0 || f > 1<<53 || f != float64(int(f)) {
		return 0, false
	}
	return int(f), true
}

func (p *pdfParser) name() pdfName {
	var name []byte
	for p.at < len(p.data) && !isPDFSpace(p.data[p.at]) && !isPDFDelimiter(p.data[p.at]) {
		c := p.data[p.at]
		if c == '#' && p.at+2 < len(p.data) {
			if code, err := strconv.ParseUint(string(p.data[p.at+1:p.at+3]), 16, 8); err == nil {
				c = byte(code)
				p.at += 2
			}
		}
		name = append(name, c)
		p.at++
	}
	return pdfName(name)
}

func (p *pdfParser) array(depth int) (any, error) {
	all := []any{}
	for {
		if p.skipSpace(); p.at < len(p.data) && p.data[p.at] == ']' {
			p.at++
			return all, nil
		}
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

// value reads an object within another, or a reference.
func (p *pdfParser) value(depth int) (any, error) {
	v, err := p.object(depth + 1)
	if err != nil {
		return nil, err
	}
	if ref, ok := p.ref(v); ok {
		return ref, nil
	}
	return v, nil
}

// dict reads a dictionary. A value of null is as good as none; of two of a key the
// last counts.
func (p *pdfParser) dict(depth int) (any, error) {
	all := pdfDict{}
	for {
		p.skipSpace()
		if bytes.HasPrefix(p.data[p.at:], []byte(">>")) {
			p.at += 2
			return all, nil
		}
		key, err := p.object(depth + 1)
		if err != nil {
			return nil, err
		}
		name, ok := key.(pdfName)
		if !ok {
			return nil, errPDFSyntax
		}
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		if v != nil {
			all[string(name)] = v
		}
	}
}

// text reads a string in parentheses.
func (p *pdfParser) text() (any, error) {
	var text []byte
	open := 0
	for ; p.at < len(p.data); p.at++ {
		switch c := p.data[p.at]; c {
		case '(':
			if open++; open > 1 {
				text = append(text, c)
			}
		case ')':
			if open--; open == 0 {
				p.at++
				return text, nil
			}
			text = append(text, c)
		case '\\':
			if p.at++; p.at < len(p.data) {
				text = p.escaped(text)
			}
		default:
			text = append(text, c)
		}
	}
	return nil, errPDFEnd
}

// escaped adds what a backslash and the byte behind it, where p stands, mean.
func (p *pdfParser) escaped(text []byte) []byte {
	c := p.data[p.at]
	if i := bytes.IndexByte([]byte("nrtbf"), c); i >= 0 {
		return append(text, "\n\r\t\b\f"[i])
	}
	switch {
	case c == '\n':
		return text
	case c == '\r':
		if p.at+1 < len(p.data) && p.data[p.at+1] == '\n' {
			p.at++
		}
		return text
	case c < '0' || c > '7':
		return append(text, c)
	}
	code := 0
	for i := 0; i < 3 && p.at < len(p.data) && p.data[p.at] >= '0' && p.data[p.at] <= '7'; i++ {
		code = code<<3 + int(p.data[p.at]-'0')
		p.at++
	}
	p.at--
	return append(text, byte(code))
}

func (p *pdfParser) hex() (any, error) {
	end := bytes.IndexByte(p.data[p.at:], '>')
	if end < 0 {
		return nil, errPDFEnd
	}
	var text, digits []byte
	for _, c := range p.data[p.at+1 : p.at+end] {
		if !isPDFSpace(c) {
			digits = append(digits, c)
		}
	}
	if len(digits)%2 == 1 {
		digits = append(digits, '0')
	}
	for ; len(digits) > 0; digits = digits[2:] {
		code, err := strconv.ParseUint(string(digits[:2]), 16, 8)
		if err != nil {
			return nil, errPDFSyntax
		}
		text = append(text, byte(code))
	}
	p.at += end + 1
	return text, nil
}
