package embedded

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
)

// The times of the boxes below, in seconds since 1904.
const (
	at2026 = 2082844800 + 1777672798 // 2026-05-01T21:59:58Z
	at1970 = 1777672798              // the same, counted from 1970 by mistake
)

func mvhd(created, modified, scale, duration uint32) string {
	return box("mvhd", u32(0)+u32(created)+u32(modified)+u32(scale)+u32(duration)+strings.Repeat("\x00", 80))
}

// track has pictures of a size, turned by a quarter where it says so.
func track(handler string, created, width, height uint32, turned bool) string {
	matrix := u32(1<<16) + u32(0) + u32(0) + u32(0) + u32(1<<16) + u32(0) + u32(0) + u32(0) + u32(1<<30)
	if turned {
		matrix = u32(0) + u32(1<<16) + u32(0) + u32(0xFFFF0000) + u32(0) + u32(0) + u32(0) + u32(0) + u32(1<<30)
	}
	tkhd := box("tkhd", u32(7)+u32(created)+u32(0)+u32(1)+u32(0)+u32(0)+u64(0)+u64(0)+matrix+u32(width<<16)+u32(height<<16))
	coded := box("stsd", u32(0)+u32(1)+u32(86)+"avc1"+strings.Repeat("\x00", 24)+u16(640)+u16(360)+strings.Repeat("\x00", 50))
	return box("trak", tkhd+box("mdia", box("mdhd", u32(0)+u32(created)+u32(0)+u32(1000)+u32(0)+u32(0))+
		box("hdlr", u32(0)+"mhlr"+handler+strings.Repeat("\x00", 12))+box("minf", box("stbl", coded))))
}

func movieFile(boxes ...string) string {
	return box("ftyp", "qt  \x00\x00\x00\x00") + box("mdat", "pictures") + box("moov", strings.Join(boxes, ""))
}

// metaKeys is a meta box of QuickTime: names and texts.
func metaKeys(pairs ...string) string {
	keys, items := u32(0)+u32(uint32(len(pairs)/2)), ""
	for i := 0; i+1 < len(pairs); i += 2 {
		keys += box("mdta", pairs[i])
		items += box(u32(uint32(i/2+1)), box("data", u32(1)+u32(0)+pairs[i+1]))
	}
	return box("meta", box("hdlr", u32(0)+u32(0)+"mdta"+strings.Repeat("\x00", 13))+box("keys", keys)+box("ilst", items))
}

func userText16(kind, text string) string {
	return box(kind, u16(uint16(len(text)))+u16(0x55C4)+text)
}

func item(kind, text string) string { return box(kind, box("data", u32(1)+u32(0)+text)) }

func itunes(items ...string) string {
	return box("udta", box("meta", u32(0)+box("hdlr", u32(0)+u32(0)+"mdir"+strings.Repeat("\x00", 13))+box("ilst", strings.Join(items, ""))))
}

// videoFile is a video with facts of it; "" says that there is none of a name.
type videoFile struct {
	data string
	want map[string]string
}

