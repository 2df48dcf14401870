package manifest

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// shortRows is a manifest of so many rows that have little beside their names.
func shortRows(n int, first string) string {
	var b strings.Builder
	b.WriteString("file,title\n" + first)
	for i := range n {
		fmt.Fprintf(&b, "IMG_%07d.jpg,Title %d\n", i, i)
	}
	return b.String()
}

// TestManifestTakesLittle holds what a manifest takes against its file, and against
// what it says itself.
func TestManifestTakesLittle(t *testing.T) {
	for name, text := range map[string]string{
		"short rows": shortRows(60_000, ""), "tiny rows": "n,file\n" + strings.Repeat("1,\n", 100_000),
		"the same file": "file,n\n" + strings.Repeat("a.jpg,1\nA.jpg,2\n", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			m := mustManifest(t, text, Options{})
			took := heap() - before
			if says := m.size(); took > says+says/8+64<<10 || took < says/2 {
				t.Errorf("it takes %d bytes and says %d", took, says)
			}
			most := int64(len(text)) + int64(m.rows.len())*rowCost
			if m.files.bySpell.size() > 0 {
				most += int64(2*m.rows.len()) * setCost
			}
			if took > most+most/4 {
				t.Errorf("%d bytes of text in %d rows take %d, want %d at the most", len(text), m.rows.len(), took, most)
			}
			runtime.KeepAlive(m)
		})
	}
}

func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// TestStoreAcrossChunks reads rows of many sizes, over several pieces of memory, as they
// were written.
func TestStoreAcrossChunks(t *testing.T) {
	var b strings.Builder
	title := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), i*7919%30_000+1) }
	b.WriteString("file,title\n")
	const n = 600
	for i := range n {
		fmt.Fprintf(&b, "%d.jpg,%s\n", i, title(i))
	}
	m := mustManifest(t, b.String(), Options{})
	if len(m.rows.chunks) < 4 {
		t.Fatalf("%d pieces, want several", len(m.rows.chunks))
	}
	for i := range n {
		row, ok := m.Row(fmt.Sprintf("%d.jpg", i))
		if got := row.Facts()["manifest.title"].Values; !ok || row.Line != i+2 || len(got) != 1 || got[0] != title(i) {
			t.Fatalf("row %d is wrong: line %d", i, row.Line)
		}
	}
}

func TestRowSet(t *testing.T) {
	texts := make([]string, 5000)
	for i := range texts {
		texts[i] = fmt.Sprint(i * i)
	}
	s := newRowSet(len(texts))
	is := func(text string) func(uint32) bool { return func(row uint32) bool { return texts[row] == text } }
	for i, text := range texts {
		if !s.add(text, uint32(i), is(text)) || s.add(text, 0, is(text)) {
			t.Fatalf("%s is there too early, or added twice", text)
		}
	}
	for i, text := range texts {
		if row, ok := s.find(text, is(text)); !ok || row != uint32(i) {
			t.Errorf("%s is row %d, %v", text, row, ok)
		}
	}
	if _, ok := s.find("-1", is("-1")); ok {
		t.Error("found what is not in it")
	}
	if _, ok := new(rowSet).find("", nil); ok {
		t.Error("found something in an empty set")
	}
}

// folders makes drop folders, each with a manifest of as many rows, over one Tables.
func folders(t *testing.T, n, rows int, tables *Cache) []*Folder {
	t.Helper()
	out := make([]*Folder, n)
	for i := range out {
		dir := t.TempDir()
		write(t, dir, "manifest.csv", shortRows(rows, fmt.Sprintf("a.jpg,of %d\n", i)))
		out[i] = folderOf(dir, tables, "manifest.csv")
	}
	return out
}

// folderOf returns the manifests of a drop folder, of which it has these.
func folderOf(dir string, tables *Cache, names ...string) *Folder {
	all := listed{}
	for _, name := range names {
		all[path.Dir(name)] = append(all[path.Dir(name)], NewFile(name))
	}
	return &Folder{Root: dir, Cache: tables, VirtualRows: DefaultVirtualRows, Directories: all}
}

// listed tells a Folder of the manifests in its directories, and that .xmp is a companion.
type listed map[string][]*File

func (l listed) Manifests(_ *file.Root, dir string) ([]*File, error) { return l[dir], nil }

func (listed) IsCompanion(name string) bool { return path.Ext(name) == ".xmp" }

