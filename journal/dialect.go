package journal

import (
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
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
func listFiles(files []Found) string {
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
