package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/embedded"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// Needs says what the rules of a folder ask about a file, so that nothing else
// need be read: which kinds of sources, each by its prefix in `from` and `format`.
// What XMP says is what a sidecar says, else what is embedded.
type Needs struct {
	Exif, IPTC                   bool // exif.TAG, iptc.FIELD
	Image, Video, PDF, Office    bool // image.NAME, video.NAME, pdf.NAME, office.NAME
	PNG                          bool // png.KEYWORD
	XMP, XMPEmbedded, XMPSidecar bool // xmp.PROPERTY, xmp-embedded.PROPERTY, xmp-sidecar.PROPERTY
	Sidecar, Manifest            bool // sidecar.KEY, manifest.COLUMN
	// Names holds the facts.Key of every source that the rules name.
	Names map[string]bool
}

// wordSource is a kind of source whose names the rules choose freely.
type wordSource struct {
	prefix, word string
	example      string
	flag         func(*Needs) *bool
}

var wordSources = []wordSource{
	{"exif", "TAG", "exif.DateTimeOriginal", func(n *Needs) *bool { return &n.Exif }},
	{"iptc", "FIELD", "iptc.Headline", func(n *Needs) *bool { return &n.IPTC }},
	{"xmp", "PROPERTY", "xmp.title", func(n *Needs) *bool { return &n.XMP }},
	{"xmp-embedded", "PROPERTY", "xmp-embedded.title", func(n *Needs) *bool { return &n.XMPEmbedded }},
	{"xmp-sidecar", "PROPERTY", "xmp-sidecar.title", func(n *Needs) *bool { return &n.XMPSidecar }},
	{"image", "NAME", "image.Width", func(n *Needs) *bool { return &n.Image }},
	{"video", "NAME", "video.CreationDate", func(n *Needs) *bool { return &n.Video }},
	{"pdf", "NAME", "pdf.Title", func(n *Needs) *bool { return &n.PDF }},
	{"office", "NAME", "office.Title", func(n *Needs) *bool { return &n.Office }},
	{"png", "KEYWORD", "png.Title", func(n *Needs) *bool { return &n.PNG }},
	{"sidecar", "KEY", "sidecar.title", func(n *Needs) *bool { return &n.Sidecar }},
	{"manifest", "COLUMN", "manifest.title", func(n *Needs) *bool { return &n.Manifest }},
}

// SourceExamples returns a source of each kind whose names the rules choose.
func SourceExamples() []string {
	examples := make([]string, len(wordSources))
	for i, s := range wordSources {
		examples[i] = s.example
	}
	return examples
}

// Needs returns what the rules ask about a file.
func (r Rules) Needs() Needs {
	needs := Needs{Names: map[string]bool{}}
	for _, rule := range r.Rules {
		rule.security.needs(&needs)
		for _, l := range rule.lines {
			l.form.needs(&needs)
		}
	}
	return needs
}

// needs adds what the form asks about a file.
func (f *Form) needs(to *Needs) {
	for _, l := range f.layers {
		for _, p := range l.pieces {
			if p.fact == "" {
				continue
			}
			to.Names[p.fact] = true
			prefix, _, _ := strings.Cut(p.fact, ".")
			for _, s := range wordSources {
				if s.prefix == prefix {
					*s.flag(to) = true
				}
			}
		}
	}
	for _, row := range f.rows {
		for i := range row.cells {
			row.cells[i].form.needs(to)
		}
	}
}

// source checks the name of a source and returns the key of its fact, or "" after
// a complaint.
func (p *parser) source(n *yaml.Node, name string) string {
	key := metadata.Key(strings.TrimSpace(name))
	prefix, rest, dotted := strings.Cut(key, ".")
	rest = strings.TrimSpace(rest)
	switch {
	case slices.Contains(facts.FileSources(), key):
		return key
	case dotted && prefix+"." == facts.PathPrefix:
		return p.level(n, name, rest)
	}
	for _, s := range wordSources {
		if s.prefix != prefix {
			continue
		}
		if rest == "" {
			p.Add(yamltree.At(n), "such as "+s.example, "%q names no %s", name, s.word)
			return ""
		}
		return p.word(n, name, prefix, rest)
	}
	p.Add(yamltree.At(n), p.sourceHint(name), "there is no source %q", name)
	return ""
}

// sourceWords is what messages call the names that some kinds of sources have.
var sourceWords = map[string]string{
	"exif": "EXIF has no tag", "iptc": "IPTC has no field", "image": "a picture has no fact",
	"video": "a video has no fact", "pdf": "a PDF has no fact", "office": "an office document has no fact",
}

// word checks the name of a source's word, where a kind of source has those that it has.
func (p *parser) word(n *yaml.Node, name, prefix, word string) string {
	if field, ok := embedded.IPTCField(word); ok && prefix == "iptc" {
		word = metadata.Key(field)
	}
	known := embedded.KnownNames(prefix)
	if known != nil && !slices.ContainsFunc(known, func(k string) bool { return metadata.Key(k) == word }) {
		p.Add(yamltree.At(n), wordHint(prefix, word, known), "%s: %s of that name, or none that is read", name, sourceWords[prefix])
		return ""
	}
	return prefix + "." + word
}

// wordHint says which name may be meant. They are sorted so that of two that are
// equally near it is always the same.
func wordHint(prefix, word string, known []string) string {
	slices.Sort(known)
	if near := yamltree.Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", prefix+"."+near)
	}
	if prefix == "exif" || prefix == "iptc" {
		return "write the name as ExifTool does"
	}
	return "use one of " + strings.Join(known, ", ")
}

// level checks the name of a path's level.
func (p *parser) level(n *yaml.Node, name, level string) string {
	for _, known := range p.levels {
		if metadata.Key(known) == level {
			return facts.PathPrefix + level
		}
	}
	switch {
	case p.anyLevel:
		return facts.PathPrefix + level
	case len(p.levels) == 0:
		p.Add(yamltree.At(n), fmt.Sprintf(`give the folder levels: "{%s}/**"`, level), "%s: the folder has no levels that name its paths", name)
	default:
		p.Add(yamltree.At(n), yamltree.SuggestOf(level, p.levels), "%s: the folder's levels name no %q", name, level)
	}
	return ""
}

// sourceHint says which source may be meant: its kind is misspelt, or its name.
func (p *parser) sourceHint(name string) string {
	kinds := map[string]bool{"file": true, "path": true}
	all := []string{"path.LEVEL"}
	for _, s := range wordSources {
		kinds[s.prefix] = true
		all = append(all, s.prefix+"."+s.word)
	}
	all = append(all, facts.FileSources()...)
	if i := strings.IndexAny(name, ".:"); i > 0 {
		near := yamltree.Nearest(name[:i], slices.Sorted(maps.Keys(kinds)))
		if meant := near + "." + name[i+1:]; near != "" && yamltree.Fold(meant) != yamltree.Fold(name) {
			return fmt.Sprintf("did you mean %q?", meant)
		}
	}
	known := facts.FileSources()
	for _, level := range p.levels {
		known = append(known, facts.PathPrefix+level)
	}
	if near := yamltree.Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "use one of " + strings.Join(all, ", ")
}
