package sidecar

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tenovos-ingest/ingestd/internal/charset"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// Prefix stands before the name of a key of a sidecar.
const Prefix = "sidecar."

// The limits of a sidecar. What lies beyond one is an error that says so.
const (
	MaxSize  = 8 << 20 // bytes
	maxYAML  = 1 << 20 // bytes; its parser takes a hundred times as much memory
	maxFacts = 5_000
	maxList  = 1_000    // values of one fact
	maxLists = 100_000  // values of all lists of elements that have gaps
	maxText  = 64 << 10 // bytes of one value
	maxNodes = 100_000  // values, counted as often as aliases repeat them
	maxDepth = 64
)

// Parse reads the facts that a file beside another tells of it, JSON or
// YAML by the extension of its name (.json, .yaml, .yml). The name is for
// messages and origins. data may be UTF-8 or UTF-16.
//
// The sidecar is an object. A key's value is known as sidecar.KEY in the form of
// [Key], and the keys of nested objects are joined by dots: sidecar.rights.owner.
// An array of plain values is a fact with several values. The elements of any
// other array are numbered from 1: sidecar.rights[1].territory; and where no element
// has several values for a name, sidecar.rights.territory lists them, so that the
// values of such lists belong together by their position. Numbers and dates stay as
// they are written; null and "" are no fact, but keep their place in a list.
//
// It is all or nothing: an error, which names the line where it can, comes without
// facts.
func Parse(name string, data []byte) (metadata.Facts, error) {
	name = metadata.Clean(name)
	known, err := parse(name, data)
	if err != nil {
		return nil, fmt.Errorf("sidecar %s: %w", name, err)
	}
	return known, nil
}

func parse(name string, data []byte) (metadata.Facts, error) {
	parse, limit := parseYAML, maxYAML
	switch ext := strings.ToLower(path.Ext(name)); ext {
	case ".json":
		parse, limit = parseJSON, MaxSize
	case ".yaml", ".yml":
	default:
		return nil, fmt.Errorf("the extension %q is none of .json, .yaml and .yml", ext)
	}
	if len(data) > limit {
		return nil, fmt.Errorf("it is larger than %d MiB", limit>>20)
	}
	data, err := textOf(data)
	if err != nil {
		return nil, err
	}
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	if root.kind != isObject {
		return nil, root.errorf("the sidecar is %s; it must be an object, that is names with values", root.kind)
	}
	return factsOf(root, name)
}

// textOf returns data as UTF-8 without a byte order mark.
func textOf(data []byte) ([]byte, error) {
	text, _, err := charset.NewReader(bufio.NewReader(bytes.NewReader(data)), nil)
	if err != nil {
		return nil, err
	}
	if data, err = io.ReadAll(text); err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("it is empty")
	}
	if at := invalidUTF8(data); at >= 0 {
		return nil, fmt.Errorf("line %d is not UTF-8; save the sidecar as UTF-8", 1+bytes.Count(data[:at], []byte("\n")))
	}
	return data, nil
}

// invalidUTF8 returns where data ceases to be UTF-8, or -1.
func invalidUTF8(data []byte) int {
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
	return -1
}

// kind is what a node of a sidecar is.
type kind uint8

const (
	isNull kind = iota
	isScalar
	isObject
	isArray
)

// String returns the kind as a sentence calls it.
func (k kind) String() string {
	return [...]string{"null", "a plain value", "an object", "an array"}[k]
}

// tree is a value of a sidecar with all that it holds, of either format.
type tree struct {
	kind         kind
	text         string // of a scalar
	keys         []string
	values       []tree // of an object, beside its keys, or an array
	line, column int    // where it begins, or its key where it has one; from 1
}

func (n tree) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d, column %d: %w", n.line, n.column, fmt.Errorf(format, args...))
}

// budget bounds the nodes of a sidecar and how deep they lie.
type budget struct{ nodes, depth int }

// enter counts a node; leave must follow once its values are read.
func (b *budget) enter(n tree) error {
	b.nodes++
	b.depth++
	if b.nodes > maxNodes {
		return n.errorf("there are more than %d values", maxNodes)
	}
	if b.depth > maxDepth {
		return n.errorf("values are nested deeper than %d", maxDepth)
	}
	return nil
}

