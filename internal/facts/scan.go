package facts

import (
	"bytes"
	"errors"
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

// packetMarks are what XMP begins and ends with. The element is looked for first:
// the instructions around it may be left out, and some write only them.
var packetMarks = [][2]string{
	{"<x:xmpmeta", "</x:xmpmeta>"},
	{"<?xpacket begin", "<?xpacket end"},
}

// scanXMP returns the first packet in UTF-8 at either end of a file, nil where
// there is none.
func scanXMP(s *source) ([]byte, error) {
	regions, err := s.ends()
	if err != nil {
		return nil, err
	}
	for _, r := range regions {
		if packet, err := s.packet(r, bytes.Index); packet != nil || err != nil {
			return packet, err
		}
	}
	return nil, nil
}

// packet returns the packet in a region that find (bytes.Index or
// bytes.LastIndex) finds. It may go on beyond the region.
func (s *source) packet(r region, find func(s, sep []byte) int) ([]byte, error) {
	for _, mark := range packetMarks {
		begin := find(r.data, []byte(mark[0]))
		if begin < 0 {
			continue
		}
		packet := r.data[begin:]
		end := bytes.Index(packet, []byte(mark[1]))
		if end < 0 {
			var err error
			from := r.off + int64(begin)
			if packet, err = s.block(from, min(MaxXMP, s.size-from)); err != nil {
				return nil, err
			}
			if end = bytes.Index(packet, []byte(mark[1])); end < 0 {
				return nil, errors.New("a packet begins and does not end")
			}
		}
		end += len(mark[1])
		if mark[1] == "<?xpacket end" {
			end = bytes.LastIndexByte(packet[:end], '<') // the instruction is not needed
		}
		return bytes.Clone(packet[:end]), nil // let go of the region
	}
	return nil, nil
}
