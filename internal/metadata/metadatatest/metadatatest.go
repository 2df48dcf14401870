// Package metadatatest holds facts against what package metadata promises of them. Only
// tests use it.
package metadatatest

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// Check fails unless facts are what package metadata promises.
func Check(t testing.TB, known metadata.Facts) {
	t.Helper()
	if len(known) > metadata.MaxFacts {
		t.Fatalf("%d facts", len(known))
	}
	for name, fact := range known {
		if metadata.Key(name) != name || metadata.Clean(name) != name || len(fact.Values) == 0 || len(fact.Values) > metadata.MaxValues || fact.Origin == "" {
			t.Fatalf("%q (Key %q): %d values, origin %q", name, metadata.Key(name), len(fact.Values), fact.Origin)
		}
		if !metadata.Filled(fact.Values) {
			t.Fatalf("%s is empty", name)
		}
		for _, v := range fact.Values {
			if len(v) > metadata.MaxValue || metadata.Lines(v) != v {
				t.Fatalf("%s = %.100q: long or not clean", name, v)
			}
		}
	}
}

// CheckClean fails unless facts keep what package metadata promises of them.
func CheckClean(t testing.TB, known metadata.Facts, prefix string) {
	t.Helper()
	for name, fact := range known {
		if !strings.HasPrefix(name, prefix) || name == prefix || name != metadata.Key(name) || len(name) > 2*metadata.MaxName /* lower case may be longer */ {
			t.Fatalf("name %q", name)
		}
		if !metadata.Filled(fact.Values) || fact.Origin == "" {
			t.Fatalf("%s: %+v, want values and an origin", name, fact)
		}
		for _, text := range append(slices.Clone(fact.Values), name, fact.Origin) {
			if !utf8.ValidString(text) || !norm.NFC.IsNormalString(text) || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
				t.Fatalf("%s: %q is not clean", name, text)
			}
		}
	}
}

// First returns the first value of a fact, "" where it is not known.
func First(known metadata.Facts, name string) string {
	if fact, ok := known[name]; ok {
		return fact.Values[0]
	}
	return ""
}

// RDF wraps properties in all that an XMP packet needs.
func RDF(properties string) string {
	return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">` + properties + `</rdf:Description></rdf:RDF></x:xmpmeta>`
}
