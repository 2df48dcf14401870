package journal

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// gen is a generation of a path for the tests of pruning.
type gen struct {
	status Status
	taken  bool // its file was moved away
	hashed bool
	young  bool
	chore  bool
	asked  bool // an open request names it
}

// makeGens makes the generations of a path, and returns their ids.
func (r *rig) makeGens(path string, gens []gen) []int64 {
	r.t.Helper()
	ctx := r.t.Context()
	var ids []int64
	began := r.time
	for i, g := range gens {
		if r.time = began; g.young {
			r.time = began.Add(time.Hour)
		}
		id := r.admit(fileAt(path, i+1))[0]
		ids = append(ids, id)
		if g.hashed {
			sum := sha256.Sum256([]byte(fmt.Sprint(path, i)))
			r.ok(r.SetSHA256(ctx, id, sum[:]))
		}
		if r.entry(id).Status != g.status {
			r.bring(id, g.status)
		}
		if g.taken {
			r.ok(FilingOf(r.Journal).Set(ctx, id, g.status, ".aside", "_ingested/"+path))
		}
		if g.chore {
			r.byHand(`INSERT INTO chores (entry_id, kind, since) VALUES (?, 'twin', 1)`, id)
		}
		if g.asked {
			_, err := Ask(ctx, r.path, "verify", fmt.Appendf(nil, `{"ids": [%d]}`, id))
			r.ok(err)
		}
	}
	r.time = began
	return ids
}

// pruneAll prunes in small batches until nothing is left to do.
func (r *rig) pruneAll(f Forget) (n int) {
	r.t.Helper()
	for after := int64(0); ; {
		out, next, err := Prune(r.t.Context(), r.Journal, f, after, 2)
		r.ok(err)
		for _, p := range out {
			n += p.Entries
		}
		r.balanced()
		r.consistent()
		if after = next; next == 0 {
			return n
		}
	}
}

// TestPrune holds what is pruned against the table of the documentation: nothing that a
// file, a version or an operator may still need.
func TestPrune(t *testing.T) {
	t.Parallel()
	in := func(f *Forget) { f.Folders = []string{"in"} }
	for _, c := range []struct {
		name string
		gens []gen
		with func(*Forget)
		left []int // which of the generations, from 1
	}{
		{"a file that was ingested and kept", []gen{{status: Filed, hashed: true}}, in, []int{1}},
		{"a file that was ingested and moved away", []gen{{status: Filed, taken: true, hashed: true}}, in, nil},
		{"one that continues as versions", []gen{{status: Filed, taken: true, hashed: true}}, nil, []int{1}},
		{"one whose content could not be told", []gen{{status: Filed, taken: true}}, func(f *Forget) { in(f); f.Contents = true }, []int{1}},
		{"one whose content can be told", []gen{{status: Filed, taken: true, hashed: true}}, func(f *Forget) { in(f); f.Contents = true }, nil},
		{"one that gives a filename", []gen{{status: Filed, taken: true, hashed: true}}, func(f *Forget) { in(f); f.Names = true }, []int{1}},
		{"one that rests for a short time", []gen{{status: Filed, taken: true, hashed: true, young: true}}, in, []int{1}},
		{"one with work left", []gen{{status: Filed, taken: true, hashed: true, chore: true}}, in, []int{1}},
		{"one that a request names", []gen{{status: Filed, taken: true, hashed: true, asked: true}}, in, []int{1}},
		{"an earlier content of a file that is kept", []gen{{status: Filed}, {status: Filed}}, nil, []int{2}},
		{"all of a path that was moved away each time", []gen{{status: Filed, taken: true}, {status: Filed, taken: true}}, in, nil},
		{"a path whose last one is young", []gen{{status: Filed, taken: true}, {status: Filed, taken: true, young: true}}, in, []int{2}},
		{"what never got in and is gone", []gen{{status: Superseded}}, nil, nil},
		{"what a later content went before", []gen{{status: Superseded}, {status: Filed}}, nil, []int{2}},
		{"the last ingested one below later ones", []gen{{status: Filed}, {status: Superseded}, {status: Superseded}}, nil, []int{1, 3}},
		{"held", []gen{{status: Held}}, in, []int{1}},
		{"failed, with its file", []gen{{status: Failed}}, in, []int{1}},
		{"failed, moved aside", []gen{{status: Failed, taken: true}}, in, []int{1}},
		{"cancelled", []gen{{status: Cancelled}}, in, []int{1}},
		{"ignored", []gen{{status: Ignored}}, in, []int{1}},
		{"a duplicate with its file", []gen{{status: Duplicate}}, in, []int{1}},
		{"a duplicate, moved aside", []gen{{status: Duplicate, taken: true}}, in, nil},
		{"withdrawn", []gen{{status: Withdrawn, taken: true}}, in, []int{1}},
		{"withdrawn before another was ingested", []gen{{status: Withdrawn}, {status: Filed}}, nil, []int{2}},
		{"queued", []gen{{status: Settled}}, in, []int{1}},
		{"on its way", []gen{{status: Uploading}}, in, []int{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			ids := r.makeGens("a.jpg", c.gens)
			f := Forget{Before: r.time.Add(time.Minute)}
			if c.with != nil {
				c.with(&f)
			}
			foretold := 0
			counted, err := r.Reader().Prunable(t.Context(), f)
			r.ok(err)
			for _, p := range counted {
				foretold += p.Entries
			}
			if n := r.pruneAll(f); n != len(c.gens)-len(c.left) || n != foretold {
				t.Errorf("%d pruned, %d foretold, want %d", n, foretold, len(c.gens)-len(c.left))
			}
			var left []int
			for _, id := range r.ids(Filter{All: true}) {
				for i := range ids {
					if ids[i] == id {
						left = append(left, i+1)
					}
				}
			}
			if fmt.Sprint(left) != fmt.Sprint(c.left) && len(left)+len(c.left) > 0 {
				t.Errorf("left are %v, want %v", left, c.left)
			}
			counts, err := r.Reader().Counts(t.Context())
			r.ok(err)
			if counts[0].Seen != len(c.left) || counts[0].Pruned != len(c.gens)-len(c.left) {
				t.Errorf("seen %d, pruned %d", counts[0].Seen, counts[0].Pruned)
			}
		})
	}
}

