package xmltree

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// Decode returns an XML document in UTF-8 without a byte order mark. What is no
// UTF-8 in it is left as it is, for repair. Text without a mark is told by its first
// character, which in XML is "<", and one of single bytes by its declaration.
func Decode(data []byte) ([]byte, error) {
	is := func(prefixes ...string) bool {
		for _, p := range prefixes {
			if bytes.HasPrefix(data, []byte(p)) {
				return true
			}
		}
		return false
	}
	var err error
	switch {
	case is("\x00\x00\xFE\xFF", "\x00\x00\x00<"):
		data, err = utf32.UTF32(utf32.BigEndian, utf32.UseBOM).NewDecoder().Bytes(data)
	case is("\xFF\xFE\x00\x00", "<\x00\x00\x00"):
		data, err = utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder().Bytes(data)
	case is("\xFE\xFF", "\x00<\x00"):
		data, err = unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Bytes(data)
	case is("\xFF\xFE", "<\x00"):
		data, err = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(data)
	default:
		data, err = decodeDeclared(bytes.TrimLeft(bytes.TrimPrefix(data, byteOrderMark), "\x00 \t\r\n"))
	}
	if err != nil {
		return nil, fmt.Errorf("its characters cannot be decoded: %w", err)
	}
	return bytes.TrimPrefix(data, byteOrderMark), nil
}

var declaredEncoding = regexp.MustCompile(`^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']`)

// decodeDeclared decodes text in an encoding of single bytes, or of East Asia, that
// its declaration names. Text that claims to be UTF-16 and begins with a "<" of one
// byte was converted to UTF-8, and its declaration was forgotten.
func decodeDeclared(data []byte) ([]byte, error) {
	m := declaredEncoding.FindSubmatch(data[:min(len(data), 256)])
	if m == nil {
		return data, nil
	}
	name := strings.ToLower(string(m[1]))
	if strings.HasPrefix(name, "utf") || strings.HasPrefix(name, "ucs") || strings.HasSuffix(name, "ascii") {
		return data, nil
	}
	enc, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("the encoding %q is not supported; save it as UTF-8", m[1])
	}
	return enc.NewDecoder().Bytes(data)
}

// byteOrderMark is that of UTF-8.
var byteOrderMark = []byte{0xEF, 0xBB, 0xBF}