func videoFiles() map[string]videoFile {
	const apple = "com.apple.quicktime."
	header := mvhd(at2026, at2026+60, 600, 7503)
	inUTC := "2026-05-01T21:59:58Z"
	return map[string]videoFile{
		"the header alone": {
			movieFile(header, track("soun", 0, 0, 0, false), track("vide", 0, 1920, 1080, true)),
			map[string]string{"creationdate": inUTC, "createdate": inUTC, "modifydate": "2026-05-01T22:00:58Z", "duration": "12.505", "width": "1920", "height": "1080", "rotation": "90", "make": ""},
		},
		"a header of 64 bits": {
			movieFile(box("mvhd", "\x01\x00\x00\x00"+u64(at2026)+u64(at2026)+u32(1000)+u64(90_000_000)+strings.Repeat("\x00", 80))),
			map[string]string{"creationdate": inUTC, "duration": "90000"},
		},
		"no times and no duration": {
			movieFile(mvhd(0, 0, 600, 0xFFFFFFFF), track("vide", 0, 0, 0, false)),
			map[string]string{"creationdate": "", "modifydate": "", "duration": "", "width": "640", "height": "360", "rotation": "0"},
		},
		"a scale of 0":                   {movieFile(mvhd(0, 0, 0, 5)), map[string]string{"duration": ""}},
		"times counted from 1970":        {movieFile(mvhd(at1970, at1970, 600, 1)), map[string]string{"creationdate": inUTC}},
		"a time beyond the year 9999":    {movieFile(box("mvhd", "\x01\x00\x00\x00"+u64(1<<60)+u64(0)+u32(1)+u64(1)+strings.Repeat("\x00", 80))), map[string]string{"creationdate": ""}},
		"the time of the track":          {movieFile(mvhd(0, 0, 600, 0), track("vide", at2026, 16, 16, false)), map[string]string{"creationdate": inUTC}},
		"fragments, with their duration": {movieFile(mvhd(0, 0, 1000, 0), box("mvex", box("mehd", u32(0)+u32(2500)))), map[string]string{"duration": "2.5"}},
		"keys of QuickTime": {
			movieFile(header, metaKeys(apple+"creationdate", "2026-05-01T23:59:58+0200", apple+"make", "Müller", apple+"model", "M 1", apple+"software", "17.4",
				apple+"location.ISO6709", "-33.8688+151.2093-012.500/", apple+"title", "Hügel\nim Abend", apple+"keywords", "a, b", apple+"unknown", "x")),
			map[string]string{
				"creationdate": "2026-05-01T23:59:58+02:00", "modifydate": "2026-05-01T22:00:58Z", "make": "Müller", "model": "M 1", "software": "17.4",
				"gpslatitude": "-33.8688", "latitude": "-33.8688", "gpslongitude": "151.2093", "gpsaltitude": "-12.5", "title": "Hügel\nim Abend", "keywords": "a, b",
			},
		},
		"keys in a box of the standard": {
			movieFile(header, strings.Replace(metaKeys("com.android.manufacturer", "Maker", "com.android.model", "P 8", "com.samsung.android.utc_offset", "+0200"), "hdlr", "hdlr", 1)),
			map[string]string{"make": "Maker", "model": "P 8", "creationdate": "2026-05-01T23:59:58+02:00"},
		},
		"a creation date that is none": {movieFile(header, metaKeys(apple+"creationdate", "yesterday")), map[string]string{"creationdate": inUTC}},
		"user data": {
			movieFile(header, box("udta", userText16("\xA9day", "2026-05-01T23:59:58+0200")+userText16("\xA9mak", "Maker")+userText16("\xA9mod", "M 1")+
				userText16("\xA9xyz", "+35.6586+139.7454+0.5/")+userText16("\xA9nam", "Title")+u32(0))),
			map[string]string{"creationdate": "2026-05-01T23:59:58+02:00", "make": "Maker", "model": "M 1", "gpslatitude": "35.6586", "gpslongitude": "139.7454", "gpsaltitude": "0.5", "title": "Title"},
		},
		"user data of the Macintosh": {movieFile(box("udta", box("\xA9nam", u16(5)+u16(0)+"H\x9Fgel"))), map[string]string{"title": "Hügel"}},
		"user data without a length": {movieFile(box("udta", box("\xA9nam", "Bare title"))), map[string]string{"title": "Bare title"}},
		"user data of 3GPP": {
			movieFile(box("udta", box("titl", u32(0)+u16(0x15C7)+"Title\x00")+box("auth", u32(0)+u16(0x15C7)+"\xFE\xFF\x00\xC5\x00s\x00a\x00\x00")+
				box("loci", u32(0)+u16(0x15C7)+"Sydney\x00\x00"+u32(151<<16|0x8000)+u32(0xFFFFFFFF-33<<16+1)+u32(0)+"earth\x00\x00"))),
			map[string]string{"title": "Title", "author": "Åsa", "gpslatitude": "-33", "gpslongitude": "151.5", "gpsaltitude": "0"},
		},
		"a place whose name is in UTF-16": {
			movieFile(box("udta", box("loci", u32(0)+u16(0x15C7)+"\xFE\xFF\x01\x00\x00\xC5\x00\x00\x00"+u32(151<<16)+u32(33<<16)+u32(0)+"earth\x00\x00"))),
			map[string]string{"gpslatitude": "33", "gpslongitude": "151"},
		},
		"items of iTunes": {
			movieFile(header, itunes(item("\xA9nam", "Title"), item("\xA9ART", "Artist"), item("\xA9day", "2019"), item("desc", "Words"), item("cprt", "© A"))),
			map[string]string{"title": "Title", "artist": "Artist", "author": "Artist", "creationdate": inUTC, "description": "Words", "copyright": "© A"},
		},
		"an iTunes date alone": {movieFile(mvhd(0, 0, 1, 1), itunes(item("\xA9day", "2019"))), map[string]string{"creationdate": "2019"}},
		"XML of a camera": {
			movieFile(header) + box("meta", u32(0)+box("hdlr", u32(0)+u32(0)+"nrtm"+strings.Repeat("\x00", 13))+box("xml ", u32(0)+
				`<?xml version="1.0" encoding="UTF-8"?><NonRealTimeMeta xmlns="urn:schemas-professionalDisc:nonRealTimeMeta:ver.2.00"><CreationDate value="2026-05-01T23:59:58+02:00"/><Device manufacturer="Sony" modelName="ILCE-7M3"/></NonRealTimeMeta>`)),
			map[string]string{"creationdate": "2026-05-01T23:59:58+02:00", "make": "Sony", "model": "ILCE-7M3"},
		},
		"a compressed description": {
			movieFile(box("cmov", box("dcom", "zlib")+box("cmvd", u32(999)+deflated(box("moov", header+track("vide", 0, 32, 18, false)))))),
			map[string]string{"creationdate": inUTC, "width": "32"},
		},
		"a place in minutes": {movieFile(metaKeys(apple+"location.ISO6709", "+2735.5-08633.84/")), map[string]string{"gpslatitude": "27.5916667", "gpslongitude": "-86.564", "gpsaltitude": ""}},
		"a place in seconds": {movieFile(metaKeys(apple+"location.ISO6709", "+273530-0863350.4+8850CRSWGS_84/")), map[string]string{"gpslatitude": "27.5916667", "gpslongitude": "-86.564", "gpsaltitude": "8850"}},
		"no place":           {movieFile(metaKeys(apple+"location.ISO6709", "+99.5-186.0/")), map[string]string{"gpslatitude": "", "gpslongitude": ""}},
	}
}

