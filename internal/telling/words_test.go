package telling

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/notes"
	"github.com/tenovos-ingest/ingestd/journal"
)

var update = flag.Bool("update", false, "write the golden files anew")

// entry is a file that rests.
func entry(status journal.Status, r journal.Reason) journal.Entry {
	e := journal.Entry{ID: 12, Status: status, Reason: r}
	e.Folder, e.Path, e.Size = "campaigns", "acme/spring/a.jpg", 6<<30
	return e
}

// cases are one entry of each kind that a person may have to be told of, and of some
// kinds several.
func cases() []journal.Entry {
	var all []journal.Entry
	for _, c := range []struct{ class, message, hint string }{
		{"metadata", `Brand: vocabulary "Brands" has no value "acmee"`, `did you mean "Acme"?`},
		{"metadata", `Brand: vocabulary "Brands" has no value "hooli"`, `use one of "Acme", "Globex"`},
		{"metadata", "Brand: no source gives a required value", "looked in path.brand; a default would fill the gap"},
		{"metadata", `Shot Date: "31st of May" is no date; Title: attribute "Title" holds 100 characters, not 120; Keywords: vocabulary "Words" has no value "a; b"; Owner: attribute "Owner" holds one value, not 2`, ""},
		{"metadata", `manifest: manifest manifest.csv, line 3, and manifest metadata.csv, line 4, are both for "a.jpg" and contradict each other: its brand is "A" and "B"; remove the wrong one`, "Correct the manifest: the file goes round again by itself."},
		{"metadata", `manifest: spring/manifest.csv cannot be read: line 2 has a quote that never ends`, "Correct the manifest: the file goes round again by itself."},
		{"metadata", `security: no source gives a required value`, ""},
		{"metadata", `Usage Rights: row 1: its cells have different numbers of values: Territory 2, Expires 3`, ""},
		{"duplicate", "duplicate of campaigns/acme/b.jpg: the same content is in Tenovos already (entry 3, asset 4711)", "Set duplicates: upload"},
		{"something new", "open /srv/drop/acme/a.jpg: i/o error", ""},
	} {
		all = append(all, entry(journal.Held, journal.Reason{Class: c.class, Message: c.message, Hint: c.hint}))
	}
	for _, class := range []string{"empty", "namesakes", "withdrawn", "unverified", "twins", "expired", "foreign-url"} {
		all = append(all, entry(journal.Held, journal.Reason{Class: class}))
	}
	for _, class := range []string{"too-large", "unreadable", "rejected", "mismatch"} {
		all = append(all, entry(journal.Failed, journal.Reason{Class: class}))
	}
	moved := entry(journal.Failed, journal.Reason{Class: "too-large"})
	moved.Aside, moved.MovedTo = "acme/spring/.ingestd-12", "_failed/acme/spring/a.jpg"
	refused := moved
	refused.Reason.Class, refused.Path = "rejected", "a\u202egpj.exe"
	return append(all, moved, refused)
}

// What people read is in testdata/notes.txt.
func TestWords(t *testing.T) {
	t.Parallel()
	w := Words{Folder: "campaigns", Contact: "Anna, dam@acme.com, ext. 12\nin the office until six", Limit: 5 << 30}
	var b strings.Builder
	for _, e := range cases() {
		kind, text := w.Note(e)
		fmt.Fprintf(&b, "==== a.jpg%s: %s: %s\n%s\n", kind, e.Reason.Class, e.Reason.Message, strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"))
		if m, ok := notes.Read(text); !ok || !m.Intact || m.Entry != 12 {
			t.Errorf("the note is not known again: %+v\n%s", m, text)
		}
	}
	if *update {
		if err := os.WriteFile("testdata/notes.txt", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/notes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the words differ (-want +got; -update writes them):\n%s", diff)
	}
}

// jargon is what the person who dropped a file does not know, or need not.
var jargon = regexp.MustCompile(`(?i)\b(journal|attempts?|API|URLs?|HTTP|5xx|[45][0-9][0-9]|vocabular\w+|attribute|manifest|cascade|metadata|checksum|ETag|presigned|config\w*|retry|reload|daemon|/srv|/var)\b|` + "`")

func TestWordsHaveNoJargon(t *testing.T) {
	t.Parallel()
	w := Words{Folder: "campaigns", Contact: "Anna", Limit: 5 << 30}
	classes := classesOfReasons(t)
	if len(classes) < 35 {
		t.Fatalf("only %d classes were found", len(classes))
	}
	for _, status := range []journal.Status{journal.Held, journal.Failed} {
		for _, class := range classes {
			_, text := w.Note(entry(status, journal.Reason{Class: class, Message: "PUT https://x: 503 /srv/drop", Hint: "`ingestd retry ID`"}))
			words, _, _ := strings.Cut(text, "(For whoever runs ingestd")
			if class == "metadata" { // a problem in words that are not known is told as it stands
				continue
			}
			if found := jargon.FindString(words); found != "" {
				t.Errorf("%s, %s: the note says %q:\n%s", status, class, found, words)
			}
			if !strings.Contains(words, "Who to ask: Anna") {
				t.Errorf("%s, %s: the note does not say who to ask", status, class)
			}
		}
	}
}

// neverTold are the classes of reasons with which no file is held, or has failed.
var neverTold = map[string]bool{
	"no-rule": true, "waiting": true, "gone": true, "changed": true, "unconfirmed": true, "adopted": true, "backup": true, "cancelled": true,
	"batch": true, // it waits
}

// Each class of reasons has words of its own, so that a new one is not forgotten.
func TestEachClassHasWords(t *testing.T) {
	t.Parallel()
	unknown := Words{}.saying(entry(journal.Held, journal.Reason{Class: "unheard of"}))
	for _, class := range classesOfReasons(t) {
		got := Words{}.saying(entry(journal.Held, journal.Reason{Class: class}))
		if same := cmp.Equal(got.what, unknown.what); same != neverTold[class] {
			t.Errorf("%s has words of its own: %t, and may be told: %t", class, !same, !neverTold[class])
		}
	}
}

// ofJournal are the classes of files that the journal has; its others are of events.
var ofJournal = regexp.MustCompile(`^Class(NoRule|Metadata|Unreadable|Mismatch|Duplicate|Unverified|Filing|Batch)$`)

// classesOfReasons are the constants Class... of the rooms that have them.
func classesOfReasons(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, dir := range []string{"../reasons", "../../journal"} {
		packages, err := parser.ParseDir(token.NewFileSet(), dir, nil, 0) //nolint:staticcheck // names alone are asked for
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packages {
			ast.Inspect(p, func(n ast.Node) bool {
				spec, ok := n.(*ast.ValueSpec)
				if !ok || !strings.HasPrefix(spec.Names[0].Name, "Class") || len(spec.Values) != 1 || dir != "../reasons" && !ofJournal.MatchString(spec.Names[0].Name) {
					return true
				}
				if text, ok := spec.Values[0].(*ast.BasicLit); ok {
					class, err := strconv.Unquote(text.Value)
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, class)
				}
				return true
			})
		}
	}
	return all
}
