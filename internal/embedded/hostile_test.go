package embedded

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
)

// hostileFiles are made to take all memory or all time of whoever reads them.
var hostileFiles = map[string]func() []byte{
	"PDF: tables that lead to one another": func() []byte {
		p := newPDF("").object(1, "<</Type/Catalog/Metadata 2 0 R>>")
		at := p.Len()
		fmt.Fprintf(p, "xref\n0 0\ntrailer\n<</Prev %d>>\nstartxref\n%d\n%%%%EOF", at, at)
		return p.Bytes()
	},
	"PDF: a hundred thousand tables": func() []byte {
		p := newPDF("")
		for at := 0; p.Len() < 8<<20; {
			next := p.Len()
			fmt.Fprintf(p, "xref\n0 0\ntrailer\n<</Prev %d>>\n", at)
			at = next
		}
		fmt.Fprintf(p, "startxref\n%d\n%%%%EOF", bytes.LastIndex(p.Bytes(), []byte("xref\n0 0")))
		return p.Bytes()
	},
	"PDF: objects that lead to one another": func() []byte {
		return newPDF("").object(1, "2 0 R").object(2, "1 0 R").table(0, "/Root 1 0 R", 1, 2).Bytes()
	},
	"PDF: an object stream that is in itself": func() []byte {
		return newPDF("").streamTable(5, "/Root 1 0 R", map[int][2]int{1: {4, 0}, 4: {4, 1}}, 1, 4).Bytes()
	},
	"PDF: a length that is its own": func() []byte {
		return newPDF("").object(1, "<</Type/Catalog/Metadata 2 0 R>>").object(2, "<</Length 2 0 R>>\nstream\nx\nendstream").table(0, "/Root 1 0 R", 1, 2).Bytes()
	},
	"PDF: an object stream that expands without an end": func() []byte {
		data := bomb(1 << 30)
		return newPDF("").object(4, fmt.Sprintf("<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream", len(data), data)).
			streamTable(5, "/Root 1 0 R", map[int][2]int{1: {4, 0}}, 1, 4).Bytes()
	},
	"PDF: metadata that are packed many times": func() []byte {
		data := string(bomb(8 << 20))
		for range 6 {
			data = deflated(data)
		}
		filters := strings.Repeat("/FlateDecode", 7)
		return newPDF("").object(1, "<</Type/Catalog/Metadata 2 0 R>>").
			object(2, fmt.Sprintf("<</Filter[%s]/Length %d>>\nstream\n%s\nendstream", filters, len(data), data)).table(0, "/Root 1 0 R", 1, 2).Bytes()
	},
	"PDF: tables of eight MiB, one behind the other": func() []byte {
		p, prev := newPDF(""), 0
		data := bomb(7 << 20)
		for range 40 {
			at := p.Len()
			p.WriteString(object(9, fmt.Sprintf("<</Type/XRef/W[1 4 1]/Size 9/Prev %d/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream", prev, len(data), data)))
			prev = at
		}
		fmt.Fprintf(p, "startxref\n%d\n%%%%EOF", prev)
		return p.Bytes()
	},
	"PDF: tables whose trailers are one": func() []byte {
		const each = 40
		p := newPDF("")
		at := p.Len()
		for i := range 500 {
			fmt.Fprintf(p, "%-*s", each, fmt.Sprintf("xref trailer<</Prev %08d %%", at+(i+1)*each))
		}
		fmt.Fprintf(p, "\n/A[%s]>>\nstartxref\n%d\n%%%%EOF", strings.Repeat("1 ", 190_000), at)
		return p.Bytes()
	},
	"PDF: brackets":                   func() []byte { return pdfOf(strings.Repeat("[", 4<<20)) },
	"PDF: dictionaries":               func() []byte { return pdfOf(strings.Repeat("<</A", 2<<20)) },
	"PDF: a string without an end":    func() []byte { return pdfOf("(" + strings.Repeat(`\(`, 4<<20)) },
	"PDF: objects without an end":     func() []byte { return pdfOf(strings.Repeat("1 0 obj ", 1<<20)) },
	"PDF: catalogs":                   func() []byte { return pdfOf(strings.Repeat("1 0 obj<</Type/Catalog", 1<<18)) },
	"PDF: catalogs in one object":     func() []byte { return pdfOf("1 0 obj" + strings.Repeat("/Type/Catalog", 1<<19)) },
	"PDF: a run of spaces":            func() []byte { return pdfOf(strings.Repeat(" ", 8<<20) + "obj") },
	"PDF: encrypted over and over":    func() []byte { return pdfOf(strings.Repeat("/Encrypt 1 0 R ", 1<<19)) },
	"PDF: a comment without an end":   func() []byte { return pdfOf("1 0 obj %" + strings.Repeat("x", 8<<20)) },
	"PostScript: many packets begin":  func() []byte { return []byte("%!PS\n" + strings.Repeat("<x:xmpmeta", 1<<19)) },
	"PostScript: many packets":        func() []byte { return []byte("%!PS\n" + strings.Repeat("<x:xmpmeta></x:xmpmeta>", 1<<18)) },
	"unknown: dates in a packet":      func() []byte { return []byte("<x:xmpmeta>" + strings.Repeat("MetadataDate>", 1<<19) + "</x:xmpmeta>") },
	"XMP: open elements":              func() []byte { return inPNG(metadatatest.RDF(strings.Repeat("<dc:a>", 1<<20))) },
	"XMP: an attribute over and over": func() []byte { return inPNG(metadatatest.RDF("<dc:a " + strings.Repeat(`dc:b="" `, 1<<19) + "/>")) },
	"XMP: ampersands": func() []byte {
		return inPNG(metadatatest.RDF("<dc:source>" + strings.Repeat("&", 7<<20) + "</dc:source>"))
	},
	"XMP: signs of less": func() []byte {
		return inPNG(metadatatest.RDF("<dc:source>" + strings.Repeat("< ", 3<<20) + "</dc:source>"))
	},
	"XMP: control characters": func() []byte {
		return inPNG(metadatatest.RDF("<dc:source>" + strings.Repeat("\x01", 7<<20) + "</dc:source>"))
	},
	"XMP: Latin-1": func() []byte {
		return inPNG(metadatatest.RDF("<dc:source>" + strings.Repeat("\x80", 7<<20) + "</dc:source>"))
	},
	"XMP: line breaks": func() []byte {
		return inPNG(metadatatest.RDF("<dc:source>" + strings.Repeat("\n x", 2<<20) + "</dc:source>"))
	},
	"XMP: ends that close nothing":    func() []byte { return inPNG(metadatatest.RDF(strings.Repeat("</b>", 1<<20))) },
	"XMP: prefixes that nobody knows": func() []byte { return inPNG(metadatatest.RDF(strings.Repeat("<", 60) + unknownPrefixes(40_000))) },
	"XMP: document types":             func() []byte { return inPNG(strings.Repeat("<!D [", 1<<20) + metadatatest.RDF("")) },
	"XMP: comments without an end":    func() []byte { return inPNG(metadatatest.RDF(strings.Repeat("<!--", 1<<20))) },
	"XMP: remains": func() []byte {
		return inPNG(metadatatest.RDF("<dc:source>x</dc:source>") + strings.Repeat("</a>", 1<<20))
	},
	"unknown: a packet in the other": func() []byte {
		return []byte(strings.Repeat("<x:xmpmeta ", 64) + strings.Repeat("MetadataDatum ", 8<<20/14-100) + "</x:xmpmeta>")
	},
	"unknown: names of dates in packets": func() []byte {
		return []byte(strings.Repeat("<x:xmpmeta ", 64) + strings.Repeat("MetadataDate", 8<<20/12-100) + "</x:xmpmeta>")
	},
	"HEIF: packets of a byte": func() []byte {
		const n = 100_000
		var infos, places strings.Builder
		for i := range uint32(n) {
			infos.WriteString(box("infe", "\x03\x00\x00\x00"+u32(i)+u16(0)+"mime\x00"+mimeXMP+"\x00"))
			places.WriteString(u32(i) + u32(0) + u16(1) + u32(4) + u32(1))
		}
		return []byte(box("ftyp", "heic") + box("meta", "\x00\x00\x00\x00"+box("iinf", "\x01\x00\x00\x00"+u32(n)+infos.String())+
			box("iloc", "\x02\x00\x00\x00\x44\x00"+u32(n)+places.String())))
	},
	"HEIF: references without an end": func() []byte {
		refs := strings.Repeat(box("cdsc", u16(2)+u16(0xFFFF)), 1<<18)
		return []byte(box("ftyp", "heic") + box("meta", "\x00\x00\x00\x00"+box("pitm", "\x00\x00\x00\x00"+u16(1))+box("iref", "\x00\x00\x00\x00"+refs)))
	},
	"HEIF: many references": func() []byte {
		refs := strings.Repeat(box("cdsc", u16(2)+u16(2)+u16(1)+u16(3)), 1<<18)
		return []byte(box("ftyp", "heic") + box("meta", "\x00\x00\x00\x00"+box("pitm", "\x00\x00\x00\x00"+u16(1))+
			box("iinf", "\x00\x00\x00\x00"+u16(0xFFFF)+strings.Repeat(box("infe", "\x02\x00\x00\x00"+u16(2)+u16(0)+"Exif\x00"), 1<<17))+box("iref", "\x00\x00\x00\x00"+refs)))
	},
	"BigTIFF: a directory of entries without an end": func() []byte {
		return []byte("II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat("\xFF", 8) + strings.Repeat("\x0F\x01\x02\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 1<<17))
	},
	"RIFF: chunks of nothing": func() []byte {
		return []byte("RIFF\x00\x00\x00\x00WAVE" + strings.Repeat("RIFF\x00\x00\x00\x00WAVE", 1<<20))
	},
}

