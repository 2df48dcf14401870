package journal

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// copies asserts who could hold the content of an entry without a hash.
func (r *rig) copies(probe Entry, want ...int64) {
	r.t.Helper()
	has, err := r.Reader().HasSameSize(r.t.Context(), probe)
	r.ok(err)
	probe.SHA256 = []byte("sum")
	got, err := r.Reader().SameContent(r.t.Context(), probe)
	r.ok(err)
	var ids []int64
	for _, e := range got {
		ids = append(ids, e.ID)
	}
	if has != (len(want) > 0) || !slices.Equal(ids, want) {
		r.t.Errorf("entry %d: %v, copies %v, want %v", probe.ID, has, ids, want)
	}
}

// A hash, or none, changes nothing in who counts as a copy.
func TestStatusesOfCopies(t *testing.T) {
	for _, s := range statuses() {
		for _, sum := range [][]byte{nil, []byte("sum")} {
			r := newRig(t)
			ids := r.admit(fileAt("before", 1), fileAt("between", 1), fileAt("after", 1))
			r.bring(ids[1], s)
			if sum != nil {
				r.ok(r.SetSHA256(t.Context(), ids[1], sum))
			}
			before, after := r.entry(ids[0]), r.entry(ids[2])
			r.bring(ids[0], Failed)
			r.bring(ids[2], Failed)
			r.copies(r.entry(ids[1]))
			if s == Filed || s.Active() {
				r.copies(before, ids[1])
			} else {
				r.copies(before)
			}
			if s == Filed || s.Runnable() {
				r.copies(after, ids[1])
			} else {
				r.copies(after)
			}
			if sum != nil {
				r.ok(r.SetSHA256(t.Context(), ids[1], []byte("another")))
				if got, err := r.Reader().SameContent(t.Context(), Entry{ID: ids[2], File: file.File{Folder: "in", Path: "after", Stat: file.Stat{Size: after.Size}}, SHA256: sum}); err != nil || len(got) > 0 {
					t.Errorf("%s: another hash is no copy: %v, %v", s, got, err)
				}
			}
		}
	}
}

func TestOrderOfCopies(t *testing.T) {
	r := newRig(t)
	var files []file.File
	for i := range maxUnhashed + 6 {
		files = append(files, fileAt(fmt.Sprint(i), 1))
	}
	ids := r.admit(files...)
	for _, id := range ids[:3] {
		r.ok(r.SetSHA256(t.Context(), id, []byte("sum")))
	}
	r.bring(ids[2], Filed)
	r.bring(ids[1], Verifying)
	r.bring(ids[5], Filed)
	r.bring(ids[4], Uploading)
	want := append([]int64{ids[2]}, ids[3:3+maxUnhashed]...)
	r.copies(r.entry(ids[len(ids)-1]), want...)
	r.bring(ids[2], Withdrawn)
	want[0] = ids[0]
	r.copies(r.entry(ids[len(ids)-1]), want...)
}

// What a later generation replaced is no copy, for as long as that one is filed,
// and wherever the two are moved to.
func TestReplacedContentIsNoCopy(t *testing.T) {
	r := newRig(t)
	first := r.admit(fileAt("a", 1))[0]
	r.bring(first, Filed)
	probe := r.entry(r.admit(fileAt("probe", 1))[0])
	r.copies(probe, first)
	second := r.admit(fileAt("a", 2))[0]
	r.copies(probe, first)
	r.bring(second, Filed)
	r.copies(probe)
	r.ok(r.Advance(t.Context(), move(second, Filed, Withdrawn)))
	r.copies(probe, first)
	r.ok(r.Advance(t.Context(), move(second, Withdrawn, Filed)))
	r.copies(probe)
	r.ok(r.Advance(t.Context(), move(first, Filed, Withdrawn)))
	r.consistent()
	r.ok(r.Advance(t.Context(), move(first, Withdrawn, Filed)))
	r.copies(probe)
	there := r.admit(fileAt("b", 1))[0]
	r.bring(there, Filed)
	r.copies(probe, there)
	renamed := fileAt("b", 2)
	renamed.ChangeTime = 99
	r.ok(r.Renamed(t.Context(), r.admit(renamed)[0], r.entry(second)))
	r.copies(probe)
	r.consistent()
	r.ok(r.Advance(t.Context(), move(second, Filed, Withdrawn)))
	r.copies(probe, first)
}

