package ingest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
)

// TestUnmount takes the share away after the k-th commit, for every k, as an
// unmount does: the folder is empty and its marker gone. Nothing is concluded from
// that, and with the share back the file goes on where it was.
func TestUnmount(t *testing.T) {
	t.Parallel()
	for _, after := range []dropfolder.After{dropfolder.AfterKeep, dropfolder.AfterMove, dropfolder.AfterDelete} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			for k, more := 1, true; more && !t.Failed(); k += pointOf {
				more = unmountAfter(t, after, int64(k))
			}
		})
	}
}

// unmountAfter reports whether there was a k-th commit.
func unmountAfter(t *testing.T, after dropfolder.After, k int64) bool {
	r := newFilingRig(t, after)
	r.config.Folders[0].Marker = ".mounted"
	r.write(".mounted", 0, 0)
	r.write("acme/a.jpg", 1000, 1)
	sum := r.md5("acme/a.jpg")

	var commits atomic.Int64
	unmounted := make(chan struct{})
	r.commit = func() {
		if commits.Add(1) != k {
			return
		}
		if err := os.Rename(r.drop, r.drop+".away"); err != nil {
			t.Error(err)
		}
		if err := os.Mkdir(r.drop, 0o755); err != nil {
			t.Error(err)
		}
		close(unmounted)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := r.start()
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx, p) }()
	select {
	case <-unmounted:
		time.Sleep(100 * time.Millisecond) // for wrong conclusions
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	case err := <-ended:
		r.close(p)
		if err != nil {
			t.Error(err)
		}
		return false
	}
	r.close(p)

	if err := os.Remove(r.drop); err != nil { // and nothing was made in it
		t.Fatalf("after commit %d: %v", k, err)
	}
	if err := os.Rename(r.drop+".away", r.drop); err != nil {
		t.Fatal(err)
	}
	r.commit = nil
	r.clock = func() time.Time { return time.Now().Add(time.Hour) }
	r.backfill()
	all := r.entries()
	if len(all) != 1 || all[0].Status != journal.Filed {
		t.Errorf("after commit %d: want one entry, filed; journal:", k)
		for _, e := range all {
			t.Logf("%s generation %d: %s %s", e.Path, e.Generation, e.Status, e.Reason.Message)
		}
	}
	switch after {
	case dropfolder.AfterKeep:
		r.wantFiles(".mounted", "acme/a.jpg")
	case dropfolder.AfterMove:
		r.wantFiles(".mounted", "_ingested/acme/a.jpg")
	case dropfolder.AfterDelete:
		r.wantFiles(".mounted")
	}
	if got := available(r.sandbox.State()); len(got) != 1 || got[0].ContentMD5 != sum {
		t.Errorf("after commit %d: the account holds %d assets: %+v", k, len(got), got)
	}
	r.wantNothingLeft(r.sandbox.State())
	if t.Failed() {
		t.Fatalf("unmounted after commit %d; log:\n%s", k, r.log)
	}
	return true
}

// TestFoldersHangingTogether has folders that hang take all workers: those that are
// stuck are replaced, and no more get stuck.
func TestFoldersHangingTogether(t *testing.T) {
	t.Parallel() // the end waits for the hanging ones in vain
	r := newRig(t, nil)
	r.config.Workers = 2
	var entered []<-chan string
	for i := range 3 {
		name := fmt.Sprintf("hangs-%d", i)
		r.addFolder(name)
		entered = append(entered, r.hang(name))
		r.fill(name, "x", 5, 10)
	}
	p := r.start()
	defer r.close(p)
	r.admitAll(p)
	stop := runUntil(p)
	for i, e := range entered[:2] { // and the third gets no worker
		<-e
		p.Hang(fmt.Sprintf("hangs-%d", i))
	}
	p.Hang("hangs-2")
	r.fill("drop", "y", 20, 10)
	r.admitAll(p)
	r.until(p, "the folder that does not hang is in", func() bool { return r.filed(p, "drop") == 20 })
	for i, e := range entered {
		if n := len(e); n > 0 {
			t.Errorf("folder %d that hangs has %d workers more than its one", i, n)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestFolderAway has a folder that is not there cost a few looks, not one for each of
// its files.
func TestFolderAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.fill("drop", "x", 50, 10)
	p := r.start()
	defer r.close(p)
	r.admitAll(p)
	away := filepath.Join(filepath.Dir(r.drop), "away")
	if err := os.Rename(r.drop, away); err != nil {
		t.Fatal(err)
	}
	stop := runUntil(p)
	waiting := func() (n int) {
		for _, e := range r.entries() {
			if e.Status != journal.Settled || e.Failures > 0 {
				t.Fatalf("%s is %s after %d failures: %s", e.Path, e.Status, e.Failures, e.Reason.Message)
			}
			if e.Tries > 0 {
				n++
			}
		}
		return n
	}
	r.until(p, "the folder is found missing", func() bool { return waiting() > 0 })
	if n := waiting(); n > r.config.Workers {
		t.Errorf("%d files were tried", n)
	}
	if err := os.Rename(away, r.drop); err != nil {
		t.Fatal(err)
	}
	r.until(p, "all is in", func() bool { return r.filed(p, "drop") == 50 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}