func pdfOf(text string) []byte { return []byte("%PDF-1.7\n" + text + "\nstartxref\n9\n%%EOF") }

// bomb is so many zeros, packed.
func bomb(size int) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range size / len(zeros) {
		_, _ = z.Write(zeros) // a buffer takes all
	}
	_ = z.Close()
	return b.Bytes()
}

// inPNG is a picture with a packet, for which a PNG has no bound of 64 KiB for a packet.
func inPNG(packet string) []byte {
	return png(chunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+packet))
}

func unknownPrefixes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<p%d:a/>", i)
	}
	return b.String()
}

const hostileVariable = "HOSTILE_FILE"

// TestHostileFiles reads each in a process of its own, which must not take more than
// 160 MiB or two seconds of a processor.
func TestHostileFiles(t *testing.T) {
	if path := os.Getenv(hostileVariable); path != "" {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close() // nothing was written
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		got, gaps := Read(f, info.Size(), everything, nil)
		metadatatest.Check(t, got)
		for _, gap := range gaps {
			if len(gap.Message) > 2000 {
				t.Errorf("a gap of %d bytes", len(gap.Message))
			}
		}
		return
	}
	if underRace {
		t.Skip("the race detector multiplies what is measured")
	}
	const mostMemory, mostTime = 160 << 20, 2 * time.Second
	for name, build := range hostileFiles {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/hostile"
			if err := os.WriteFile(path, build(), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHostileFiles$")
			cmd.Env = append(os.Environ(), hostileVariable+"="+path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			if memory := usage.Maxrss << 10; memory > mostMemory || took > mostTime {
				t.Errorf("took %d MiB and %v", memory>>20, took)
			} else {
				t.Logf("took %d MiB and %v", memory>>20, took.Round(time.Millisecond))
			}
		})
	}
}
