package embedded

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestPDF(t *testing.T) {
	const catalog = "<</Type/Catalog/Pages 9 0 R>>"
	const pages = "<</Type/Pages/Count 12/Kids[]>>"
	info := "<</Title(\xFE\xFF\x00H\x00\xFC\x00g\x00e\x00l)/Author(\\305sa Ek)/Subject(\xEF\xBB\xBFGr\xC3\xBC\xC3\x9Fe)/Keywords<7265706F72742C 2032303236>" +
		"/Creator(Writer \x8D1.0\x8E \x92)/Producer 8 0 R/CreationDate(D:20260501235958+02'00')/ModDate(D:20260502080000Z)/Trapped/True/Unknown(x)>>"
	whole := func(header string) *written {
		return newPDF(header).object(1, catalog).object(7, info).object(8, "(Distiller)").object(9, pages)
	}
	want := map[string]string{
		"title": "Hügel", "author": "Åsa Ek", "subject": "Grüße", "keywords": "report, 2026", "creator": "Writer “1.0” ™", "producer": "Distiller",
		"creationdate": "2026-05-01T23:59:58+02:00", "createdate": "2026-05-01T23:59:58+02:00", "created": "2026-05-01T23:59:58+02:00",
		"moddate": "2026-05-02T08:00:00Z", "modifydate": "2026-05-02T08:00:00Z", "modified": "2026-05-02T08:00:00Z", "trapped": "True",
		"pagecount": "12", "pages": "12", "version": "1.7", "pdfversion": "1.7",
	}
	with := func(more map[string]string) map[string]string {
		all := maps.Clone(want)
		maps.Copy(all, more)
		return all
	}
	alone := map[string]string{"pagecount": "12", "pages": "12", "version": "1.7", "pdfversion": "1.7"}
	for name, tt := range map[string]struct {
		data *written
		want map[string]string
	}{
		"a table": {whole("").table(0, "/Root 1 0 R/Info 7 0 R", 1, 7, 8, 9), want},
		"object streams": {
			newPDF("").object(4, objStream("1", catalog, "7", info, "8", "(Distiller)", "9", pages)).
				streamTable(5, "/Root 1 0 R/Info 7 0 R", map[int][2]int{1: {4, 0}, 7: {4, 1}, 8: {4, 2}, 9: {4, 3}}, 1, 7, 8, 9, 4), want,
		},
		"a change of the title": {
			func() *written {
				p := whole("").table(0, "/Root 1 0 R/Info 7 0 R", 1, 7, 8, 9)
				first := bytes.Index(p.Bytes(), []byte("xref\n"))
				return p.object(7, strings.Replace(info, "\\305sa Ek", "Eva", 1)).table(0, fmt.Sprintf("/Root 1 0 R/Info 7 0 R/Prev %d", first), 7)
			}(), with(map[string]string{"author": "Eva"}),
		},
		"junk before the header": {whole("junk\n").table(5, "/Root 1 0 R/Info 7 0 R", 1, 7, 8, 9), want},
		"a newer version": {
			newPDF("").object(1, "<</Type/Catalog/Version/2.0/Pages 9 0 R>>").object(9, pages).table(0, "/Root 1 0 R", 1, 9),
			map[string]string{"pagecount": "12", "pages": "12", "version": "2.0", "pdfversion": "2.0"},
		},
		"an older version":       {newPDF("").object(1, "<</Type/Catalog/Version/1.4/Pages 9 0 R>>").object(9, pages).table(0, "/Root 1 0 R", 1, 9), alone},
		"no information":         {newPDF("").object(1, catalog).object(9, pages).table(0, "/Root 1 0 R", 1, 9), alone},
		"information of nothing": {newPDF("").object(1, catalog).object(9, pages).table(0, "/Root 1 0 R/Info 99 0 R", 1, 9), alone},
		"empty texts":            {newPDF("").object(1, catalog).object(7, "<</Title()/Author(\xFE\xFF)/CreationDate()>>").object(9, pages).table(0, "/Root 1 0 R/Info 7 0 R", 1, 7, 9), alone},
		"no table":               {whole("").trailer("/Root 1 0 R/Info 7 0 R"), want},
		"a table that is a lie":  {whole("").table(3, "/Root 1 0 R/Info 7 0 R", 1, 7, 8, 9), want},
	} {
		got, gaps := factsUnder(t, tt.data.Bytes(), PDFPrefix)
		if !maps.Equal(got, tt.want) || len(gaps) > 0 {
			t.Errorf("%s: %v, gaps %v; want %v", name, got, gaps, tt.want)
		}
	}
	for name, tt := range map[string]struct {
		data          *written
		message, kept string
	}{
		"encrypted": {
			whole("").object(10, "<</Filter/Standard/V 4/EncryptMetadata false>>").table(0, "/Root 1 0 R/Info 7 0 R/Encrypt 10 0 R", 1, 7, 8, 9, 10),
			"is not known: the PDF is encrypted", "pagecount",
		},
		"no catalog":      {newPDF("").object(7, info), "it does not say where its tables are", "version"},
		"pages of itself": {newPDF("").object(1, "<</Type/Catalog/Pages 2 0 R>>").object(2, "2 0 R").table(0, "/Root 1 0 R", 1, 2), "lead to one another without an end", "version"},
	} {
		got, gaps := factsUnder(t, tt.data.Bytes(), PDFPrefix)
		if len(gaps) != 1 || !strings.Contains(gaps[0].Message, tt.message) || got[tt.kept] == "" || got["title"] != "" {
			t.Errorf("%s: %v, gaps %v; want %s", name, got, gaps, tt.message)
		}
	}
}

