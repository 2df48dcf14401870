package mapping

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// ErrNoRule says that no rule matches a path: the file is ignored.
var ErrNoRule = errors.New("no rule matches the path")

// Result is what the rules make of one file.
type Result struct {
	// Asset is the asset to create, without OriginalFileID. It is only complete
	// when there are no Problems.
	Asset tenovos.NewAsset `json:"asset"`
	// Rule is the number of the deciding rule, from 0; RulePos is its place.
	Rule    int          `json:"rule"`
	RulePos yamltree.Pos `json:"-"`
	// Template is the name of the asset's template, as the account spells it.
	Template string `json:"template"`
	// WaitFor is the companion that the rule has the file wait for.
	WaitFor WaitFor `json:"-"`
	// Values tells each value of the rule, the security templates last.
	Values []Explained `json:"values"`
	// Problems tells what keeps the file from becoming an asset: with any, the file
	// must not be created.
	Problems []Fault `json:"problems,omitempty"`
}

// Failed reports whether the file has failed, as `unknown: fail` wants it, and is
// not only to be held: some Problem says so.
func (r Result) Failed() bool {
	return slices.ContainsFunc(r.Problems, func(f Fault) bool { return f.Fail })
}

// Unknown reports whether some Problem is a name that the account may have got
// since its names were read.
func (r Result) Unknown() bool {
	return slices.ContainsFunc(r.Problems, func(f Fault) bool { return f.Unknown })
}

// Explained tells what an attribute gets and why.
type Explained struct {
	Attribute string `json:"attribute"`
	// DefinitionID is the attribute's id; "" of the security templates.
	DefinitionID string `json:"-"`
	// Value is what the account will show; "" where nothing was found. The levels
	// of a cascade have > between them, the cells of a row ; and the rows of a
	// table |.
	Value string `json:"value"`
	// Source is the fact or format that gave the value, "constant", "default",
	// "rows", or "" where nothing was found; Origin says where the fact came from.
	Source string `json:"source,omitempty"`
	Origin string `json:"origin,omitempty"`
	// Tried names the sources before it that gave nothing.
	Tried []string `json:"tried,omitempty"`
	// Passed names the sources after it that hold something, too, each as
	// "source: value" with at most 60 characters of the value.
	Passed []string `json:"passed,omitempty"`
	// Dropped says what was left out, as `unknown: drop` wants it, or because a
	// source is a list of lists.
	Dropped []string `json:"dropped,omitempty"`
	// Cells explains the cells of a table.
	Cells []Cell `json:"cells,omitempty"`
}

// Cell explains one cell of the rule's row with that number, from 1; Attribute is
// the column. A cell that gives several values stands for several rows.
type Cell struct {
	Row int `json:"row"`
	Explained
}

// Fault is one thing that is wrong with a file's values. Attribute is a name, or
// "security".
type Fault struct {
	Attribute string `json:"attribute"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	// Fail says that the file has failed, as the rule wants it, and does not wait.
	Fail bool `json:"fail,omitempty"`
	// Unknown says that a name is none of the account's, as its names were read: it
	// may have got the name since.
	Unknown bool `json:"-"`
}

// securityName is what Explained and Fault call the security templates.
const securityName = "security"

// Map applies the first rule that matches path, the file's slash-separated path
// below its folder, to what is known of the file. Neither case nor Unicode
// composition counts when a path is matched: *.jpg means IMG_1.JPG too. The error
// is ErrNoRule, or nil.
func (m *Mapper) Map(known metadata.Facts, path string) (Result, error) {
	path = metadata.Clean(path)
	folded := strings.ToLower(path)
	for i, r := range m.rules {
		if r.Match != "" && doublestar.MatchUnvalidated(strings.ToLower(r.Match), folded) {
			out := m.apply(r, known)
			out.Rule, out.RulePos = i, r.Pos
			out.Asset.Filename = Filename(path)
			return out, nil
		}
	}
	return Result{}, ErrNoRule
}

func (m *Mapper) apply(r *rule, known metadata.Facts) Result {
	out := Result{Template: r.template.Name, WaitFor: r.WaitFor, Asset: tenovos.NewAsset{
		TemplateID:  r.template.ID,
		Metadata:    []tenovos.Value{}, // the API wants a list, be it empty
		SecurityIDs: []string{},
	}}
	if size, ok := known[facts.FileSize]; ok {
		out.Asset.Size, _ = strconv.ParseInt(size.Values[0], 10, 64)
	}
	for i := range r.fills {
		f := &r.fills[i]
		var got answer
		if f.kind == tenovos.Table {
			got = f.table(known)
		} else {
			got = f.answer(known)
		}
		if v, ok := got.value(); ok && len(got.faults) == 0 {
			out.Asset.Metadata = append(out.Asset.Metadata, v)
		}
		got.explained.DefinitionID = f.ID
		out.Values = append(out.Values, got.explained)
		out.Problems = append(out.Problems, got.faults...)
	}
	m.secure(&out, &r.security, known)
	return out
}

// secure fills the security templates; an asset must have one.
func (m *Mapper) secure(out *Result, form *Form, known metadata.Facts) {
	found := form.eval(known)
	e := explain(securityName, found)
	var names []string
	for _, text := range found.texts {
		template, bad := m.security.find(oneLine(text))
		if bad != nil {
			out.Problems = append(out.Problems, Fault{Attribute: securityName, Message: bad.message, Hint: bad.hint, Unknown: !m.security.asGiven})
			continue
		}
		if !slices.Contains(out.Asset.SecurityIDs, template.ID) {
			out.Asset.SecurityIDs = append(out.Asset.SecurityIDs, template.ID)
			names = append(names, template.Name)
		}
	}
	e.Value = strings.Join(names, ", ")
	if len(found.texts) == 0 {
		out.fault(securityName, missing(found.tried, nil))
	}
	out.Values = append(out.Values, e)
}

func (r *Result) fault(attribute string, bad ...issue) {
	for _, i := range bad {
		r.Problems = append(r.Problems, Fault{Attribute: attribute, Message: i.message, Hint: i.hint})
	}
}

func explain(name string, found outcome) Explained {
	return Explained{Attribute: name, Source: found.source, Origin: found.origin, Tried: found.tried, Passed: found.passed, Dropped: found.lost}
}
