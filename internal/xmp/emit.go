package xmp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// Value is what an XMP property, an item or a field holds: a text, an array or a
// structure. Texts are clean.
type Value struct {
	Text   string
	Lang   string // xml:lang, in lower case
	Items  []Value
	Alt    bool // the items are alternatives
	fields []field
}

type field struct {
	space, local string
	value        Value
}

// structured tells whether structures are in the value.
func (v Value) structured() bool {
	return len(v.fields) > 0 || slices.ContainsFunc(v.Items, Value.structured)
}

// languages tells whether the items are one text in several languages.
func (v Value) languages() bool {
	return v.Alt && slices.ContainsFunc(v.Items, func(item Value) bool { return item.Lang != "" })
}

// emitter gives the facts of one property.
type emitter struct {
	*metadata.Bounded
	origin string
	langs  []string
}

func (e emitter) emit(name string, v Value) {
	switch {
	case len(name) > metadata.MaxName:
		e.Add(name, e.origin) // says so; what is below has longer names yet
	case len(v.fields) > 0:
		for _, f := range byRank(v.fields) {
			e.emit(name+"."+f.local, f.value)
		}
	case v.languages():
		e.Add(name, e.origin, preferred(v.Items, e.langs))
		for _, item := range v.Items {
			if item.Lang != "" {
				e.Add(name+"["+item.Lang+"]", e.origin, item.Text)
			}
		}
	case v.structured():
		for i, item := range v.Items {
			e.emit(fmt.Sprintf("%s[%d]", name, i+1), item)
		}
		e.emitColumns(name, v.Items)
	default:
		e.Add(name, e.origin, e.texts(v)...)
	}
}

// emitColumns gives a list for each field that no structure has several texts for.
func (e emitter) emitColumns(name string, rows []Value) {
	var fields metadata.Columns
	for i, row := range rows {
		for _, f := range byRank(row.fields) {
			if len(f.value.fields) == 0 {
				fields.Set(i, f.local, e.texts(f.value)...)
			}
		}
	}
	for _, col := range fields.All {
		if full := name + "." + col.Name; !col.Several && len(col.Rows) > 0 && e.Room(full, len(rows)) {
			e.Add(full, e.origin, col.List(len(rows))...)
		}
	}
}

// texts returns the texts of a value that is no structure, one for each item.
func (e emitter) texts(v Value) []string {
	switch {
	case v.languages():
		return []string{preferred(v.Items, e.langs)}
	case len(v.Items) == 0:
		return []string{v.Text}
	}
	texts := make([]string, 0, len(v.Items))
	for _, item := range v.Items {
		text := ""
		if inner := e.texts(item); len(inner) == 1 {
			text = inner[0]
		}
		texts = append(texts, text)
	}
	return texts
}

// byRank sorts fields so that, of two with one local name, the one whose
// namespace comes first in the order of namespaces is met first.
func byRank(fields []field) []field {
	byRank := func(a, b field) int { return rank(a.space) - rank(b.space) }
	if slices.IsSortedFunc(fields, byRank) {
		return fields
	}
	sorted := slices.Clone(fields)
	slices.SortStableFunc(sorted, byRank)
	return sorted
}

// preferred returns the text in the language that is wanted most.
func preferred(items []Value, langs []string) string {
	find := func(match func(lang string) bool) string {
		for _, item := range items {
			if item.Text != "" && match(item.Lang) {
				return item.Text
			}
		}
		return ""
	}
	for _, lang := range append(slices.Clone(langs), "x-default") {
		lang = strings.ToLower(lang)
		if text := find(func(have string) bool { return have == lang }); text != "" {
			return text
		}
		if text := find(func(have string) bool { return lang != "x-default" && primary(have) == primary(lang) }); text != "" {
			return text
		}
	}
	return find(func(string) bool { return true })
}

// primary returns the language of a tag like "de-ch".
func primary(tag string) string {
	tag, _, _ = strings.Cut(tag, "-")
	return tag
}

// EmitValue adds a text, or a text in several languages, as a fact.
func EmitValue(c *metadata.Bounded, name, origin string, langs []string, v Value) {
	emitter{Bounded: c, origin: origin, langs: langs}.emit(name, v)
}
