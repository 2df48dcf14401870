package journal

import (
	"os"
	"strings"
	"testing"
	"time"
)

// fillWAL makes the -wal file grow beyond its limit while somebody reads.
func (r *rig) fillWAL() {
	r.t.Helper()
	for i := 0; r.walSize() <= walLimit+1<<20; i++ {
		text := strings.Repeat(string(rune('a'+i%26)), 1<<20)
		r.ok(FoldersOf(r.Journal).Set(r.t.Context(), FolderState{Name: "in", Paused: text}))
	}
}

func (r *rig) walSize() int64 {
	r.t.Helper()
	info, err := os.Stat(r.path + "-wal")
	r.ok(err)
	return info.Size()
}

// TestWALShrinks has a reader hold an old state of the journal while much is written. When
// it lets go, the -wal file is emptied without another commit.
func TestWALShrinks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other, err := OpenReader(t.Context(), r.path) // another process, for all that SQLite knows
	r.ok(err)
	defer other.Close()
	tx, err := other.db.BeginTx(t.Context(), nil)
	r.ok(err)
	var n int
	r.ok(tx.QueryRow(`SELECT count(*) FROM folders`).Scan(&n))
	r.fillWAL()
	if r.walSize() <= walLimit {
		t.Fatal("the reader does not hold anything")
	}
	r.ok(tx.QueryRow(`SELECT count(*) FROM folders`).Scan(&n))
	if n != 0 {
		t.Fatalf("the reader sees %d folders of later", n)
	}
	r.ok(tx.Rollback())
	for deadline := time.Now().Add(30 * time.Second); r.walSize() > walLimit; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the -wal file still has %d bytes", r.walSize())
		}
	}
	r.balanced()
}

// TestWALCloses closes a journal while a reader still keeps its -wal file from being
// emptied: nothing waits for that.
func TestWALCloses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other, err := OpenReader(t.Context(), r.path)
	r.ok(err)
	defer other.Close()
	tx, err := other.db.BeginTx(t.Context(), nil)
	r.ok(err)
	defer func() { _ = tx.Rollback() }()
	var n int
	r.ok(tx.QueryRow(`SELECT count(*) FROM folders`).Scan(&n))
	r.fillWAL()
	r.ok(r.Close())
	r.reopen()
	r.balanced()
}
