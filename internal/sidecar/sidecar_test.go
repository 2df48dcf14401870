package sidecar

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
)

// sidecarValues parses a sidecar and returns its values by their names without
// the prefix, those of a list joined by "|".
func sidecarValues(t *testing.T, name, text string) map[string]string {
	t.Helper()
	known, err := Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	metadatatest.CheckClean(t, known, Prefix)
	got := map[string]string{}
	for key, fact := range known {
		got[strings.TrimPrefix(key, Prefix)] = strings.Join(fact.Values, "|")
		if fact.Origin != "sidecar "+name {
			t.Errorf("%s: origin %q", key, fact.Origin)
		}
	}
	return got
}

func TestParseSidecar(t *testing.T) {
	type m = map[string]string
	tests := []struct {
		name, json, yaml string // the same in both; "" where a format cannot say it
		want             m
	}{
		{"plain values", `{"Title": " Größe\n1 ", "n": 1.50, "big": 12345678901234567890, "e": 1e5, "yes": true, "no": false}`,
			"Title: \"Größe\\n1\"\nn: 1.50\nbig: 12345678901234567890\ne: 1e5\nyes: True\nno: false\n",
			m{"title": "Größe\n1", "n": "1.50", "big": "12345678901234567890", "e": "1e5", "yes": "true", "no": "false"}},
		{"as written", "", "a: 017\nb: 1_000\nc: 2024-01-02\nd: 1:30\ne: 0x1F\nf: no\ng: .inf\nh: !!str 1\ni: |\n  two\n  lines\n",
			m{"a": "017", "b": "1_000", "c": "2024-01-02", "d": "1:30", "e": "0x1F", "f": "no", "g": ".inf", "h": "1", "i": "two\nlines"}},
		{"not known", `{"a": null, "b": "", "c": [], "d": {}, "e": [null, ""], "f": " \u0000"}`,
			"a:\nb: ''\nc: []\nd: {}\ne: [~, '']\nf: \" \\0\"\n", m{}},
		{"nested", `{"rights": {"Owner": {"name": "x"}, "expires": "2027"}}`, "rights:\n  Owner: {name: x}\n  expires: 2027\n",
			m{"rights.owner.name": "x", "rights.expires": "2027"}},
		{"lists", `{"k": ["a", null, 2, "", true, "a"]}`, "k: [a, null, 2, '', true, a]\n", m{"k": "a||2||true|a"}},
		{"tables", `{"r": [{"t": "EMEA", "e": 1}, {"e": 2, "t": "US", "x": 3}]}`, "r:\n- t: EMEA\n  e: 1\n- {e: 2, t: US, x: 3}\n",
			m{"r[1].t": "EMEA", "r[2].t": "US", "r[1].e": "1", "r[2].e": "2", "r[2].x": "3", "r.t": "EMEA|US", "r.e": "1|2", "r.x": "|3"}},
		{"tables with gaps", `{"r": [{"t": "EMEA", "e": 1}, null, {"t": "US"}]}`, "r: [{t: EMEA, e: 1}, null, {t: US}]\n",
			m{"r[1].t": "EMEA", "r[3].t": "US", "r[1].e": "1", "r.t": "EMEA||US", "r.e": "1||"}},
		{"names that differ in case", `{"r": [{"t": 1}, {"T": 2}]}`, "r: [{t: 1}, {T: 2}]\n", m{"r[1].t": "1", "r[2].t": "2", "r.t": "1|2"}},
		{"lists in tables stay apart", `{"r": [{"t": ["EMEA", "US"], "e": 1}, {"t": ["APAC"], "e": 2}]}`,
			"r: [{t: [EMEA, US], e: 1}, {t: [APAC], e: 2}]\n",
			m{"r[1].t": "EMEA|US", "r[2].t": "APAC", "r[1].e": "1", "r[2].e": "2", "r.e": "1|2"}},
		{"mixed", `{"r": ["x", {"t": 1}, [1, 2]]}`, "r: [x, {t: 1}, [1, 2]]\n", m{"r[1]": "x", "r[2].t": "1", "r[3]": "1|2", "r.t": "|1|"}},
		{"aliases", "", "base: &b {x: 1}\none: *b\ntwo: [*b, *b]\n&k key: v\n",
			m{"base.x": "1", "one.x": "1", "two[1].x": "1", "two[2].x": "1", "two.x": "1|1", "key": "v"}},
		{"keys", `{" A\tB ": 1, "Mu\u0308ller": 2, "1": 3}`, "\" A\\tB \": 1\nMu\u0308ller: 2\n1: 3\n", m{"a b": "1", "müller": "2", "1": "3"}},
	}
	for _, tt := range tests {
		for name, text := range map[string]string{"a.jpg.json": tt.json, "a.jpg.YAML": tt.yaml, "a.yml": tt.yaml} {
			if text == "" {
				continue
			}
			if diff := cmp.Diff(tt.want, sidecarValues(t, name, text)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", tt.name, name, diff)
			}
		}
	}
}