func TestVideo(t *testing.T) {
	for name, tt := range videoFiles() {
		got, gaps := factsUnder(t, []byte(tt.data), VideoPrefix)
		picked := map[string]string{}
		for fact := range tt.want {
			picked[fact] = got[fact]
		}
		if diff := cmp.Diff(tt.want, picked); diff != "" || len(gaps) > 0 {
			t.Errorf("%s: gaps %v, facts differ (-want +got):\n%s", name, gaps, diff)
		}
	}
	want := map[string]string{
		"creationdate": "2026-05-01T23:59:58.5+02:00", "createdate": "2026-05-01T23:59:58.5+02:00", "created": "2026-05-01T23:59:58.5+02:00",
		"modifydate": "2026-05-02T08:00:00Z", "modified": "2026-05-02T08:00:00Z", "duration": "0.2", "width": "32", "height": "18", "rotation": "90",
		"make": "Müller", "model": "M 1", "software": "Lavf59.27.100", "title": "Grüße",
		"gpslatitude": "-33.8688", "latitude": "-33.8688", "gpslongitude": "151.2093", "longitude": "151.2093", "gpsaltitude": "-12.5", "altitude": "-12.5",
	}
	got, gaps := factsUnder(t, readTestdata(t, "keys.mov"), VideoPrefix)
	if diff := cmp.Diff(want, got); diff != "" || len(gaps) > 0 {
		t.Errorf("keys.mov: gaps %v, facts differ (-want +got):\n%s", gaps, diff)
	}
}

// TestVideoTellsGaps: what is damaged is named, and what is whole beside it is told.
func TestVideoTellsGaps(t *testing.T) {
	header := mvhd(at2026, 0, 600, 600)
	for name, tt := range map[string]struct{ data, message, kept string }{
		"cut short":                     {box("ftyp", "isom") + u32(1000) + "moov", "is damaged: the box at byte 12 is cut short", ""},
		"a track cut short":             {movieFile(header, box("trak", u32(99)+"tkhd")), "the box at byte", "creationdate"},
		"a header cut short":            {movieFile(box("mvhd", u32(0)), track("vide", 0, 16, 16, false)), "its box mvhd: it is cut short", "width"},
		"keys cut short":                {movieFile(header, box("meta", box("hdlr", u32(0))+box("keys", u32(0)+u32(9)+u32(99)))), "its box keys", "creationdate"},
		"a description that is damaged": {movieFile(box("cmov", box("cmvd", u32(9)+"junk"))), "cannot be expanded", ""},
		"AVI":                           {"RIFF" + le32(4) + "AVI LIST", "is not known: this version does not read AVI files", ""},
		"Matroska":                      {"\x1A\x45\xDF\xA3\x93webm", "does not read Matroska and WebM files", ""},
		"Windows Media":                 {"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C", "does not read Windows Media files", ""},
	} {
		got, gaps := factsUnder(t, []byte(tt.data), VideoPrefix)
		if len(gaps) != 1 || !strings.Contains(gaps[0].Message, tt.message) {
			t.Errorf("%s: gaps %v, want %s", name, gaps, tt.message)
		}
		if tt.kept != "" && got[tt.kept] == "" {
			t.Errorf("%s: video.%s is lost: %v", name, tt.kept, got)
		}
	}
	for name, data := range map[string]string{
		"a picture": string(jpeg()), "HEIF": box("ftyp", "mif1") + u32(1000) + "meta", "JPEG 2000": box("jP  ", "\r\n\x87\n"), "text": "a film", "CR3": box("ftyp", "crx ") + box("moov", mvhd(1, 1, 1, 1)),
	} {
		if got, gaps := factsUnder(t, []byte(data), VideoPrefix); len(got) > 0 || len(gaps) > 0 {
			t.Errorf("%s: %v, gaps %v; want nothing", name, got, gaps)
		}
	}
}

