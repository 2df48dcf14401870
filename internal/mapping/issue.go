package mapping

import "github.com/tenovos-ingest/ingestd/internal/yamltree"

// issue is a problem that has no place yet.
type issue struct{ message, hint string }

func (i issue) at(pos yamltree.Pos) yamltree.Problem {
	return yamltree.Problem{Pos: pos, Message: i.message, Hint: i.hint}
}