func TestSidecarEncodings(t *testing.T) {
	for name, text := range map[string]string{"x.json": "{\"a\": \"ü\"}\n", "x.yaml": "a: ü\n"} {
		marked, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		bare, err := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, written := range []string{text, "\ufeff" + text, marked, bare} {
			if diff := cmp.Diff(map[string]string{"a": "ü"}, sidecarValues(t, name, written)); diff != "" {
				t.Errorf("%s, %q (-want +got):\n%s", name, written, diff)
			}
		}
	}
}

func TestSidecarRefuses(t *testing.T) {
	repeated := func(before, each, after string, n int) string {
		return before + strings.Repeat(each, n) + after
	}
	keys := &strings.Builder{}
	for i := range maxFacts + 1 {
		keys.WriteString("k" + strconv.Itoa(i) + ": 1\n")
	}
	bomb := "a0: &a0 [x, x]\n"
	for i := range 40 {
		n, next := strconv.Itoa(i), strconv.Itoa(i+1)
		bomb += "a" + next + ": &a" + next + " [*a" + n + ", *a" + n + "]\n"
	}
	tests := []struct{ name, text, want string }{
		{"x.txt", "{}", `sidecar x.txt: the extension ".txt" is none of .json, .yaml and .yml`},
		{"x.json", " \n", "sidecar x.json: it is empty"},
		{"x.yaml", "", "it is empty"},
		{"x.yaml", "# nothing\n", "it is empty"},
		{"x.json", "[1]", "line 1, column 1: the sidecar is an array; it must be an object"},
		{"x.json", "\n  null", "line 2, column 3: the sidecar is null"},
		{"x.yaml", "- 1\n", "is an array"},
		{"x.yaml", "some text\n", "line 1, column 1: the sidecar is a plain value"},
		{"x.json", "{\"a\": 1}\n{}", "line 2, column 1: invalid character '{' after top-level value"},
		{"x.json", "{\"a\": 1,\n \"b\"; 2}", "line 2, column 5: invalid character ';'"},
		{"x.json", "{\"a\": [1,\n", "unexpected end of JSON input"},
		{"x.yaml", "a: 1\n---\nb: 2\n", "sidecar x.yaml: line 2: a second document begins"},
		{"x.yaml", "a: 1\n\tb: 2\n", "sidecar x.yaml: line 2: found a tab character that violates indentation"},
		{"x.json", "{\"a\": 1,\n  \"b\": 2, \"A\": 3}", `line 2, column 11: "A" is given twice, first in line 1`},
		{"x.json", `{"a": {"x": 1}, "a": {"y": 1}}`, `line 1, column 17: "a" is given twice`},
		{"x.yaml", "a: 1\nb:\n  c: 1\n  \"c\": null\n", `line 4, column 3: "c" is given twice, first in line 3`},
		{"x.json", "{\"a.b\": 1,\n\"a\": {\"b\": 2}}", `line 2, column 7: "a.b" is given twice, first in line 1`},
		{"x.json", `{"r.t": 1, "r": [{"t": 1}]}`, `"r.t" is given twice`},
		{"x.json", `{"a": 1, " ": 2}`, "line 1, column 10: a value has no name"},
		{"x.yaml", "a: 1\n? [b]\n: 2\n", "line 2, column 3: a key is no plain text"},
		{"x.yaml", "a: &a {x: 1}\nb:\n  <<: *a\n", "line 3, column 3: << (merge) is not supported"},
		{"x.yaml", "a: &a [*a]\n", "nested deeper than 64"},
		{"x.yaml", "a: &a {b: {c: *a}}\n", "nested deeper than 64"},
		{"x.yaml", bomb, "there are more than 100000 values"},
		{"x.yaml", keys.String(), "line 5001, column 1: the sidecar has more than 5000 facts"},
		{"x.json", `{"a": ` + repeated("[", "{\"x\": 1},", "{}]}", 4_999), ""}, // {} keeps x from being listed, in an array as long as this
		{"x.json", `{"a": ` + repeated("[", "{\"x\": 1},", "{\"x\": 1}]}", maxList-1), ""},
		{"x.json", `{"a": ` + repeated("[", "{\"x\": 1},", "{\"x\": 1}]}", maxList), `line 1, column 2: "a.x" has more than 1000 values`},
		{"x.yaml", repeated("a: 1\nb: [", "x, ", "]\n", maxList+1), `line 2, column 1: "b" has more than 1000 values`},
		{"x.json", repeated("{\"a\": \"", "x", "\"}", maxText), ""},
		{"x.json", repeated("{\"a\": \"", "x", "\"}", maxText+1), `"a" has a value of more than 65536 bytes`},
		{"x.json", `{"a": ` + repeated("[", "{\"x\": 1},", "{}]}", 5_001), "more than 5000 facts"},
		{"x.json", `{"a": ` + repeated("[", "1,", "1]}", maxNodes), "there are more than 100000 values"},
		{"x.json", repeated(`{"a":`, "[", strings.Repeat("]", maxDepth)+"}", maxDepth), "nested deeper than 64"},
		{"x.json", repeated(`{"a":`, "[", strings.Repeat("]", 20_000)+"}", 20_000), "exceeded max depth"},
		{"x.yaml", repeated("a: ", "[", strings.Repeat("]", 20_000), 20_000), "exceeded"},
		{"x.json", repeated("{\"", "x", "\": 1}", metadata.MaxName), "is longer than 512 bytes"},
		{"x.json", repeated("", " ", "{}", MaxSize), "it is larger than 8 MiB"},
		{"x.yml", repeated("", " ", "{}", maxYAML), "it is larger than 1 MiB"},
		{"x.json", "{\n\"a\": \"caf\xe9\"}", "line 2 is not UTF-8"},
		{"x.yaml", "a: 1\nb: caf\xe9\n", "line 2 is not UTF-8"},
		{"x.json", "PK\x03\x04", "a workbook or an archive"},
	}
	for _, tt := range tests {
		known, err := Parse(tt.name, []byte(tt.text))
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s %.40q: %v", tt.name, tt.text, err)
		case tt.want != "" && (err == nil || known != nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s %.40q: %v, want %q", tt.name, tt.text, err, tt.want)
		}
	}
}

