package facts

import (
	"fmt"
	"slices"
	"strings"
)

// value is what an XMP property, an item or a field holds: a text, an array or a
// structure. Texts are clean.
type value struct {
	text   string
	lang   string // xml:lang, in lower case
	items  []value
	alt    bool // the items are alternatives
	fields []field
}

type field struct {
	space, local string
	value        value
}

// structured tells whether structures are in the value.
func (v value) structured() bool {
	return len(v.fields) > 0 || slices.ContainsFunc(v.items, value.structured)
}

// languages tells whether the items are one text in several languages.
func (v value) languages() bool {
	return v.alt && slices.ContainsFunc(v.items, func(item value) bool { return item.lang != "" })
}

// emitter gives the facts of one property.
type emitter struct {
	*collector
	origin string
	langs  []string
}

func (e emitter) emit(name string, v value) {
	switch {
	case len(name) > maxName:
		e.add(name, e.origin) // says so; what is below has longer names yet
	case len(v.fields) > 0:
		for _, f := range byRank(v.fields) {
			e.emit(name+"."+f.local, f.value)
		}
	case v.languages():
		e.add(name, e.origin, preferred(v.items, e.langs))
		for _, item := range v.items {
			if item.lang != "" {
				e.add(name+"["+item.lang+"]", e.origin, item.text)
			}
		}
	case v.structured():
		for i, item := range v.items {
			e.emit(fmt.Sprintf("%s[%d]", name, i+1), item)
		}
		e.emitColumns(name, v.items)
	case len(v.items) > 0:
		texts := make([]string, 0, len(v.items))
		for _, item := range v.items {
			texts = append(texts, e.single(item))
		}
		e.add(name, e.origin, texts...)
	default:
		e.add(name, e.origin, v.text)
	}
}

// emitColumns gives a list for each field that has one text in every structure.
func (e emitter) emitColumns(name string, rows []value) {
	columns := map[string][]string{} // by local name
	for i, row := range rows {
		for _, f := range byRank(row.fields) {
			text := e.single(f.value)
			if column := columns[f.local]; text != "" && len(column) == i {
				columns[f.local] = append(column, text)
			}
		}
	}
	for _, f := range byRank(rows[0].fields) {
		if column := columns[f.local]; len(column) == len(rows) {
			e.add(name+"."+f.local, e.origin, column...)
		}
	}
}

// single returns the one text of a value, "" where it has none or several.
func (e emitter) single(v value) string {
	switch {
	case v.languages():
		return preferred(v.items, e.langs)
	case len(v.items) == 1:
		return e.single(v.items[0])
	}
	return v.text
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
func preferred(items []value, langs []string) string {
	find := func(match func(lang string) bool) string {
		for _, item := range items {
			if item.text != "" && match(item.lang) {
				return item.text
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
