package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// What Explained.Source says where no fact gave the value.
const (
	SourceConstant = "constant"
	SourceDefault  = "default"
)

// outcome is what a form yields for one file.
type outcome struct {
	texts  []string // none is empty
	spots  []string // the texts with "" where one came to nothing, but for the last
	width  int      // how many spots there were, with those at the end
	pieces bool     // several texts were split
	source string   // the fact or format that gave them, "constant" or "default"; "" when there are none
	origin string   // where that fact came from
	tried  []string // the sources before it that gave nothing
	passed []string // the sources after it that hold something, each with it
	lost   []string // what sources hold in a form that is of no use, in words
}

// fixed is the outcome of constants.
func fixed(names []Name, source string) outcome {
	all := texts(names)
	return outcome{texts: all, spots: all, width: len(all), source: source}
}

// eval works the form through for one file.
func (f *Form) eval(known metadata.Facts) outcome {
	if f.constants != nil {
		return fixed(f.constants, SourceConstant)
	}
	var out outcome
	for _, l := range f.layers {
		found, origin := l.texts(known)
		spots := f.refine(found)
		kept := filledSpots(spots)
		if len(found) == 0 {
			out.lost = append(out.lost, l.scattered(known)...)
		}
		switch {
		case len(kept) == 0 && out.source == "":
			out.tried = append(out.tried, l.name)
		case len(kept) == 0:
		case out.source == "":
			out.texts, out.width = kept, len(spots)
			out.spots = spots[:lastFilled(spots)+1]
			out.pieces = f.split != "" && len(filledSpots(found)) > 1
			out.source, out.origin = l.name, origin
		default:
			out.passed = append(out.passed, l.name+": "+shorten(oneLine(strings.Join(kept, ", "))))
		}
	}
	if out.source == "" && f.fallback != nil {
		tried, lost := out.tried, out.lost
		out = fixed(f.fallback, SourceDefault)
		out.tried, out.lost = tried, lost
	}
	return out
}

// filledSpots returns the texts that are not empty.
func filledSpots(spots []string) []string {
	var kept []string
	for _, text := range spots {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}

// lastFilled returns where the last text stands that is not empty, or -1.
func lastFilled(spots []string) int {
	for i, text := range slices.Backward(spots) {
		if text != "" {
			return i
		}
	}
	return -1
}

// maxPassed bounds the characters that explain shows of a value that is not used.
const maxPassed = 60

func shorten(text string) string {
	if runes := []rune(text); len(runes) > maxPassed {
		return string(runes[:maxPassed]) + "…"
	}
	return text
}

// texts returns what the layer finds among the facts. A format with a gap yields
// nothing: half a name is worse than none.
func (l layer) texts(known metadata.Facts) (found []string, origin string) {
	if len(l.pieces) == 1 {
		fact := known[l.pieces[0].fact]
		return fact.Values, fact.Origin
	}
	var b strings.Builder
	for _, p := range l.pieces {
		if p.fact == "" {
			b.WriteString(p.literal)
			continue
		}
		fact, ok := known[p.fact]
		if !ok {
			return nil, ""
		}
		b.WriteString(strings.Join(filledSpots(fact.Values), ", "))
	}
	return []string{b.String()}, "the format"
}

// elementNumber is what stands behind the name of a list in the name of an element.
var elementNumber = regexp.MustCompile(`\[[0-9]+\]`)

// scattered says that the layer's fact is not known because it would be a list of
// lists: some element has several values for it. There is at most one text.
func (l layer) scattered(known metadata.Facts) []string {
	if len(l.pieces) != 1 {
		return nil
	}
	name, first := l.pieces[0].fact, ""
	for key := range known {
		if strings.Contains(key, "[") && (first == "" || key < first) && elementNumber.ReplaceAllString(key, "") == name {
			first = key
		}
	}
	if first == "" {
		return nil
	}
	return []string{fmt.Sprintf("%s, which is known by its elements only, such as %s", l.name, first)}
}

// refine applies match, split, map and case to the texts of one source. A text
// that comes to nothing leaves "" in its place.
func (f *Form) refine(found []string) []string {
	var out []string
	for _, text := range found {
		if f.match != nil {
			text = firstGroup(f.match, oneLine(text))
		}
		pieces := []string{text}
		if f.split != "" {
			pieces = strings.Split(text, f.split)
		}
		for _, piece := range pieces {
			piece = norm.NFC.String(strings.TrimSpace(piece))
			if piece != "" && f.mapping != nil {
				if to, ok := f.mapping.find(oneLine(piece)); ok {
					piece = to
				}
			}
			out = append(out, f.recase(piece))
		}
	}
	return out
}

// oneLine returns a text with its lines in one.
func oneLine(text string) string {
	if !strings.Contains(text, "\n") {
		return text
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

// firstGroup returns what the first group matches, or the whole expression where
// it has no group.
func firstGroup(re *regexp.Regexp, text string) string {
	groups := re.FindStringSubmatch(text)
	if groups == nil {
		return ""
	}
	return groups[min(1, len(groups)-1)]
}

// recase applies the form's case.
func (f *Form) recase(text string) string {
	switch f.letters {
	case "lower":
		return strings.ToLower(text)
	case "upper":
		return strings.ToUpper(text)
	case "title":
		return cases.Title(language.Und).String(text)
	}
	return text
}

func texts(names []Name) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n.Text
	}
	return out
}
