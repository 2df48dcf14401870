package manifest

import "hash/maphash"

// setCost is what a row takes in a rowSet, in bytes.
const setCost = 8

// rowSet finds rows by a text that is not in it: it holds the numbers of rows where
// the hashes of their texts lead, and a byte of the hash beside each, so that few
// texts are looked at in vain.
type rowSet struct {
	seed  maphash.Seed
	slots []uint32 // number of a row and 1; 0 is free
	tags  []uint8
}

// newRowSet returns a set with room for so many rows.
func newRowSet(n int) rowSet {
	slots := n + n/2 + 1
	return rowSet{seed: maphash.MakeSeed(), slots: make([]uint32, slots), tags: make([]uint8, slots)}
}

func (s *rowSet) size() int64 { return int64(len(s.slots)) * 5 }

// find returns the row of a text; has says whether a row has it.
func (s *rowSet) find(text string, has func(row uint32) bool) (uint32, bool) {
	if len(s.slots) == 0 {
		return 0, false
	}
	at, tag := s.place(text)
	for ; s.slots[at] != 0; at = (at + 1) % len(s.slots) {
		if row := s.slots[at] - 1; s.tags[at] == tag && has(row) {
			return row, true
		}
	}
	return 0, false
}

// add adds the row of a text; false if there is one.
func (s *rowSet) add(text string, row uint32, has func(row uint32) bool) bool {
	at, tag := s.place(text)
	for ; s.slots[at] != 0; at = (at + 1) % len(s.slots) {
		if s.tags[at] == tag && has(s.slots[at]-1) {
			return false
		}
	}
	s.slots[at], s.tags[at] = row+1, tag
	return true
}

func (s *rowSet) place(text string) (at int, tag uint8) {
	hash := maphash.String(s.seed, text)
	return int((hash >> 8) % uint64(len(s.slots))), uint8(hash)
}