// The first content of a path may be filed after a later one was: it was held as
// unverified meanwhile, or in the recycle bin. It is replaced from the beginning, and
// stays so once both are pruned.
func TestReplacedBeforeItIsFiled(t *testing.T) {
	for name, back := range map[string]func(r *rig, id int64){
		"held as unverified": func(r *rig, id int64) {
			r.ok(r.Advance(r.t.Context(), move(id, Held, Verifying)))
			r.bring(id, Filed)
		},
		"in the recycle bin": func(r *rig, id int64) {
			r.ok(r.Advance(r.t.Context(), move(id, Withdrawn, Filed)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			first := r.admit(fileAt("a", 1))[0]
			if name == "in the recycle bin" {
				r.bring(first, Withdrawn)
			} else {
				r.bring(first, Verifying)
				m := move(first, Verifying, Held)
				m.Reason.Class = ClassUnverified
				r.ok(r.Advance(t.Context(), m))
			}
			r.bring(r.admit(fileAt("a", 2))[0], Filed)
			back(r, first)
			r.consistent()
		})
	}
}

// However many entries have a size, those that do not count are not read.
func TestPlansOfCopies(t *testing.T) {
	r := newRig(t)
	const byID = "PRIMARY KEY (rowid=?)"
	for _, c := range []struct {
		plan          string
		entries, work []string // how it seeks
	}{
		{r.plan(anyOtherCopy, 1, 1, "in", []byte("a")), []string{"entries_content (size=?)", byID, byID},
			[]string{"work_content (size=? AND lane=?)", "work_size (size=? AND entry_id<?)"}},
		{r.plan(otherCopies, 1, 1, "in", []byte("a"), []byte("sum"), 1), slices.Concat(
			[]string{"entries_content (size=? AND sha256=?)", byID, byID, byID},
			[]string{"entries_content (size=? AND sha256=?)", byID, byID, byID}, []string{byID}), // the last one is the entry itself
			slices.Repeat([]string{"work_content (size=? AND lane=? AND sha256=? AND entry_id<?)",
				"work_content (size=? AND lane=? AND sha256=? AND entry_id<?)", "work_content (size=? AND lane=? AND sha256=?)"}, 2)},
	} {
		seeks := map[string][]string{}
		for line := range strings.Lines(c.plan) {
			if table, how, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "SEARCH "), " USING "); ok && !strings.Contains(how, "PRIMARY KEY (rowid=?)") || table == "e" {
				how = how[strings.Index(how, "INDEX ")+len("INDEX "):]
				seeks[table] = append(seeks[table], strings.TrimPrefix(how, "INTEGER "))
			}
		}
		for i, how := range seeks["e"] {
			if strings.Contains(how, byID) {
				seeks["e"][i] = byID
			}
		}
		if !slices.Equal(seeks["e"], c.entries) || !slices.Equal(seeks["w"], c.work) || strings.Contains(c.plan, "SCAN e") || strings.Contains(c.plan, "SCAN w") {
			t.Errorf("%q in\n%s", seeks, c.plan)
		}
	}
}

// BenchmarkCopies measures a look for copies that finds none, and one among filed
// entries, in journals of one size: a tenth each was queued later, with a hash or
// without, rests, has the hash and is a duplicate, was replaced, and is filed.
func BenchmarkCopies(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		j := openHistory(b, n)
		<-j.checked
		err := j.write(b.Context(), "make one size", func(tx *session) error {
			_, err := tx.exec(b.Context(), `UPDATE entries SET size = 7 + (id % 10 > 5),
					sha256 = CASE WHEN id % 10 IN (0, 2, 5) THEN NULL WHEN id % 10 = 4 THEN x'01' ELSE sha256 END;
				UPDATE entries SET status = CASE id % 10 WHEN 0 THEN 'settled' WHEN 1 THEN 'mapped' WHEN 2 THEN 'failed'
					WHEN 3 THEN 'ignored' WHEN 4 THEN 'duplicate' END WHERE id % 10 < 5;
				INSERT INTO entries (folder, path, generation, status, size, mod_time, change_time, dev, ino, seen_at, since, updated)
					SELECT folder, path, 2, 'verified', 9, 1, 1, 1, 1, 1, 1, 1 FROM entries WHERE id % 10 = 5;
				UPDATE entries SET status = 'filed' WHERE size = 9`)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		for size, want := range map[int64]bool{7: false, 8: true} {
			b.Run(fmt.Sprint(n, "/", want), func(b *testing.B) {
				e := Entry{File: file.File{Folder: "in", Path: "p", Stat: file.Stat{Size: size}}, SHA256: []byte{1}}
				for b.Loop() {
					has, err := j.Reader().HasSameSize(b.Context(), e)
					if err != nil || has != want {
						b.Fatal(has, err)
					}
					if got, err := j.Reader().SameContent(b.Context(), e); err != nil || len(got) > 0 {
						b.Fatal(got, err)
					}
				}
			})
		}
	}
}