// hugeVideo is a video whose pictures take most of a terabyte, and whose description
// is at its end.
type hugeVideo struct {
	head, tail string
	size       int64
	read       int64
}

func (h *hugeVideo) ReadAt(p []byte, off int64) (int, error) {
	h.read += int64(len(p))
	for i := range p {
		p[i] = 0
		if at := off + int64(i); at < int64(len(h.head)) {
			p[i] = h.head[at]
		} else if at -= h.size - int64(len(h.tail)); at >= 0 {
			p[i] = h.tail[at]
		}
	}
	return len(p), nil
}

func TestVideoIsReadByItsBoxes(t *testing.T) {
	tail := box("moov", mvhd(at2026, 0, 600, 600))
	v := &hugeVideo{size: 1 << 39, tail: tail}
	v.head = box("ftyp", "isom") + u32(1) + "mdat" + u64(uint64(v.size-12-int64(len(tail))))
	got, gaps := Read(v, v.size, Want{Video: true}, nil)
	if len(gaps) > 0 || got["video.creationdate"].Values == nil || v.read > 16<<10 {
		t.Errorf("%v, gaps %v, %d bytes read", got, gaps, v.read)
	}
	// Boxes without an end.
	start := time.Now()
	endless := endlessBoxes{}
	got, gaps = Read(endless, 1<<50, Want{Video: true, Image: true}, nil)
	if len(got) > 0 || len(gaps) != 2 || !strings.Contains(gaps[0].Message, "it is in too many boxes") {
		t.Errorf("%v, gaps %v after %v", got, gaps, time.Since(start))
	}
}

type endlessBoxes struct{}

func (endlessBoxes) ReadAt(p []byte, off int64) (int, error) {
	one := box("free", strings.Repeat("x", 1016))
	for i := range p {
		p[i] = one[(off+int64(i))%1024]
	}
	return len(p), nil
}

