package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// heifItems are the items of an image that are wanted, and where they lie.
type heifItems struct {
	kinds   map[uint32]string // "Exif" or the type of MIME, by the item's number
	primary uint32            // the item that is the picture; 0 where none is named
	told    map[uint32]uint32 // what an item describes: of several what is closest to the primary item
	tiles   map[uint32]bool   // the items that the primary one is put together of
	idat    int64             // where the data within the box begins
}

const mimeXMP = "application/rdf+xml"

// takeItems reads the items of a meta box: iinf says what they are, iloc where.
func (b *blocks) takeItems(s *source, from, to int64) error {
	var info, places, references []byte
	items := heifItems{kinds: map[uint32]string{}, told: map[uint32]uint32{}, tiles: map[uint32]bool{}}
	err := s.boxes(from, to, func(kind string, from, to int64) (err error) {
		switch kind {
		case "iinf":
			info, err = s.block(from, to-from)
		case "iloc":
			places, err = s.block(from, to-from)
		case "iref":
			references, err = s.block(from, to-from)
		case "pitm":
			var h []byte
			if h, err = s.block(from, min(8, to-from)); err == nil {
				items.primary = primaryItem(h)
			}
		case "idat":
			items.idat = from
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := items.name(info); err != nil {
		return fmt.Errorf("its list of items: %w", err)
	}
	if err := items.refer(references); err != nil {
		return fmt.Errorf("its table of references: %w", err)
	}
	items.keepPrimary()
	if err := items.locate(places, func(kind string, pieces []piece) error { return b.takeItem(s, kind, pieces) }); err != nil {
		return fmt.Errorf("its table of items: %w", err)
	}
	return nil
}

func (b *blocks) takeItem(s *source, kind string, pieces []piece) error {
	if kind == "Exif" && (!b.want.EXIF || b.exif != nil) || kind == mimeXMP && !b.want.XMP {
		return nil
	}
	var data []byte
	for _, p := range pieces {
		more, err := s.block(p.off, p.size)
		if err != nil {
			return err
		}
		if len(data)+len(more) > maxBlock {
			return fmt.Errorf("an item is larger than %d MiB", maxBlock>>20)
		}
		data = append(data, more...)
	}
	if kind == "Exif" {
		b.exif = heifEXIF(data)
	} else {
		b.addXMP(data)
	}
	return nil
}

// name notes which items are Exif or XMP.
func (items heifItems) name(iinf []byte) error {
	c := cursor{b: iinf}
	if version := c.uint(1); c.skip(3) && version == 0 {
		c.skip(2)
	} else {
		c.skip(4)
	}
	return boxesIn(c.b, func(kind string, body cursor) {
		if kind == "infe" {
			items.nameOne(body)
		}
	})
}

// boxesIn visits the boxes in a piece of memory.
func boxesIn(list []byte, visit func(kind string, body cursor)) error {
	for len(list) >= 8 {
		size := int64(binary.BigEndian.Uint32(list))
		if size < 8 || size > int64(len(list)) {
			return errCutShort
		}
		visit(string(list[4:8]), cursor{b: list[8:size]})
		list = list[size:]
	}
	return nil
}

func (items heifItems) nameOne(c cursor) {
	version, idSize := c.uint(1), 2
	c.skip(3)
	switch version {
	case 0, 1:
		return // these know no types
	case 3:
		idSize = 4
	}
	id := c.uint(idSize)
	c.skip(2)
	kind := string(c.take(4))
	if kind == "mime" {
		_, after, _ := strings.Cut(string(c.b), "\x00") // behind the item's name
		kind, _, _ = strings.Cut(after, "\x00")
	}
	if kind == "Exif" || kind == mimeXMP {
		items.kinds[uint32(id)] = kind
	}
}

// primaryItem reads the number of the primary item.
func primaryItem(pitm []byte) uint32 {
	c := cursor{b: pitm}
	size := 2
	if version := c.uint(1); version > 0 {
		size = 4
	}
	c.skip(3)
	return uint32(c.uint(size))
}

// refer notes what the items that are wanted describe.
func (items heifItems) refer(iref []byte) error {
	c := cursor{b: iref}
	idSize := 2
	if version := c.uint(1); version > 0 {
		idSize = 4
	}
	c.skip(3)
	each := func(wanted string, visit func(from, to uint32)) error {
		return boxesIn(c.b, func(kind string, body cursor) {
			from := uint32(body.uint(idSize))
			if kind != wanted || wanted == "cdsc" && items.kinds[from] == "" {
				return
			}
			for count := body.uint(2); count > 0 && !body.short; count-- {
				visit(from, uint32(body.uint(idSize)))
			}
		})
	}
	const most = 4096 // tiles
	err := each("dimg", func(from, to uint32) {
		if from == items.primary && len(items.tiles) < most {
			items.tiles[to] = true
		}
	})
	if err != nil {
		return err
	}
	return each("cdsc", func(from, to uint32) {
		if known, said := items.told[from]; !said || items.closeness(to) >= items.closeness(known) {
			items.told[from] = to
		}
	})
}

// How close what an item describes is to the primary item.
const (
	ofAnother = iota
	ofNone    // it is not said to describe any
	ofTile
	ofPrimary
)

func (items heifItems) closeness(told uint32) int {
	switch {
	case told == items.primary:
		return ofPrimary
	case items.tiles[told]:
		return ofTile
	}
	return ofAnother
}

// keepPrimary leaves out what is told of another picture in the file, such as its
// depth or a gain map: of each kind what describes the primary item counts, else what
// describes a tile of it, else what is not said to describe any.
func (items heifItems) keepPrimary() {
	if items.primary == 0 {
		return
	}
	rank := func(id uint32) int {
		if told, said := items.told[id]; said {
			return items.closeness(told)
		}
		return ofNone
	}
	closest := map[string]int{}
	for id, kind := range items.kinds {
		closest[kind] = max(closest[kind], rank(id))
	}
	for id, kind := range items.kinds {
		if r := rank(id); r == ofAnother || r < closest[kind] {
			delete(items.kinds, id)
		}
	}
}

// piece is where a part of an item lies.
type piece struct{ off, size int64 }

// locate visits the items that are wanted with their places.
func (items heifItems) locate(iloc []byte, visit func(kind string, pieces []piece) error) error {
	if len(items.kinds) == 0 {
		return nil
	}
	c := cursor{b: iloc}
	version := c.uint(1)
	c.skip(3)
	sizes := c.uint(2)
	offSize, lenSize, baseSize, indexSize := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		indexSize = 0
	}
	idSize := 2
	if version >= 2 {
		idSize = 4
	}
	for count := c.uint(idSize); count > 0 && !c.short; count-- {
		kind := items.kinds[uint32(c.uint(idSize))]
		method := uint64(0)
		if version >= 1 {
			method = c.uint(2) & 15
		}
		c.skip(2)
		base, extents := c.uint(baseSize), c.uint(2)
		if extents > 0 && indexSize+offSize+lenSize == 0 {
			return errors.New("an item has no place")
		}
		var pieces []piece
		for ; extents > 0 && !c.short; extents-- {
			c.skip(indexSize)
			off := int64(base + c.uint(offSize))
			if method == 1 {
				off += items.idat
			}
			pieces = append(pieces, piece{off, int64(c.uint(lenSize))})
		}
		if kind == "" || method > 1 || c.short {
			continue
		}
		if err := visit(kind, pieces); err != nil {
			return err
		}
	}
	if c.short {
		return errCutShort
	}
	return nil
}

// cursor takes numbers from bytes; short says that there were too few.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.b, c.short = nil, true
		return nil
	}
	taken := c.b[:n]
	c.b = c.b[n:]
	return taken
}

func (c *cursor) skip(n int) bool {
	c.take(n)
	return !c.short
}

// uint returns a number of n bytes, at most 8.
func (c *cursor) uint(n int) (number uint64) {
	for _, b := range c.take(n) {
		number = number<<8 | uint64(b)
	}
	return number
}
