package mapping

import (
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// WaitFor says that a file waits for a companion before it is ingested, and how
// long at most. Its zero value waits for none.
type WaitFor struct {
	Kind facts.Kind
	For  time.Duration
}

// companionKinds are what a file can wait for.
var companionKinds = []string{string(facts.KindXMP), string(facts.KindSidecar), string(facts.KindManifest)}

// ReadWaitFor reads "xmp, 10m", or the same as a list.
func ReadWaitFor(r *yamltree.Reader, n *yaml.Node) WaitFor {
	const example = `such as "xmp, 10m"; one of xmp, sidecar and manifest, and how long at most`
	var words []string
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			words = append(words, item.Value)
		}
	} else if text, ok := r.Text(n, "wait_for"); ok {
		words = strings.Split(text, ",")
	} else {
		return WaitFor{}
	}
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	if len(words) != 2 || !slices.Contains(companionKinds, words[0]) {
		r.Add(yamltree.At(n), example, "wait_for names no companion and time")
		return WaitFor{}
	}
	d, err := time.ParseDuration(words[1])
	if err != nil || d <= 0 {
		r.Add(yamltree.At(n), example, "wait_for: %q is no duration", words[1])
		return WaitFor{}
	}
	return WaitFor{Kind: facts.Kind(words[0]), For: d}
}

// embeddedSources are the prefixes of sources that stand in the file itself.
var embeddedSources = []string{"exif.", "iptc.", "xmp.", "xmp-embedded.", "image.", "video.", "pdf.", "office.", "png."}

// companionSources are the prefixes of sources that stand in a companion.
var companionSources = map[facts.Kind][]string{
	facts.KindXMP: {"xmp.", "xmp-sidecar."}, facts.KindSidecar: {"sidecar."}, facts.KindManifest: {"manifest."},
}

// RestsOnFile reports whether the value may be another where nothing embedded in
// the file can be read.
func (e Explained) RestsOnFile() bool { return e.restsOn(embeddedSources) }

// RestsOn reports whether the value may be another where the file's companion of a
// kind cannot be read.
func (e Explained) RestsOn(kind facts.Kind) bool { return e.restsOn(companionSources[kind]) }

// restsOn reports whether a source with one of the prefixes gave the value, or was
// looked at before the one that did.
func (e Explained) restsOn(prefixes []string) bool {
	within := func(source string) bool {
		source = metadata.Key(strings.Join(strings.Fields(source), "")) // as it is written in the rule
		return slices.ContainsFunc(prefixes, func(prefix string) bool {
			return strings.HasPrefix(source, prefix) || strings.Contains(source, "{"+prefix)
		})
	}
	return within(e.Source) || slices.ContainsFunc(e.Tried, within) ||
		slices.ContainsFunc(e.Cells, func(c Cell) bool { return c.restsOn(prefixes) })
}