// titleOf returns the title that the nearest manifest has for a file.
func titleOf(f *Folder, of string) (string, error) {
	root, err := file.OpenRoot(f.Root)
	if err != nil {
		return "", err
	}
	defer root.Close()
	var unread error
	rows, _, err := f.Nearest(root, of, func(_ string, err error) { unread = err })
	if err != nil || unread != nil {
		return "", errors.Join(err, unread)
	}
	return rows[0].Facts()["manifest.title"].Values[0], nil
}

// TestTablesShareOneBudget asks six folders in turn, all at once, for more than there is
// room for: each gets its facts, and never is more taken than may be.
func TestTablesShareOneBudget(t *testing.T) {
	const limit = 2 << 20 // of six times 0.8 MiB
	tables := NewCache(limit)
	all := folders(t, 6, 20_000, tables)
	var wg sync.WaitGroup
	for i, c := range all {
		wg.Go(func() {
			for range 20 {
				err := tables.Patiently(func() error {
					title, err := titleOf(c, "a.jpg")
					if err == nil && title != fmt.Sprintf("of %d", i) {
						err = fmt.Errorf("folder %d says %q", i, title)
					}
					if now := tables.now(); now > limit {
						err = fmt.Errorf("%d bytes are taken", now)
					}
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := tables.kept.Len(); n == 0 || n > 2 {
		t.Errorf("%d tables are kept in room for two", n)
	}
}

func (t *Cache) now() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken
}

// TestLeastRecentlyUsedGoes lets the one go that nobody asked for, and none that is in
// use, or was just read.
func TestLeastRecentlyUsedGoes(t *testing.T) {
	tables := NewCache(2 << 20)
	all := folders(t, 3, 20_000, tables)
	for _, c := range all[:2] {
		if _, err := titleOf(c, "a.jpg"); err != nil {
			t.Fatal(err)
		}
	}
	fileOf := func(f *Folder) *File { return f.Directories.(listed)["."][0] }
	age := func(c *Folder, by time.Duration) {
		tb := fileOf(c).table
		tb.read, tb.used = tb.read.Add(-by), tb.used.Add(-by)
	}
	age(all[0], -time.Minute) // however long the reading took
	age(all[1], -time.Minute)
	if _, err := titleOf(all[2], "a.jpg"); err == nil || !strings.Contains(err.Error(), "manifests.memory") {
		t.Errorf("both are in use, and the third got %v", err)
	} else if _, later := errors.AsType[*NotYetError](err); !later {
		t.Errorf("not for later: %v", err)
	}
	age(all[0], 2*time.Minute)
	age(all[1], 2*time.Minute)
	if _, err := titleOf(all[0], "a.jpg"); err != nil { // it is asked for again
		t.Fatal(err)
	}
	if _, err := titleOf(all[2], "a.jpg"); err != nil {
		t.Fatal(err)
	}
	if fileOf(all[0]).table.place == nil || fileOf(all[1]).table.place != nil {
		t.Error("not the least recently used one went")
	}

	m, err := all[0].at(rootOf(t, all[0]), "manifest.csv")
	if err != nil {
		t.Fatal(err)
	}
	age(all[0], time.Hour)
	age(all[2], time.Second)
	if _, err := titleOf(all[1], "a.jpg"); err != nil || m.table.place == nil {
		t.Errorf("a table went that somebody keeps: %v", err)
	}
	all[0].unpin(m)
	age(all[0], time.Hour)
	age(all[1], time.Hour)
	tables.letGoUnused()
	if n := tables.kept.Len(); n != 0 || tables.now() != 0 {
		t.Errorf("%d tables of %d bytes are kept that nobody asked for", n, tables.now())
	}
}

func rootOf(t *testing.T, c *Folder) *file.Root {
	t.Helper()
	root, err := file.OpenRoot(c.Root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// TestManifestAboveTheLimit is refused once, whatever makes it large, and takes nothing.
func TestManifestAboveTheLimit(t *testing.T) {
	for name, text := range map[string]string{
		"text": shortRows(60_000, "a.jpg,x\n"), "rows": "n,file\n" + strings.Repeat("1,\n", 100_000) + "1,a.jpg\n",
		"one file": "file\n" + strings.Repeat("a.jpg\nA.jpg\n", 40_000),
	} {
		t.Run(name, func(t *testing.T) {
			dir, tables := t.TempDir(), NewCache(1<<20)
			write(t, dir, "manifest.csv", text)
			c := folderOf(dir, tables, "manifest.csv")
			for range 2 {
				var unread error
				if _, _, err := c.Nearest(rootOf(t, c), "a.jpg", func(_ string, err error) { unread = err }); err != nil {
					t.Fatal(err)
				}
				if unread == nil || !strings.Contains(unread.Error(), "the 1 MiB that `manifests.memory` allows") {
					t.Errorf("got %v, want the limit's name", unread)
				}
			}
			if now := tables.now(); now != 0 {
				t.Errorf("%d bytes are taken for it", now)
			}
			write(t, dir, "manifest.csv", "file,title\na.jpg,now it fits\n")
			if title, err := titleOf(c, "a.jpg"); err != nil || title != "now it fits" {
				t.Errorf("corrected, it says %q, %v", title, err)
			}
		})
	}
}

// TestBrokenTablesGiveBack reads what is no table: nothing is taken for it afterwards.
func TestBrokenTablesGiveBack(t *testing.T) {
	for name, text := range map[string]string{
		"one line": "file," + strings.Repeat("x", 13<<20), "columns": "file" + strings.Repeat(",c", 1_000_000) + "\n",
		"an open quotation mark": "file,t\na.jpg,\"" + strings.Repeat("b.jpg,c\n", 300_000), "zeros": "file\n" + strings.Repeat("\x00", 1<<20),
		"a gzip": "\x1f\x8b\x08\x00" + strings.Repeat("\xfe\x01,\n", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			dir, tables := t.TempDir(), NewCache(DefaultMemory)
			write(t, dir, "manifest.csv", text)
			c := folderOf(dir, tables, "manifest.csv")
			var unread error
			_, _, err := c.Nearest(rootOf(t, c), "a.jpg", func(_ string, err error) { unread = err })
			if err != nil || unread == nil {
				t.Errorf("got %v, want a manifest that cannot be read", err)
			}
			if now := tables.now(); now != 0 {
				t.Errorf("%d bytes are taken for it", now)
			}
		})
	}
}

// TestReadingHoldsUpOnlyWhoNeedsIt has a manifest that is being read without an end:
// files of other directories are not held up, and those who need it are sent away.
func TestReadingHoldsUpOnlyWhoNeedsIt(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a/manifest.csv", "file,title\nx.jpg,of a\n")
	write(t, dir, "b/manifest.csv", "file,title\nx.jpg,of b\n")
	tables := NewCache(DefaultMemory)
	c := folderOf(dir, tables, "a/manifest.csv", "b/manifest.csv")
	found := c.Directories.(listed)["a"][0]
	endless := &reading{since: time.Now().Add(-time.Minute), done: make(chan struct{})}
	found.reading = endless

	if title, err := titleOf(c, "b/x.jpg"); err != nil || title != "of b" {
		t.Errorf("b says %q, %v", title, err)
	}
	_, err := titleOf(c, "a/x.jpg")
	if later, ok := errors.AsType[*NotYetError](err); !ok || later.After <= 0 || !strings.Contains(err.Error(), "a/manifest.csv is just being read") {
		t.Errorf("a got %v", err)
	}
	found.reading = nil
	close(endless.done)
	if title, err := titleOf(c, "a/x.jpg"); err != nil || title != "of a" {
		t.Errorf("a says %q, %v", title, err)
	}
}

// TestOneReadsForAll asks for a manifest many times at once: it is read once.
func TestOneReadsForAll(t *testing.T) {
	c := folders(t, 1, 50_000, NewCache(DefaultMemory))[0]
	var wg sync.WaitGroup
	seen := make(chan *Manifest, 16)
	for range 16 {
		wg.Go(func() {
			err := c.Cache.Patiently(func() error {
				all, err := c.in(rootOf(t, c), ".")
				if err == nil && all[0].err == nil {
					seen <- all[0].Manifest
				}
				return errors.Join(err, all[0].err)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(seen)
	first := <-seen
	for m := range seen {
		if m != first {
			t.Error("it was read again")
		}
	}
}

// TestStopEndsTheReading of manifests, and the waiting for room.
func TestStopEndsTheReading(t *testing.T) {
	tables := NewCache(DefaultMemory)
	c := folders(t, 1, 1000, tables)[0]
	if _, wait := tables.claim(DefaultMemory); wait != 0 {
		t.Fatal("there is no room at the beginning")
	}
	_, err := titleOf(c, "a.jpg")
	if _, later := errors.AsType[*NotYetError](err); !later {
		t.Errorf("got %v without room", err)
	}
	tables.Stop()
	if err := tables.Patiently(func() error { _, err := titleOf(c, "a.jpg"); return err }); !errors.Is(err, ErrStopped) {
		t.Errorf("waiting for room ended with %v", err)
	}
	tables.giveBack(DefaultMemory)
	if _, err := titleOf(c, "a.jpg"); !errors.Is(err, ErrStopped) {
		t.Errorf("reading ended with %v", err)
	}
}

// TestVirtualInBatches gathers the rows without files of a manifest of several batches,
// each path once.
func TestVirtualInBatches(t *testing.T) {
	const n = 3*virtualBatch + 7
	var b strings.Builder
	b.WriteString("file,placeholder\n")
	for i := range n {
		fmt.Fprintf(&b, "%d.jpg,yes\n", i)
	}
	fmt.Fprint(&b, "0.jpg,yes\nno.jpg,perhaps\n")
	dir := t.TempDir()
	write(t, dir, "manifest.csv", b.String())
	c := folderOf(dir, NewCache(DefaultMemory), "manifest.csv")
	seen, batches, wrong := map[string]bool{}, 0, 0
	err := c.Virtual("manifest.csv", func(rows []Virtual, amiss []error) error {
		batches, wrong = batches+1, wrong+len(amiss)
		for _, v := range rows {
			if seen[v.Path] {
				t.Errorf("%s comes again", v.Path)
			}
			seen[v.Path] = true
		}
		return nil
	})
	if err != nil || len(seen) != n || batches != 4 || wrong != 1 {
		t.Errorf("%d rows in %d batches, %d wrong, %v", len(seen), batches, wrong, err)
	}
	err = c.Virtual("manifest.csv", func([]Virtual, []error) error {
		later := time.Now().Add(time.Hour)
		return os.Chtimes(filepath.Join(dir, "manifest.csv"), later, later)
	})
	if err == nil || !strings.Contains(err.Error(), "changed while its rows were read") {
		t.Errorf("changed meanwhile: %v", err)
	}
}

// TestTooManyRowsWithoutFiles makes nothing of a manifest with one row more than may be,
// files that are there aside, and says so.
func TestTooManyRowsWithoutFiles(t *testing.T) {
	for _, tt := range []struct {
		limit, want int
	}{{2, -1}, {3, 3}, {-1, -1}} {
		dir := t.TempDir()
		write(t, dir, "manifest.csv", "file,placeholder,title\na.jpg,yes,\nb.jpg,yes,\nc.jpg,1,\nthere.jpg,yes,\nplain.jpg,,x\n")
		write(t, dir, "there.jpg", "x")
		c := folderOf(dir, NewCache(DefaultMemory), "manifest.csv")
		c.VirtualRows = tt.limit
		rows, _, err := allVirtual(c, "manifest.csv")
		lost, lostErr := c.Unmatched(rootOf(t, c), "manifest.csv", func(string, func(string)) error { return nil }, func(string) bool { return false })
		if lostErr != nil {
			t.Fatal(lostErr)
		}
		if tt.want >= 0 {
			if err != nil || len(rows) != tt.want+1 || strings.Contains(lost.Message, "rows_without_files") {
				t.Errorf("limit %d: %d rows, %v; %s", tt.limit, len(rows), err, lost.Message)
			}
			continue
		}
		tooMany, ok := errors.AsType[*TooManyRowsError](err)
		if !ok || len(rows) > 0 || !strings.Contains(tooMany.Error(), "3 rows of manifest.csv") || !strings.Contains(tooMany.Error(), "`manifests.rows_without_files`") {
			t.Errorf("limit %d: %d rows, %v", tt.limit, len(rows), err)
		}
		if lost.Message != tooMany.Error() || lost.Count != 3 {
			t.Errorf("told is %+v", lost)
		}
	}
}

// TestResizedIsTold of manifests that are large, and not of small ones.
func TestResizedIsTold(t *testing.T) {
	tables := NewCache(DefaultMemory)
	var told []int64
	tables.Resized = func(bytes int64) { told = append(told, bytes) }
	for _, size := range []int64{resizedBy / 2, 2 * resizedBy} {
		c, _ := tables.claim(size)
		c.end(nil)
	}
	if want := []int64{2 * resizedBy, 0}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