func FuzzParseSidecar(f *testing.F) {
	for _, text := range []string{
		`{"a": {"B": [1, "x", null, true]}, "r": [{"t": "x", "e": 1.50}, {"t": "y"}]}`, "{\"a\":1}{", `{"a":"\ud800","A":2}`, "[[{}]]",
		"\ufeff{}", "\xff\xfe{\x00}\x00",
	} {
		f.Add(false, []byte(text))
	}
	for _, text := range []string{
		"a: &a {b: [1, 017, ~, 2024-01-02]}\nc: *a\nd: |\n  x\n  y\n", "a: &a [*a]\n", "<<: {a: 1}\n", "? [a]\n: b\n", "--- !!map {a: !!binary aGk=}\n...\n---\n",
		"r:\n- t: x\n  e: 1\n- t: y\n  e: 2\n", "a: !foo bar\n'b': \"\\u0000\\t\"\n",
	} {
		f.Add(true, []byte(text))
	}
	f.Fuzz(func(t *testing.T, yaml bool, data []byte) {
		name := "x.json"
		if yaml {
			name = "x.yaml"
		}
		known, err := Parse(name, data)
		if (known == nil) != (err != nil) {
			t.Fatalf("facts %v with error %v", known, err)
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "sidecar "+name+": ") {
				t.Fatalf("%v does not name the file", err)
			}
			return
		}
		if len(known) > maxFacts {
			t.Fatalf("%d facts", len(known))
		}
		metadatatest.CheckClean(t, known, Prefix)
		for key, fact := range known {
			if len(fact.Values) > maxList {
				t.Fatalf("%s has %d values", key, len(fact.Values))
			}
		}
	})
}
