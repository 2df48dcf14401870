package mounts

import (
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Look opens a drop folder, as Open does for no entry, for somebody who looks at many of its
// files and may write to the journal in between. What happens until it is closed counts as
// one mixed call.
func (m *Mounts) Look(folder string) (root *file.Root, closeRoot func(), err error) {
	root, err = m.Open(folder, 0)
	if err != nil {
		return nil, nil, err
	}
	end := m.BeginMixed(folder, 0)
	closeRoot = func() {
		_ = root.Close() // nothing is written through it
		end()
	}
	if _, err := root.Stat(); err != nil {
		closeRoot()
		return nil, nil, Gone(fmt.Errorf("look at the drop folder: %w", err))
	}
	return root, closeRoot, nil
}
