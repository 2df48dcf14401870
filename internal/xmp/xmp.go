package xmp

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/xmltree"
)

// Prefixes of facts of XMP by the place where it stands. Under XMPPrefix is what
// the sidecar tells of a property, else what is embedded.
const (
	Prefix         = "xmp."
	EmbeddedPrefix = "xmp-embedded."
	SidecarPrefix  = "xmp-sidecar."
)

// MaxSize bounds an XMP packet or sidecar in bytes.
const MaxSize = 8 << 20

// ErrDamaged says that what was read is not as it should be written, and was read
// all the same.
var ErrDamaged = errors.New("it is damaged, and read as far as possible")

// ErrExcess says that facts beyond the bounds (MaxFacts and its like) were left
// out; those that are returned with it are whole and right.
var ErrExcess = errors.New("more than is kept of a file")

// Parse reads an XMP packet or sidecar in UTF-8, or in UTF-16 or UTF-32. The
// origin says where the XMP was, for people.
//
// Each property is a fact prefix+local name ("xmp.title") and prefix+customary
// prefix+local name ("xmp.dc:title"); the namespace's URI decides, not the prefix
// in the file, except where the URI is not well known. Where two namespaces share
// a local name, the short name goes to the first in the order of [namespaces].
//
// An array gives the fact several values. Of texts in several languages the fact
// is the one in the first of langs that is there ("de-CH" takes "de" as well),
// else x-default, else the first, and each is also a fact of its own
// ("xmp.title[de]"). Fields of a structure go by path ("xmp.creatorcontactinfo.ciadrcity").
// In an array of structures each has its number, from 1 ("xmp.locationshown[1].city"),
// and a field that none of them has several texts for is a list, too
// ("xmp.locationshown.city"), with an empty place for each that lacks it, so that the
// lists of two fields stay aligned. Pictures within the XMP are no facts.
//
// What programs write amiss is repaired where that can be done, see repair. An error
// that is ErrDamaged comes with the facts all the same, one that is ErrExcess with
// those within the bounds, any other error with none. One that ends too early is not
// read: the rest of a sidecar may be on its way.
func Parse(data []byte, prefix, origin string, langs []string) (metadata.Facts, error) {
	packet, err := Read(data)
	if err = cmp.Or(err, packet.cut); err != nil {
		return nil, err
	}
	c := metadata.Bounded{Facts: metadata.Facts{}}
	Emit(&c, packet.Properties, prefix, origin, langs)
	if excess := c.Excess(); excess != "" {
		return c.Facts, fmt.Errorf("%w: %s", ErrExcess, excess)
	}
	if damage := packet.Damage(); damage != nil {
		return c.Facts, fmt.Errorf("%w: %w", ErrDamaged, damage)
	}
	return c.Facts, nil
}

// Property is one property of an XMP packet.
type Property struct {
	space, prefix, local string // prefix: the one in the file
	Value                Value
}

// Packet is what was read of an XMP packet.
type Packet struct {
	Properties []Property // in the order of the file
	said       notes      // what was repaired in it
	cut        error      // why no more of it was read; what was read is whole
}

// Damage returns what is wrong with the packet as one error, nil for nothing.
func (x Packet) Damage() error {
	switch {
	case len(x.said) == 0:
		return x.cut
	case x.cut == nil:
		return errors.New(x.said.String())
	}
	return fmt.Errorf("%w; %v", x.cut, x.said)
}

// Read reads a packet, as far as that can be done.
func Read(data []byte) (Packet, error) {
	if len(data) > MaxSize {
		return Packet{}, fmt.Errorf("the XMP is larger than %d MiB", MaxSize>>20)
	}
	text, err := xmltree.Decode(data)
	if err != nil {
		return Packet{}, err
	}
	tree, err := parseTree(text)
	if err != nil {
		return Packet{}, err
	}
	packet := Packet{said: tree.said, cut: tree.cut}
	for _, description := range tree.rdf.children {
		for _, f := range description.fields() {
			packet.Properties = append(packet.Properties, Property{f.space, tree.prefixes[f.space], f.local, f.value})
		}
	}
	return packet, nil
}

// Emit turns properties into facts. Of two properties of the same name the
// first counts.
func Emit(c *metadata.Bounded, properties []Property, prefix, origin string, langs []string) {
	sorted := likeEXIF(properties)
	slices.SortStableFunc(sorted, func(a, b Property) int { return cmp.Compare(rank(a.space), rank(b.space)) })
	// Structures come last: a history of a thousand steps must not take the
	// title's place among the facts that are kept.
	for _, structures := range []bool{false, true} {
		for _, p := range sorted {
			if p.Value.structured() != structures {
				continue
			}
			full := p.local
			if known := customaryPrefix(p.space, p.prefix); known != "" {
				full = known + ":" + p.local
			}
			e := emitter{Bounded: c, origin: origin + " (" + metadata.Clean(full) + ")", langs: langs}
			e.emit(prefix+metadata.Clean(p.local), p.Value)
			if full != p.local {
				e.emit(prefix+metadata.Clean(full), p.Value)
			}
		}
	}
}

// Is reports whether it is the property of a name in a namespace.
func (p Property) Is(space, local string) bool {
	return p.local == local && rank(p.space) == rank(space)
}
