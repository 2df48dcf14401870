package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// entry is one value that a line gives; without ok it is a gap.
type entry struct {
	value tenovos.Value
	shown string
	ok    bool
}

// answer is what a line gives for one file.
type answer struct {
	entries   []entry // at most one, unless the line spreads
	spread    bool    // each entry is of a row
	width     int     // of the outcome
	explained Explained
	faults    []Fault
}

// value returns the first value.
func (a *answer) value() (tenovos.Value, bool) {
	for _, e := range a.entries {
		if e.ok {
			return e.value, true
		}
	}
	return tenovos.Value{}, false
}

// maxTold bounds what is said of one line: a list from a file's metadata may be
// long, and wrong from end to end.
const maxTold = 20

// shorten bounds what the answer says.
func (a *answer) shorten() {
	if n := len(a.faults); n > maxTold {
		rest := fmt.Sprintf("and %d more", n-maxTold)
		fails := slices.ContainsFunc(a.faults, func(f Fault) bool { return f.Fail })
		a.faults = append(a.faults[:maxTold], Fault{Attribute: a.explained.Attribute, Message: rest, Fail: fails})
	}
	if n := len(a.explained.Dropped); n > maxTold {
		a.explained.Dropped = append(a.explained.Dropped[:maxTold], fmt.Sprintf("and %d more", n-maxTold))
	}
}

func (a *answer) fault(attribute string, fails bool, bad ...issue) {
	for _, i := range bad {
		a.faults = append(a.faults, Fault{Attribute: attribute, Message: i.message, Hint: i.hint, Fail: fails})
	}
}

// spreads says whether several texts are several values, of a row each: in a cell
// whose column holds one.
func (f *fill) spreads() bool {
	return f.cell && (f.kind == tenovos.Text || f.kind == tenovos.Date || f.kind == tenovos.Single)
}

// answer works the line through for one file. Where all that a source gave is
// dropped, the default fills in.
func (f *fill) answer(known metadata.Facts) answer {
	found := f.form.eval(known)
	out := f.take(found)
	if _, ok := out.value(); ok || len(out.faults) > 0 {
		return out
	}
	dropped := out.explained.Dropped
	if len(dropped) > 0 && f.form.fallback != nil {
		again := fixed(f.form.fallback, SourceDefault)
		again.tried, again.passed = append(slices.Clone(found.tried), found.source), found.passed
		out = f.take(again)
		out.explained.Dropped = dropped
		return out
	}
	if f.form.required || f.Required && !f.cell { // a row that is left out needs no column
		out.fault(f.Name, false, missing(found.tried, dropped))
	}
	return out
}

// take makes values of what the form yields.
func (f *fill) take(found outcome) answer {
	out := answer{spread: f.spreads(), width: found.width, explained: explain(f.Name, found)}
	layouts := f.form.layouts()
	if found.source == SourceConstant || found.source == SourceDefault {
		layouts = nil // `date` is how the source writes them
	}
	switch {
	case len(found.texts) == 0:
	case f.spreads():
		for _, text := range found.spots {
			f.put(&out, filledSpots([]string{text}), layouts)
		}
	case f.kind == tenovos.Cascade && found.pieces:
		out.fault(f.Name, false, issue{fmt.Sprintf("%s gives several values, and cascade %q holds one", found.source, f.Name), ""})
	case f.kind == tenovos.Cascade:
		f.put(&out, found.spots, layouts)
	default:
		f.put(&out, found.texts, layouts)
	}
	var shown []string
	for _, e := range out.entries {
		if e.shown != "" {
			shown = append(shown, e.shown)
		}
	}
	out.explained.Value = strings.Join(shown, ", ")
	out.shorten()
	return out
}

// put adds what the attribute makes of texts, or a gap; what it cannot take is
// dealt with as the form's `unknown` wants it.
func (f *fill) put(out *answer, texts, layouts []string) {
	got := f.fill(texts, layouts, maxTold-len(out.faults)-len(out.explained.Dropped))
	if f.form.unknown == drop {
		for _, i := range got.unknown {
			out.explained.Dropped = append(out.explained.Dropped, i.message)
		}
		got.unknown = nil
	}
	e := entry{got.value, got.shown, got.ok}
	if len(got.unknown)+len(got.bad) > 0 {
		e = entry{shown: strings.Join(texts, ", ")} // as it was found
	} else if !got.ok {
		e = entry{}
	}
	out.entries = append(out.entries, e)
	before := len(out.faults)
	out.fault(f.Name, f.form.unknown == fail, got.unknown...)
	for i := range out.faults[before:] {
		out.faults[before+i].Unknown = f.takesNames()
	}
	out.fault(f.Name, false, got.bad...)
}

// takesNames says whether the values are names of a vocabulary.
func (f *fill) takesNames() bool {
	return f.kind == tenovos.Single || f.kind == tenovos.Multi || f.kind == tenovos.Cascade
}

func missing(tried, dropped []string) issue {
	const message = "no source gives a required value"
	if len(dropped) > 0 {
		return issue{message + ", but for what was left out: " + strings.Join(dropped, "; "), "correct that, or set a default in the rule"}
	}
	return issue{message, "give it a value in " + strings.Join(tried, ", ") + "; or set a default in the rule"}
}
