package embedded

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// These are hostile to what reads that which formats tell in their own manner. They
// are built small: a process begins with the memory of the one that starts it.
func init() {
	maps.Copy(hostileFiles, map[string]func() []byte{
		"PNG: bombs": func() []byte {
			return png(strings.Repeat(chunk("zTXt", "k\x00\x00"+string(bomb(7<<20))), 1000))
		},
		"PNG: texts without an end": func() []byte {
			return png(strings.Repeat(chunk("zTXt", "k\x00\x00"+deflated(strings.Repeat("y", 60_000))), 8000))
		},
		"PNG: keywords": func() []byte {
			var chunks strings.Builder
			for i := range 100_000 {
				chunks.WriteString(chunk("tEXt", fmt.Sprintf("k%06d\x00", i)))
			}
			return png(chunks.String())
		},
		"PNG: texts of nothing": func() []byte {
			return png(strings.Repeat(chunk("zTXt", "k\x00\x00"+deflated("")), 300_000))
		},
		"PNG: chunks without a keyword": func() []byte { return png(strings.Repeat(chunk("tEXt", ""), 300_000)) },
		"MOV: items":                    func() []byte { return []byte(movieFile(itunes(strings.Repeat(box("\xA9nam", ""), 300_000)))) },
		"MOV: user data":                func() []byte { return []byte(movieFile(box("udta", strings.Repeat(box("\xA9nam", ""), 300_000)))) },
		"MOV: keys": func() []byte {
			return []byte(movieFile(box("meta", box("hdlr", u32(0))+box("keys", u32(0)+u32(0xFFFFFFFF)+strings.Repeat(box("mdta", ""), 900_000)))))
		},
		"MOV: a key as long as the file": func() []byte {
			keys := box("keys", u32(0)+u32(1)+box("mdta", strings.Repeat("A", 7<<20)))
			return []byte(movieFile(box("meta", box("hdlr", u32(0))+keys+box("ilst", strings.Repeat(box("\x00\x00\x00\x01", ""), 19_000)))))
		},
		"MOV: tracks within one another": func() []byte {
			inner := box("mdia", strings.Repeat(box("minf", box("stbl", strings.Repeat(box("stsd", ""), 20))), 20))
			return []byte(movieFile(strings.Repeat(box("trak", strings.Repeat(inner, 50)), 100)))
		},
		"MOV: a description that expands without an end": func() []byte {
			return []byte(movieFile(box("cmov", box("cmvd", u32(1)+string(bomb(256<<20))))))
		},
		"MOV: XML of a camera": func() []byte {
			return []byte(movieFile() + box("meta", u32(0)+box("xml ", u32(0)+"<NonRealTimeMeta>"+strings.Repeat("<a/>", 120_000)+"</NonRealTimeMeta>")))
		},
		"HEIF: properties": func() []byte {
			uses := u32(0) + u32(0xFFFFFFFF) + strings.Repeat("\x00\x01\xFF"+strings.Repeat("\x01", 255), 20_000)
			return []byte(box("ftyp", "mif1") + box("meta", u32(0)+box("iprp", box("ipco", strings.Repeat(ispe(0, 0), 300_000))+box("ipma", uses))))
		},
		"TIFF: directories that lead to one another": func() []byte {
			return []byte("II*\x00" + le32(8) + le16(300) + strings.Repeat(le16(tagSubIFDs, 4)+le32(64, 8), 300) + le32(8))
		},
		"JPEG: stray bytes": func() []byte {
			return []byte("\xFF\xD8\xFF\xE0\x00\x04xx" + strings.Repeat(strings.Repeat("x", 1000)+"\xFFx", 4_000))
		},
		"OpenEXR: attributes": func() []byte {
			return []byte("\x76\x2F\x31\x01\x02\x00\x00\x00" + strings.Repeat("a\x00b\x00"+le32(0), 1<<20))
		},
		"SVG: comments":            func() []byte { return []byte("<?xml version='1.0'?>" + strings.Repeat("<!-- x -->", 1<<18)) },
		"SVG: a bomb":              func() []byte { return []byte(gzipped("<svg " + strings.Repeat(" ", 4<<20))) },
		"Office: attributes":       func() []byte { return docx("<r " + strings.Repeat("a='' ", 100_000) + "/>") },
		"Office: elements":         func() []byte { return docx("<r>" + strings.Repeat("<a/>", 120_000) + "</r>") },
		"Office: nested elements":  func() []byte { return docx(strings.Repeat("<a>", 170_000)) },
		"Office: a bomb":           func() []byte { return docx("<a>" + strings.Repeat(" ", 4<<20)) },
		"Office: files in archive": func() []byte { return docx("<a/>", slices.Repeat([]string{"n", ""}, 30_000)...) },
	})
}

// docx is a document with those properties.
func docx(core string, parts ...string) []byte {
	data, err := archived(append([]string{"[Content_Types].xml", officeTypes, "docProps/core.xml", core}, parts...)...)
	if err != nil {
		panic(err) // a buffer takes all
	}
	return data
}