// trailer writes a trailer without a table.
func (p *written) trailer(dict string) *written {
	fmt.Fprintf(p, "trailer\n<<%s>>\n%%%%EOF\n", dict)
	return p
}

func TestPDFText(t *testing.T) {
	for raw, want := range map[string]string{
		"plain":                             "plain",
		"\xC5sa \xA0":                       "Åsa €",
		"\x18\x1F \x80\x84\x85\x90\x93\x9E": "˘˜ •—–’ﬁž",
		"Gr\xC3\xBC\xC3\x9Fe":               "Grüße", // UTF-8 that does not say so
		"\xEF\xBB\xBFGr\xC3\xBC\xC3\x9Fe":   "Grüße",
		"\xFE\xFF\x00A\xD8\x3D\xDE\x00":     "A😀",
		"\xFF\xFEA\x00B\x00":                "AB",
		"\xFE\xFF\x00\x1B\x00d\x00e\x00D\x00E\x00\x1B\x00J\x00a": "Ja", // in German of Germany
		"\xFE\xFF\x00A\x00": "A",
	} {
		if got := pdfText([]byte(raw)); got != want {
			t.Errorf("pdfText(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestPDFDate(t *testing.T) {
	for text, want := range map[string]string{
		"D:20260501235958+02'00'":         "2026-05-01T23:59:58+02:00",
		"D:20260501235958+02'00":          "2026-05-01T23:59:58+02:00",
		"D:20260501235958-0530":           "2026-05-01T23:59:58-05:30",
		"D:20260501235958-08":             "2026-05-01T23:59:58-08:00",
		"D:20260501235958Z":               "2026-05-01T23:59:58Z",
		"D:20260501235958Z00'00'":         "2026-05-01T23:59:58Z",
		"D:20260501235958":                "2026-05-01T23:59:58",
		"20260501235958":                  "2026-05-01T23:59:58",
		"D:202605012359":                  "2026-05-01T23:59:00",
		"D:20260501":                      "2026-05-01",
		"D:202605":                        "2026-05",
		"D:2026":                          "2026",
		"D:20260231":                      "D:20260231", // no date
		"D:191010608072916":               "D:191010608072916",
		"2026-05-01T23:59:58Z":            "2026-05-01T23:59:58Z",
		"Fri May  1 23:59:58 2026":        "2026-05-01T23:59:58",
		"5/1/2026 11:59 PM":               "5/1/2026 11:59 PM",
		"Fri, 01 May 2026 23:59:58 +0200": "2026-05-01T23:59:58+02:00",
		"":                                "",
	} {
		if got := pdfDate(text); got != want {
			t.Errorf("pdfDate(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzPDFInfo(f *testing.F) {
	f.Add(newPDF("").object(1, "<</Type/Catalog/Pages 9 0 R>>").object(7, "<</Title(x)/CreationDate(D:20260501235958+02'00')>>").object(9, "<</Count 1>>").table(0, "/Root 1 0 R/Info 7 0 R", 1, 7, 9).Bytes())
	f.Add(newPDF("").object(4, objStream("1", "<</Type/Catalog>>", "7", "<</Title(x)>>")).streamTable(5, "/Root 1 0 R/Info 7 0 R", map[int][2]int{1: {4, 0}, 7: {4, 1}}, 1, 7, 4).Bytes())
	f.Add(newPDF("").object(7, "<</Title(x)>>").object(1, "<</Type/Catalog>>").trailer("/Info 7 0 R").Bytes())
	fuzzOwn(f, Want{PDF: true}, "pdf")
}
