package telling

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/journal"
)

// What is wrong with the metadata of a file is said in the journal for operators, who know
// rules, sources and vocabularies. The person who dropped the file knows folders and names.
// A problem that is not among the known ones is told as it stands: it names the attribute
// and the value, which is more than nothing.

const quoted = `"(?:[^"\\]|\\.)*"`

var (
	noValue     = regexp.MustCompile(`^(.+?): vocabulary ` + quoted + ` has no value (` + quoted + `)$`)
	noLevel     = regexp.MustCompile(`^(.+?): no level of cascade ` + quoted + ` has a value (` + quoted + `)$`)
	noSource    = regexp.MustCompile(`^(.+?): no source gives a required value$`)
	noDate      = regexp.MustCompile(`^(.+?): (` + quoted + `) is (?:no date|a date without a day)`)
	tooLong     = regexp.MustCompile(`^(.+?): attribute ` + quoted + ` holds ([0-9]+) characters, not ([0-9]+)$`)
	tooMany     = regexp.MustCompile(`^(.+?): attribute ` + quoted + ` holds one value, not ([0-9]+)$`)
	ofManifest  = regexp.MustCompile(`^manifest: (.+)$`)
	listName    = regexp.MustCompile(`\bmanifest ([^ ])`)
	noRights    = regexp.MustCompile(`^security: `)
	labelled    = regexp.MustCompile(`^[^":]+: `)
	known       = regexp.MustCompile(`^use one of (` + quoted + `(?:, ` + quoted + `)*)$`)
	suggestions = regexp.MustCompile(`did you mean (` + quoted + `(?:(?:, | or )` + quoted + `)*)\?`)
)

// What helps against each kind of problem.
const (
	rightPlace  = "Is the file in the right folder, and is the name of that folder spelt right? Move the file, or rename the folder."
	rightFile   = "Does the name come from a list or a small file that was put beside the files (.csv, .xmp, .json)? Correct it there, and save it."
	newName     = "Is the name right, and new? Ask the person named below to add it to Tenovos."
	addFolder   = "Move the file into the folder of what it belongs to."
	addBeside   = "Or add what is missing to the list or the small file that goes with the files (.csv, .xmp, .json), or to the information in the file itself, and save it."
	correctText = "Correct it where it was written: in the list or the small file that goes with the files (.csv, .xmp, .json), or in the file itself."
	correctList = "Correct the list, and save it."
)

// ofMetadata is what is said of metadata that cannot be sent.
func ofMetadata(r journal.Reason) (s saying) {
	add := func(what string, ways ...string) {
		s.what = append(s.what, what)
		for _, way := range ways {
			if !slices.Contains(s.do, way) {
				s.do = append(s.do, way)
			}
		}
	}
	problems := split(r.Message)
	for _, p := range problems {
		switch {
		case noRights.MatchString(p): // of the rules, or of the account
			add("It is not settled who may see this file in Tenovos.", rightPlace, "If it is, ask the person named below.")
		case noValue.MatchString(p), noLevel.MatchString(p):
			m := noValue.FindStringSubmatch(p)
			if m == nil {
				m = noLevel.FindStringSubmatch(p)
			}
			what := fmt.Sprintf("Tenovos does not know the name %s for %q.", m[2], m[1])
			if meant := suggestions.FindStringSubmatch(r.Hint); meant != nil && len(problems) == 1 {
				what += " Did you mean " + meant[1] + "?"
			} else if names := known.FindStringSubmatch(r.Hint); names != nil && len(problems) == 1 {
				what += " It knows " + names[1] + "."
			}
			add(what, rightPlace, rightFile, newName)
		case noSource.MatchString(p):
			add(fmt.Sprintf("%q is not known of this file, and Tenovos wants to know it of every file.", noSource.FindStringSubmatch(p)[1]), addFolder, addBeside)
		case noDate.MatchString(p):
			m := noDate.FindStringSubmatch(p)
			add(fmt.Sprintf("For %q it says %s, which is not a date. Write dates as 2026-11-30.", m[1], m[2]), correctText)
		case tooLong.MatchString(p):
			m := tooLong.FindStringSubmatch(p)
			add(fmt.Sprintf("The text for %q is too long: it has %s characters, and %s are the most.", m[1], m[3], m[2]), correctText)
		case tooMany.MatchString(p):
			m := tooMany.FindStringSubmatch(p)
			add(fmt.Sprintf("%q can hold one thing, and %s are given.", m[1], m[2]), correctText)
		case ofManifest.MatchString(p):
			add("The list that goes with the files: "+sentence(listName.ReplaceAllString(ofManifest.FindStringSubmatch(p)[1], "$1")), correctList)
		default:
			add(sentence(p), correctText, "If you do not know where that comes from, ask the person named below.")
		}
	}
	return s
}

// split takes the problems of a reason apart.
func split(message string) []string {
	var out []string
	from, inQuotes := 0, false
	add := func(p string) {
		if len(out) > 0 && !labelled.MatchString(p) { // the rest of the problem before
			out[len(out)-1] += "; " + p
			return
		}
		out = append(out, p)
	}
	for i := 0; i < len(message); i++ {
		switch {
		case inQuotes && message[i] == '\\':
			i++
		case message[i] == '"':
			inQuotes = !inQuotes
		case !inQuotes && strings.HasPrefix(message[i:], "; "):
			add(message[from:i])
			from = i + 2
		}
	}
	add(message[from:])
	return out
}

func sentence(text string) string { return strings.TrimSuffix(text, ".") + "." }