func (b *budget) leave() { b.depth-- }

// fact is a fact on its way into Facts.
type fact struct {
	name   string
	values []string
	at     tree
}

// flattener turns nodes into facts.
type flattener struct{ facts, listed int }

func factsOf(root tree, name string) (metadata.Facts, error) {
	var f flattener
	found, err := f.object("", root)
	if err != nil {
		return nil, err
	}
	known := make(metadata.Facts, len(found))
	at := make(map[string]tree, len(found))
	for _, fact := range found {
		key := metadata.Key(Prefix + fact.name)
		if first, twice := at[key]; twice {
			return nil, fact.at.errorf("%q is given twice, first in line %d", metadata.Excerpt(fact.name), first.line)
		}
		at[key] = fact.at
		known[key] = metadata.Fact{Values: fact.values, Origin: "sidecar " + name}
	}
	return known, nil
}

// add returns a fact, within the limits.
func (f *flattener) add(name string, at tree, values ...string) ([]fact, error) {
	if !metadata.Filled(values) {
		return nil, nil
	}
	if f.facts++; f.facts > maxFacts {
		return nil, at.errorf("the sidecar has more than %d facts", maxFacts)
	}
	if len(values) > maxList {
		return nil, at.errorf("%q has more than %d values", metadata.Excerpt(name), maxList)
	}
	for _, text := range values {
		if len(text) > maxText {
			return nil, at.errorf("%q has a value of more than %d bytes", metadata.Excerpt(name), maxText)
		}
	}
	return []fact{{name, values, at}}, nil
}

func (f *flattener) walk(name string, n tree) ([]fact, error) {
	if len(name)+len(Prefix) > metadata.MaxName {
		return nil, n.errorf("the name %q is longer than %d bytes", metadata.Excerpt(name), metadata.MaxName)
	}
	switch n.kind {
	case isScalar:
		return f.add(name, n, metadata.Lines(n.text))
	case isObject:
		return f.object(name+".", n)
	case isArray:
		if !n.plain() {
			return f.array(name, n)
		}
		var values []string
		for _, element := range n.values {
			values = append(values, metadata.Lines(element.text))
		}
		return f.add(name, n, values...)
	}
	return nil, nil
}

// plain says whether an array holds nothing but scalars.
func (n tree) plain() bool {
	for _, element := range n.values {
		if element.kind == isObject || element.kind == isArray {
			return false
		}
	}
	return true
}

func (f *flattener) object(prefix string, n tree) ([]fact, error) {
	var found []fact
	at := make(map[string]tree, len(n.keys))
	for i, value := range n.values {
		key := metadata.OneLine(n.keys[i])
		if key == "" {
			return nil, value.errorf("a value has no name")
		}
		if first, twice := at[metadata.Key(key)]; twice {
			return nil, value.errorf("%q is given twice, first in line %d", metadata.Excerpt(key), first.line)
		}
		at[metadata.Key(key)] = value
		inner, err := f.walk(prefix+key, value)
		if err != nil {
			return nil, err
		}
		found = append(found, inner...)
	}
	return found, nil
}

// array returns the facts of the elements, and then those that list one value of
// each.
func (f *flattener) array(name string, n tree) ([]fact, error) {
	var found []fact
	var ends metadata.Columns // by the end of the name, behind the number
	for i, element := range n.values {
		prefix := name + "[" + strconv.Itoa(i+1) + "]"
		inner, err := f.walk(prefix, element)
		if err != nil {
			return nil, err
		}
		for _, fact := range inner {
			ends.Set(i, fact.name[len(prefix):], fact.values...)
		}
		found = append(found, inner...)
	}
	for _, end := range ends.All {
		if end.Several {
			continue
		}
		list, err := f.list(name+end.Name, n, end)
		if err != nil {
			return nil, err
		}
		found = append(found, list...)
	}
	return found, nil
}

// list returns the fact that lists what the elements of an array have under a name.
// A long list with gaps is left out: the values are known by their numbers.
func (f *flattener) list(name string, n tree, end *metadata.Column) ([]fact, error) {
	size := len(n.values)
	if len(end.Rows) < size {
		if size > maxList || f.listed+size > maxLists {
			return nil, nil
		}
		f.listed += size
	}
	return f.add(name, n, end.List(size)...)
}