// sameFiled are those of SameContent that are filed.
func (r *rig) sameFiled(e Entry) ([]Entry, error) {
	same, err := r.Reader().SameContent(r.t.Context(), e)
	return slices.DeleteFunc(same, func(o Entry) bool { return o.Status != Filed }), err
}

// TestPrunedIsRemembered shows that what was pruned is known again: its content, under
// any path, and its asset.
func TestPrunedIsRemembered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	ids := r.makeGens("a.jpg", []gen{{status: Filed, taken: true, hashed: true}})
	was := r.entry(ids[0])
	if n := r.pruneAll(Forget{Before: r.time.Add(time.Minute), Folders: []string{"in"}, Contents: true}); n != 1 {
		t.Fatalf("%d pruned", n)
	}
	known, err := r.Reader().KnownIDs(ctx, []string{was.ObjectID, "other"})
	if err != nil || !known[was.ObjectID] || known["other"] {
		t.Errorf("known are %v, %v", known, err)
	}
	for _, path := range []string{"b.jpg", "a.jpg"} {
		f := fileAt(path, 1)
		f.Size = was.Size
		e := r.entry(r.admit(f)[0])
		if has, err := r.Reader().HasSameSize(ctx, e); err != nil || !has {
			t.Errorf("%s: nothing has its size (%v)", path, err)
		}
		e.SHA256 = was.SHA256
		same, err := r.sameFiled(e)
		if err != nil || len(same) != 1 || same[0].Status != Filed || same[0].ObjectID != was.ObjectID || same[0].FileID != was.FileID || string(same[0].SHA256) != string(was.SHA256) {
			t.Errorf("%s: the same content has %+v, %v", path, same, err)
		}
		e.SHA256 = make([]byte, 32)
		if same, err := r.sameFiled(e); err != nil || len(same) != 0 {
			t.Errorf("%s: other content is taken for %+v, %v", path, same, err)
		}
	}
	for path, want := range map[string]bool{"a.jpg": true, "b.jpg": false} {
		e, ok, err := r.Reader().Latest(ctx, "in", path)
		if free, aerr := r.Reader().Adoptable(ctx, e.ID, was.ObjectID); !ok || free != want || err != nil || aerr != nil {
			t.Errorf("%s may adopt it: %v, want %v: %v, %v", path, free, want, err, aerr)
		}
	}
	taken, err := TakeOver(ctx, r.Journal, "in", "new")
	r.ok(err)
	counts, err := r.Reader().Counts(ctx)
	r.ok(err)
	if taken != 2 || len(counts) != 1 || counts[0].Pruned != 1 || counts[0].Seen != 2 {
		t.Errorf("after a rename: %d taken, %+v", taken, counts)
	}
}