func TestTimeOf(t *testing.T) {
	for text, want := range map[string]string{
		"2026-05-01T23:59:58+0200":        "2026-05-01T23:59:58+02:00",
		"2026-05-01T23:59:58+02:00":       "2026-05-01T23:59:58+02:00",
		"2026-05-01T23:59:58+02":          "2026-05-01T23:59:58+02:00",
		" 2026-05-01T23:59:58.250Z ":      "2026-05-01T23:59:58.25Z",
		"2026-05-01T23:59:58":             "2026-05-01T23:59:58",
		"2026-05-01 23:59:58 +0200":       "2026-05-01T23:59:58+02:00",
		"2026:05:01 23:59:58":             "2026-05-01T23:59:58",
		"2026:05:01 23:59:58-11:00":       "2026-05-01T23:59:58-11:00",
		"Fri, 01 May 2026 23:59:58 +0200": "2026-05-01T23:59:58+02:00",
		"Fri, 1 May 2026 23:59:58 GMT":    "2026-05-01T23:59:58Z",
		"Fri, 1 May 2026 23:59:58 EST":    "Fri, 1 May 2026 23:59:58 EST", // a zone of several places
		"Fri May  1 23:59:58 2026":        "2026-05-01T23:59:58",
		"Fri 1 May 2026 23:59:58 -0530":   "2026-05-01T23:59:58-05:30",
		"2026-05-01":                      "2026-05-01",
		"0000:00:00 00:00:00":             "",
		"2026":                            "2026",
		"yesterday":                       "yesterday",
		"2026-02-30T00:00:00Z":            "2026-02-30T00:00:00Z", // no date
	} {
		if got := timeOf(text); got != want {
			t.Errorf("timeOf(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestPNGText(t *testing.T) {
	latin := chunk("tEXt", "Author\x00\xC5sa Ek")
	for name, tt := range map[string]struct {
		chunks []string
		want   map[string]string
	}{
		"three kinds": {
			[]string{latin, chunk("zTXt", "Description\x00\x00"+deflated("Line one\r\nline two")), chunk("IDAT", "x"), chunk("iTXt", "Title\x00\x00\x00\x00\x00Hügel")},
			map[string]string{"author": "Åsa Ek", "description": "Line one\nline two", "title": "Hügel"},
		},
		"a compressed text in UTF-8": {[]string{chunk("iTXt", "Title\x00\x01\x00en\x00Titel\x00"+deflated("Hügel"))}, map[string]string{"title": "Hügel", "title[en]": "Hügel"}},
		"languages": {
			[]string{chunk("iTXt", "Title\x00\x00\x00en\x00\x00Hills"), chunk("iTXt", "Title\x00\x00\x00de\x00\x00Hügel")},
			map[string]string{"title": "Hügel", "title[en]": "Hills", "title[de]": "Hügel"},
		},
		"UTF-8 against the standard": {[]string{chunk("tEXt", "Title\x00Hügel")}, map[string]string{"title": "Hügel"}},
		"the same keyword again":     {[]string{chunk("tEXt", "Comment\x00one"), chunk("tEXt", "comment\x00two")}, map[string]string{"comment": "one|two"}},
		"dates": {
			[]string{chunk("zTXt", "CreationTime\x00\x00"+deflated("2026:05:01 23:59:58")), chunk("tEXt", "Creation Time\x00Fri, 1 May 2026 23:59:58 +0200"), chunk("tIME", "\x07\xEA\x05\x02\x08\x00\x00")},
			map[string]string{"creation time": "2026-05-01T23:59:58+02:00", "creationtime": "2026-05-01T23:59:58", "modifydate": "2026-05-02T08:00:00Z"},
		},
		"a time that is none": {[]string{chunk("tIME", "\x00\x00\x00\x00\x00\x00\x00")}, map[string]string{}},
		"what is told elsewhere": {
			[]string{chunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+metadatatest.RDF("<dc:source>x</dc:source>")), chunk("tEXt", "Raw profile type iptc\x00"+profile("iptc", "8BIM"))},
			map[string]string{},
		},
		"an empty text": {[]string{chunk("tEXt", "Title\x00")}, map[string]string{}},
	} {
		got, gaps := factsUnder(t, png(tt.chunks...), PNGPrefix)
		if !maps.Equal(got, tt.want) || len(gaps) > 0 {
			t.Errorf("%s: %v, gaps %v; want %v", name, got, gaps, tt.want)
		}
	}
	// Damage in one chunk does not cost the others.
	for name, tt := range map[string]struct{ bad, message string }{
		"a stream that is none":      {chunk("zTXt", "Comment\x00\x00junk"), "the zTXt chunk at byte 8: it cannot be expanded"},
		"a bomb":                     {chunk("zTXt", "Comment\x00\x00"+deflated(strings.Repeat(" ", metadata.MaxValue+1))), "expanded it is larger than 64 KiB"},
		"no keyword":                 {chunk("tEXt", "\x00text"), "it has no keyword"},
		"a keyword without an end":   {chunk("tEXt", strings.Repeat("k", 100)), "it has no keyword"},
		"iTXt that breaks off":       {chunk("iTXt", "Comment\x00\x00"), "it is cut short"},
		"a text without measure":     {chunk("tEXt", "Comment\x00"+strings.Repeat("x", metadata.MaxValue+2048)), "it is longer than 65 KiB"},
		"a value longer than a fact": {chunk("tEXt", "Comment\x00"+strings.Repeat("x", metadata.MaxValue+1)), "is longer than 65536 bytes; left out"},
	} {
		got, gaps := factsUnder(t, png(tt.bad, latin), PNGPrefix)
		if got["author"] != "Åsa Ek" || len(got) != 1 || len(gaps) != 1 || !strings.Contains(gaps[0].Message, tt.message) {
			t.Errorf("%s: %v, gaps %v; want %s", name, got, gaps, tt.message)
		}
	}
	if got, gaps := factsUnder(t, bytes.TrimSuffix(png(latin), []byte(chunk("IEND", ""))), PNGPrefix); got["author"] == "" || len(gaps) != 1 {
		t.Errorf("a PNG that breaks off: %v, gaps %v", got, gaps)
	}
}
