package facts

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/xmltree"
)

// MaxXMP bounds an XMP packet or sidecar in bytes.
const MaxXMP = 8 << 20

// ErrDamaged says that what was read is not as it should be written, and was read
// all the same.
var ErrDamaged = errors.New("it is damaged, and read as far as possible")

// ErrExcess says that facts beyond the bounds (MaxFacts and its like) were left
// out; those that are returned with it are whole and right.
var ErrExcess = errors.New("more than is kept of a file")

// ParseXMP reads an XMP packet or sidecar in UTF-8, or in UTF-16 or UTF-32. The
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
func ParseXMP(data []byte, prefix, origin string, langs []string) (metadata.Facts, error) {
	packet, err := readXMP(data)
	if err = cmp.Or(err, packet.cut); err != nil {
		return nil, err
	}
	c := metadata.Bounded{Facts: metadata.Facts{}}
	emitXMP(&c, packet.properties, prefix, origin, langs)
	if excess := c.Excess(); excess != "" {
		return c.Facts, fmt.Errorf("%w: %s", ErrExcess, excess)
	}
	if damage := packet.damage(); damage != nil {
		return c.Facts, fmt.Errorf("%w: %w", ErrDamaged, damage)
	}
	return c.Facts, nil
}

// property is one property of an XMP packet.
type property struct {
	space, prefix, local string // prefix: the one in the file
	value                value
}

// xmpPacket is what was read of an XMP packet.
type xmpPacket struct {
	properties []property // in the order of the file
	said       notes      // what was repaired in it
	cut        error      // why no more of it was read; what was read is whole
}

// damage returns what is wrong with the packet as one error, nil for nothing.
func (x xmpPacket) damage() error {
	switch {
	case len(x.said) == 0:
		return x.cut
	case x.cut == nil:
		return errors.New(x.said.String())
	}
	return fmt.Errorf("%w; %v", x.cut, x.said)
}

// readXMP reads a packet, as far as that can be done.
func readXMP(data []byte) (xmpPacket, error) {
	if len(data) > MaxXMP {
		return xmpPacket{}, fmt.Errorf("the XMP is larger than %d MiB", MaxXMP>>20)
	}
	text, err := xmltree.Decode(data)
	if err != nil {
		return xmpPacket{}, err
	}
	tree, err := parseXMP(text)
	if err != nil {
		return xmpPacket{}, err
	}
	packet := xmpPacket{said: tree.said, cut: tree.cut}
	for _, description := range tree.rdf.children {
		for _, f := range description.fields() {
			packet.properties = append(packet.properties, property{f.space, tree.prefixes[f.space], f.local, f.value})
		}
	}
	return packet, nil
}

// emitXMP turns properties into facts. Of two properties of the same name the
// first counts.
func emitXMP(c *metadata.Bounded, properties []property, prefix, origin string, langs []string) {
	sorted := likeEXIF(properties)
	slices.SortStableFunc(sorted, func(a, b property) int { return cmp.Compare(rank(a.space), rank(b.space)) })
	// Structures come last: a history of a thousand steps must not take the
	// title's place among the facts that are kept.
	for _, structures := range []bool{false, true} {
		for _, p := range sorted {
			if p.value.structured() != structures {
				continue
			}
			full := p.local
			if known := customaryPrefix(p.space, p.prefix); known != "" {
				full = known + ":" + p.local
			}
			e := emitter{Bounded: c, origin: origin + " (" + metadata.Clean(full) + ")", langs: langs}
			e.emit(prefix+metadata.Clean(p.local), p.value)
			if full != p.local {
				e.emit(prefix+metadata.Clean(full), p.value)
			}
		}
	}
}

// is reports whether it is the property of a name in a namespace.
func (p property) is(space, local string) bool {
	return p.local == local && rank(p.space) == rank(space)
}
