package manifest

import "strings"

// chunkBits is the size of the largest piece of memory that the cells of a manifest
// lie in, as a power of two. A row, which is not much longer than maxRow, lies in one.
const (
	chunkBits = 21
	chunkSize = 1 << chunkBits
)

// rowCost is what a row takes of memory beside its cells, in bytes: its place, its
// line, and its part of the index.
const rowCost = 4 + 4 + 8

// store holds the rows of a manifest as they were written, each as its cells up to
// the last that is not empty, behind their lengths. Pieces that grow with it instead
// of a text for each row keep a manifest of a million rows near the size of its file,
// and one of three rows small.
type store struct {
	chunks []string
	starts []uint32 // of the rows: the number of the chunk, then the place in it
	lines  []uint32
	open   strings.Builder // the chunk that is being filled
	sealed int             // bytes in the chunks
}

// record is a row as it was written.
type record struct {
	cells string
	line  int
}

// add appends a row, for which it asks for memory first.
func (s *store) add(cells []byte, line int, q quota) error {
	if s.open.Len()+len(cells) > min(s.open.Cap(), chunkSize) {
		s.seal()
		size := max(min(s.sealed/4, chunkSize), 1024, len(cells))
		if err := q.grow(int64(size)); err != nil {
			return err
		}
		s.open.Grow(size)
	}
	if len(s.starts) == cap(s.starts) {
		more := max(len(s.starts)/4, 64)
		if err := q.grow(int64(more) * rowCost); err != nil {
			return err
		}
		s.starts, s.lines = grown(s.starts, more), grown(s.lines, more)
	}
	s.starts = append(s.starts, uint32(len(s.chunks)<<chunkBits|s.open.Len()))
	s.lines = append(s.lines, uint32(line))
	s.open.Write(cells)
	return nil
}

// seal ends the chunk that is being filled.
func (s *store) seal() {
	if s.open.Len() > 0 {
		s.chunks = append(s.chunks, s.open.String())
		s.sealed += s.open.Len()
	}
	s.open = strings.Builder{}
}

// finish ends the adding of rows, and gives back what they do not need.
func (s *store) finish() {
	s.seal()
	if last := len(s.chunks) - 1; last >= 0 {
		s.chunks[last] = strings.Clone(s.chunks[last]) // without its spare room
	}
	s.starts, s.lines = grown(s.starts, 0), grown(s.lines, 0)
}

// grown returns a list with room for so many more, and for no others.
func grown(list []uint32, more int) []uint32 {
	if cap(list) == len(list)+more {
		return list
	}
	out := make([]uint32, len(list), len(list)+more)
	copy(out, list)
	return out
}

func (s *store) len() int { return len(s.starts) }

// size is what the rows take of memory, in bytes, without their index.
func (s *store) size() int64 {
	sum := int64(cap(s.starts)+cap(s.lines)) * 4
	for _, c := range s.chunks {
		sum += int64(len(c))
	}
	return sum
}

// row returns the row of a number.
func (s *store) row(i int) record {
	at := s.starts[i]
	chunk := s.chunks[at>>chunkBits]
	end := len(chunk)
	if i+1 < len(s.starts) {
		if next := s.starts[i+1]; next>>chunkBits == at>>chunkBits {
			end = int(next & (chunkSize - 1))
		}
	}
	return record{chunk[at&(chunkSize-1) : end], int(s.lines[i])}
}