// TestPrunedPathsHadAFile shows that a row of a manifest whose file was pruned has one:
// neither is it told as a row without, nor does it become a placeholder.
func TestPrunedPathsHadAFile(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	r.makeGens("a.jpg", []gen{{status: Filed, taken: true, hashed: true}})
	if n := r.pruneAll(Forget{Before: r.time.Add(time.Minute), Folders: []string{"in"}}); n != 1 {
		t.Fatalf("%d pruned", n)
	}
	var paths []string
	r.ok(CompanionReaderOf(r.Reader()).PathsBelow(ctx, "in", ".", func(path string) { paths = append(paths, path) }))
	if !slices.Equal(paths, []string{"a.jpg"}) {
		t.Errorf("the paths are %q", paths)
	}
	n, err := CompanionsOf(r.Journal).AdmitRows(ctx, r.manifest(fileAt("manifest.csv", 1)), []Fileless{{Path: "a.jpg", Kind: Placeholder, Sign: 1}, {Path: "b.jpg", Kind: Placeholder, Sign: 1}})
	if err != nil || n != 1 {
		t.Errorf("%d rows are admitted: %v", n, err)
	}
	which, args := Concern{Dir: "sub"}.where()
	if plan := r.plan(pathsBelow(which), slices.Repeat(append([]any{"in"}, args...), 2)...); strings.Contains(plan, "SCAN e") || !strings.Contains(plan, "pruned_path") {
		t.Errorf("it reads whole tables:\n%s", plan)
	}
}

// TestPrunedOfOneSize shows that what was pruned is found by its hash, where very many of
// it have one size, as the frames of a film do.
func TestPrunedOfOneSize(t *testing.T) {
	r := newRig(t)
	plan := r.plan(rememberedCopies, 1, []byte{1}, 1)
	if strings.Count(plan, "pruned_content (size=? AND sha256=?)") != 2 || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("all of the size are read:\n%s", plan)
	}
}

// TestPruneReadsOn shows that a batch costs what it forgets, not what the journal holds.
func TestPruneReadsOn(t *testing.T) {
	r := newRig(t)
	args := append(Forget{}.args(), sql.Named("after", 1), sql.Named("limit", 1), sql.Named("ids", "[]"))
	for _, query := range []string{nextPrunable, strings.TrimPrefix(choosePruned, "INSERT INTO temp.chosen ")} {
		if plan := r.plan(query, args...); strings.Contains(plan, "SCAN e") || strings.Contains(plan, "entries_status") {
			t.Errorf("all entries are read:\n%s", plan)
		}
	}
}

// BenchmarkPrune forgets histories of files that were moved away, in the batches of the
// command, and reports what an entry costs and how long a batch holds up others.
func BenchmarkPrune(b *testing.B) {
	for _, rows := range benchRows {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				j := openHistory(b, rows)
				byHand(b, j, `UPDATE entries SET aside = x'2e61'`)
				b.StartTimer()
				f := Forget{Before: time.UnixMilli(2), Folders: []string{"photos"}, Contents: true}
				pruned, longest := 0, time.Duration(0)
				for after := int64(0); ; {
					began := time.Now()
					out, next, err := Prune(b.Context(), j, f, after, 200)
					if err != nil {
						b.Fatal(err)
					}
					for _, p := range out {
						pruned += p.Entries
					}
					longest = max(longest, time.Since(began))
					if after = next; next == 0 {
						break
					}
				}
				if pruned != rows {
					b.Fatalf("%d pruned", pruned)
				}
				b.StopTimer()
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(rows), "µs/entry")
				b.ReportMetric(longest.Seconds()*1000, "ms/longest")
				_ = j.Close()
			}
		})
	}
}
