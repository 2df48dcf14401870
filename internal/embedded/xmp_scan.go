package embedded

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// scanSize is how much of a file's beginning and end is searched for a packet.
const scanSize = 4 << 20

// region is a piece of a file that is searched.
type region struct {
	off  int64
	data []byte
}

// ends returns the first and the last piece of a file; one piece where they meet.
func (s *source) ends() ([]region, error) {
	if s.size <= 2*scanSize {
		data, err := s.block(0, s.size)
		return []region{{0, data}}, err
	}
	head, err := s.block(0, scanSize)
	if err != nil {
		return nil, err
	}
	tail, err := s.block(s.size-scanSize, scanSize)
	return []region{{0, head}, {s.size - scanSize, tail}}, err
}

// which packet of a file is the document's, where its structure does not tell.
type which int

const (
	newest which = iota // by the date in it, else the last
	theFirst
	theLast
	none
)

// packetMark is what XMP begins and ends with.
type packetMark struct{ begin, end string }

// The element is looked for first: the instructions around it may be left out, and
// some write only them.
var (
	elementMarks     = inEncodings(packetMark{"<x:xmpmeta", "</x:xmpmeta>"}, packetMark{"<x:xapmeta", "</x:xapmeta>"})
	instructionMarks = inEncodings(packetMark{"<?xpacket begin", "<?xpacket end"})
)

// inEncodings returns marks in UTF-8 and in UTF-16 of both orders.
func inEncodings(marks ...packetMark) []packetMark {
	in := func(e encoding.Encoding, text string) string {
		encoded, _ := e.NewEncoder().String(text) // it is ASCII
		return encoded
	}
	all := slices.Clone(marks)
	for _, order := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
		wide := unicode.UTF16(order, unicode.IgnoreBOM)
		for _, m := range marks {
			all = append(all, packetMark{in(wide, m.begin), in(wide, m.end)})
		}
	}
	return all
}

// scanXMP returns a packet at either end of a file, nil where there is none.
func scanXMP(s *source, wanted which) ([]byte, error) {
	if wanted == none {
		return nil, nil
	}
	regions, err := s.ends()
	if err != nil {
		return nil, err
	}
	var found []foundPacket
	for _, marks := range [][]packetMark{elementMarks, instructionMarks} {
		for i := range regions {
			found = append(found, regions[i].packets(marks)...)
		}
		if found != nil {
			break // the instructions are around the elements
		}
	}
	slices.SortFunc(found, func(a, b foundPacket) int { return int(a.at() - b.at()) })
	return s.choose(found, wanted)
}

// foundPacket is where a packet begins.
type foundPacket struct {
	region *region
	begin  int
	mark   packetMark
}

func (p foundPacket) at() int64 { return p.region.off + int64(p.begin) }

// packets finds where packets begin.
func (r *region) packets(marks []packetMark) []foundPacket {
	const most = 10_000
	var found []foundPacket
	for _, mark := range marks {
		for at := 0; len(found) < most; {
			i := bytes.Index(r.data[at:], []byte(mark.begin))
			if i < 0 {
				break
			}
			found = append(found, foundPacket{r, at + i, mark})
			at += i + len(mark.begin)
		}
	}
	return found
}

// choose returns the packet that is wanted of those that end.
func (s *source) choose(found []foundPacket, wanted which) ([]byte, error) {
	const most, mostBytes = 64, 64 << 20 // that are looked into
	looked := 0
	if wanted == theFirst {
		found = found[:min(len(found), most)]
	} else {
		found = found[max(0, len(found)-most):]
		slices.Reverse(found)
	}
	var chosen []byte
	var date time.Time
	var bad error
	for _, p := range found {
		packet, err := s.packet(p)
		switch {
		case errors.Is(err, errUnreadable):
			return nil, err
		case err != nil:
			bad = err
		case wanted != newest:
			return bytes.Clone(packet), nil // let go of the region
		default:
			if looked += len(packet); looked > mostBytes { // those that begin early have all the others in them
				continue
			}
			if dated := packetDate(packet); chosen == nil || dated.After(date) {
				chosen, date = packet, dated
			}
		}
	}
	if chosen == nil {
		return nil, bad
	}
	return bytes.Clone(chosen), nil
}

// packet returns a packet, which may go on beyond its region.
func (s *source) packet(p foundPacket) ([]byte, error) {
	packet := p.region.data[p.begin:]
	end := bytes.Index(packet, []byte(p.mark.end))
	if end < 0 {
		var err error
		if packet, err = s.block(p.at(), min(xmp.MaxSize, s.size-p.at())); err != nil {
			return nil, err
		}
		if end = bytes.Index(packet, []byte(p.mark.end)); end < 0 {
			return nil, errors.New("a packet begins and does not end")
		}
	}
	if slices.Contains(instructionMarks, p.mark) {
		return packet[:end], nil // the instruction is not needed
	}
	return packet[:end+len(p.mark.end)], nil
}

// dateValue is what stands behind the name of a property that is a date.
var dateValue = regexp.MustCompile(`^\s*(?:=\s*["']|>)\s*([0-9T:.Z+-]{4,40})`)

// dateText returns the first date that a packet has under a name, "" for none. A
// regular expression would take seconds for the whole of a long packet.
func dateText(packet []byte, name string) string {
	const most, longest = 1000, 256 // times that the name comes, bytes behind it
	for range most {
		i := bytes.Index(packet, []byte(name))
		if i < 0 {
			break
		}
		begins := i == 0 || !isWordByte(packet[i-1])
		packet = packet[i+len(name):]
		if m := dateValue.FindSubmatch(packet[:min(len(packet), longest)]); begins && m != nil {
			return string(m[1])
		}
	}
	return ""
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// packetDate returns when a packet was written, else when its document was, by what
// it says in UTF-8; zero where it does not say.
func packetDate(packet []byte) time.Time {
	for _, name := range []string{"MetadataDate", "ModifyDate"} {
		text := dateText(packet, name)
		for _, layout := range []string{
			"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02", "2006-01", "2006",
		} {
			if at, err := time.Parse(layout, text); err == nil {
				return at
			}
		}
	}
	return time.Time{}
}
