package companions

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
)

// speltOtherwise returns for each of the companions which paths of its directory are
// spelt otherwise than what it speaks of, where none is spelt so.
func (cs *Companions) speltOtherwise(ctx context.Context, due []journal.Companion) ([][]string, error) {
	spelt := make([][]string, len(due))
	type place struct{ folder, dir string }
	at := make(map[place]map[string][]int) // the companions by the folded path that they speak of
	for i, c := range due {
		about, _ := cs.folders[c.Folder].Companions.About(c.Path)
		if about.Dir != "" {
			continue
		}
		there, err := cs.journal.HasEntries(ctx, c.Folder, about)
		if err != nil {
			return nil, err
		}
		if there {
			continue
		}
		in := place{c.Folder, path.Dir(c.Path)}
		if at[in] == nil {
			at[in] = make(map[string][]int)
		}
		key := dropfolder.FoldName(about.Path)
		at[in][key] = append(at[in][key], i)
	}
	for in, wanted := range at {
		err := cs.journal.PathsIn(ctx, in.folder, in.dir, func(file string) {
			key := dropfolder.FoldName(file)
			of := wanted[key]
			if ext := path.Ext(key); ext != key {
				of = slices.Concat(of, wanted[strings.TrimSuffix(key, ext)])
			}
			for _, i := range of {
				spelt[i] = append(spelt[i], file)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return spelt, nil
}
