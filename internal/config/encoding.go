package config

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// autoEncoding has the encoding of each manifest found out.
const autoEncoding = "auto"

// encodingNames are suggested where a name is none. Any other that the indexes of
// golang.org/x/text know is taken as well.
var encodingNames = []string{
	autoEncoding, "utf-8", "utf-16le", "utf-16be", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255",
	"windows-1256", "windows-1257", "windows-1258", "windows-874", "iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6",
	"iso-8859-7", "iso-8859-8", "iso-8859-9", "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16", "koi8-r", "koi8-u", "macintosh", "x-mac-cyrillic",
	"ibm437", "ibm850", "ibm852", "ibm855", "ibm858", "ibm862", "ibm866", "shift_jis", "euc-jp", "iso-2022-jp", "gbk", "gb18030", "big5", "euc-kr",
}

// pageNames are what people call encodings that the indexes know by other names.
var pageNames = map[string]string{
	"cp437": "ibm437", "cp850": "ibm850", "cp852": "ibm852", "cp855": "ibm855", "cp858": "ibm00858", "ibm858": "ibm00858", "cp862": "ibm862",
	"cp874": "windows-874", "cp932": "shift_jis", "cp936": "gbk", "cp949": "euc-kr", "cp950": "big5", "cp1258": "windows-1258",
	"mac-roman": "macintosh", "mac-cyrillic": "x-mac-cyrillic", "utf-16": "utf-16le",
}

// encoding reads the name of an encoding; nil is auto, and what was complained of.
func (l *loader) encoding(n *yaml.Node) encoding.Encoding {
	name, ok := l.Text(n, "encoding")
	if !ok {
		return nil
	}
	found, known := findEncoding(name)
	if !known {
		l.Add(yamltree.At(n), yamltree.SuggestOf(name, encodingNames), "encoding: %s is no encoding that is known", l.Quote(n))
	}
	return found
}

// findEncoding returns the encoding of a name, nil for auto.
func findEncoding(name string) (found encoding.Encoding, known bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	if name == autoEncoding {
		return nil, true
	}
	if e, known := indexedEncoding(name); known {
		return e, true
	}
	squeeze := strings.NewReplacer("-", "", "_", "", " ", "").Replace
	for _, usual := range slices.Concat(encodingNames[1:], slices.Sorted(maps.Keys(pageNames))) {
		if squeeze(usual) == squeeze(name) { // windows1252, mac_roman
			return indexedEncoding(usual)
		}
	}
	return nil, false
}

func indexedEncoding(name string) (found encoding.Encoding, known bool) {
	if usual := pageNames[name]; usual != "" {
		name = usual
	}
	if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
		return e, true
	}
	for _, index := range []*ianaindex.Index{ianaindex.IANA, ianaindex.MIB, ianaindex.MIME} {
		if e, err := index.Encoding(name); err == nil && e != nil && e != encoding.Replacement {
			return e, true
		}
	}
	return nil, false
}
