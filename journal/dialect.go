package journal

import (
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// The SQL of this package is written in what databases have in common. What only SQLite
// says, or says differently, stands in braces and is spelt out here:
//
//	{filed}            a status, by its name
//	IN {begun}         a list of statuses: queued, begun, or unfinished, which is both
//	{using an_index}   the index that a query is bound to: it fails rather than reads all
//	{unindexed}        that it reads all of a table in its order
//	{ids column}       the table of the ids that the JSON in a column names
//	IN {list ?1}       the values of an argument that list made
//	{files ?1}         the table of files that an argument of listFiles holds
//	{paths ?1}         the table of paths that an argument of listPaths holds
//	LIMIT ?1           is not looked at when the query is planned
//
// Arguments are ?, the next one, ?1, a certain one, or :name, a sql.Named one.

// inDialect spells out the braces of a text, once for each text and connection.
func inDialect(text string) string {
	text = usingIndex.ReplaceAllString(text, "INDEXED BY $1")
	text = listArgument.ReplaceAllString(text, "(SELECT value FROM json_each($1))")
	text = idsColumn.ReplaceAllString(text, "json_each(CASE WHEN json_valid($1) THEN $1 ELSE '{}' END, '$$.ids')")
	text = strings.ReplaceAll(text, "{unindexed}", "NOT INDEXED")
	text = filesArgument.ReplaceAllString(text, givenFiles)
	text = pathsArgument.ReplaceAllString(text, "(SELECT unhex(value) AS path FROM json_each($1))")
	text = limitArgument.ReplaceAllString(text, "LIMIT $1 + 0")
	return statusNames.Replace(text)
}

var (
	usingIndex    = regexp.MustCompile(`\{using (\w+)\}`)
	listArgument  = regexp.MustCompile(`\{list ([?:]\w*)\}`)
	filesArgument = regexp.MustCompile(`\{files ([?:]\w*)\}`)
	idsColumn     = regexp.MustCompile(`\{ids ([\w.]+)\}`)
	pathsArgument = regexp.MustCompile(`\{paths ([?:]\w*)\}`)

	// SQLite plans a query anew whenever an argument changes that it may look at: the
	// number of rows is one of these, a sum is not.
	limitArgument = regexp.MustCompile(`LIMIT ([?:]\w*)`)
)

const givenFiles = `(SELECT key, value ->> 0 AS folder, unhex(value ->> 1) AS path, value ->> 2 AS size, value ->> 3 AS mod_time,
	value ->> 4 AS change_time, value ->> 5 AS dev, value ->> 6 AS ino FROM json_each($1))`

// list is a slice as an argument for {list ?}, which lets one statement take any number
// of values.
func list[T any](values []T) string {
	if len(values) == 0 {
		return "[]"
	}
	b, err := json.Marshal(values)
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	return string(b)
}

// listFiles is files as an argument for {files ?}, whose key is the place of each.
func listFiles(files []file.File) string {
	batch := make([][7]any, len(files))
	for i, f := range files {
		batch[i] = [7]any{f.Folder, hex.EncodeToString([]byte(f.Path)), f.Size, f.ModTime, f.ChangeTime, int64(f.Dev), int64(f.Ino)}
	}
	return list(batch)
}

// listPaths is paths, which need not be UTF-8, as an argument for {paths ?}.
func listPaths(paths []string) string {
	coded := make([]string, len(paths))
	for i, p := range paths {
		coded[i] = hex.EncodeToString([]byte(p))
	}
	return list(coded)
}

// place is the argument that a placeholder stands for: the n-th, from 1, or a named one.
type place struct {
	n    int
	name string
}

// placeholder finds what stands for an argument, and before it what only looks like it.
var placeholder = regexp.MustCompile(`'[^']*'|"[^"]*"|--[^\n]*|\?(\d*)|:([a-z]\w*)`)

// placeholders returns a text whose placeholders are all alike, and what each stands for.
// The driver looks up each of the others by its name whenever the statement runs, which
// takes longer than to run it.
func placeholders(text string) (plain string, places []place) {
	last := 0
	plain = placeholder.ReplaceAllStringFunc(text, func(found string) string {
		switch {
		case found == "?":
			last++
			places = append(places, place{n: last})
		case found[0] == '?':
			n, _ := strconv.Atoi(found[1:]) // they are digits
			last = max(last, n)
			places = append(places, place{n: n})
		case found[0] == ':':
			places = append(places, place{name: found[1:]})
		default:
			return found
		}
		return "?"
	})
	return plain, places
}

// inOrder reports that the places are those of the arguments one after the other.
func inOrder(places []place) bool {
	for i, p := range places {
		if p.n != i+1 {
			return false
		}
	}
	return true
}

// inPlace returns the arguments in the order of the places.
func inPlace(places []place, args []any) ([]any, error) {
	if len(places) == len(args) && inOrder(places) {
		return args, nil
	}
	out := make([]any, len(places))
	for i, p := range places {
		switch {
		case p.name != "":
			at := slices.IndexFunc(args, func(a any) bool { named, ok := a.(sql.NamedArg); return ok && named.Name == p.name })
			if at < 0 {
				return nil, fmt.Errorf("the argument %s is missing", p.name)
			}
			out[i] = args[at].(sql.NamedArg).Value
		case p.n > len(args):
			return nil, fmt.Errorf("argument %d of %d is missing", p.n, len(args))
		default:
			out[i] = args[p.n-1]
		}
	}
	return out, nil
}

// statusNames spells out statuses, so that none is typed twice.
var statusNames = func() *strings.Replacer {
	sets := map[string][]string{}
	for s := range moves {
		sets[string(s)] = []string{string(s)}
		switch {
		case s.Active():
			sets["begun"] = append(sets["begun"], string(s))
		case s.Runnable():
			sets["queued"] = append(sets["queued"], string(s))
		}
	}
	sets["unfinished"] = slices.Concat(sets["queued"], sets["begun"])
	var pairs []string
	for name, set := range sets {
		slices.Sort(set)
		text := "'" + strings.Join(set, "', '") + "'"
		if len(set) > 1 {
			text = "(" + text + ")"
		}
		pairs = append(pairs, "{"+name+"}", text)
	}
	return strings.NewReplacer(pairs...)
}()
