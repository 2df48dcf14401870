package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// meddling does something to the drop folder while the first upload is under way, or
// when its first part was stored.
type meddling struct {
	ingest.Store
	once           sync.Once
	midway, stored func()
}

func (m *meddling) Upload(ctx context.Context, job uploader.Job) error {
	progress, done := job.Progress, job.Done
	job.Progress = func(delta int64) {
		if m.midway != nil {
			m.once.Do(m.midway)
		}
		progress(delta)
	}
	job.Done = func(ctx context.Context, d uploader.Done) error {
		if m.stored != nil {
			m.once.Do(m.stored)
		}
		return done(ctx, d)
	}
	return m.Store.Upload(ctx, job)
}

// meddle has the next upload meddled with.
func (r *rig) meddle(m *meddling) {
	r.store = func(s ingest.Store) ingest.Store { m.Store = s; return m }
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// touches are what is done to files without a change of their bytes.
var touches = map[string]func(path string) error{
	"chmod":   func(path string) error { return os.Chmod(path, 0o640) },
	"chown":   func(path string) error { return os.Chown(path, os.Getuid(), os.Getgid()) },
	"link":    func(path string) error { return os.Link(path, path+".tmp") },
	"no link": func(path string) error { return errors.Join(os.Link(path, path+".tmp"), os.Remove(path+".tmp")) },
	"attribute": func(path string) error {
		err := syscall.Setxattr(path, "user.seen", []byte("x"), 0)
		if errors.Is(err, syscall.ENOTSUP) {
			return os.Chmod(path, 0o640)
		}
		return err
	},
	"access time": func(path string) error { return os.Chtimes(path, time.Now(), time.Time{}) },
	"there and back": func(path string) error {
		return errors.Join(os.Rename(path, path+".tmp"), os.Rename(path+".tmp", path))
	},
}

// wantOneCreate fails unless one asset was ever made, in one attempt, and the drop
// folder holds what is asked for.
func (r *rig) wantOneCreate(path string, after dropfolder.After) {
	r.t.Helper()
	if n := len(r.sandbox.State().Assets); n != 1 {
		r.t.Errorf("%d assets were made, want 1; log:\n%s", n, r.log)
	}
	if all := r.entries(); len(all) != 1 || all[0].Path != path || all[0].Status != journal.Filed || all[0].AttemptCount != 1 {
		r.t.Errorf("entries are %+v, want one of %s, filed after one attempt", all, path)
	}
	switch after {
	case dropfolder.AfterKeep:
		r.wantFiles(path)
	case dropfolder.AfterMove:
		r.wantFiles("_ingested/" + path)
	case dropfolder.AfterDelete:
		r.wantFiles()
	}
	r.wantNothingLeft(r.sandbox.State())
}

var afters = []dropfolder.After{dropfolder.AfterKeep, dropfolder.AfterMove, dropfolder.AfterDelete}

// TestTouchInMidUpload has no touch throw an upload away, nor keep a file in the folder
// that is to leave it.
func TestTouchInMidUpload(t *testing.T) {
	t.Parallel()
	for name, touch := range touches {
		for _, after := range afters {
			t.Run(name+" "+string(after), func(t *testing.T) {
				r := newFilingRig(t, after)
				r.write("a.jpg", mib, 1)
				m := &meddling{midway: func() { must(t, touch(filepath.Join(r.drop, "a.jpg"))) }}
				r.meddle(m)
				r.backfill()
				r.backfill()
				_ = os.Remove(filepath.Join(r.drop, "a.jpg.tmp")) // the other name is junk
				r.wantOneCreate("a.jpg", after)
			})
		}
	}
}

// TestTouchAtEachCommit touches a file whenever something was recorded of it.
func TestTouchAtEachCommit(t *testing.T) {
	t.Parallel()
	for _, after := range afters {
		t.Run(string(after), func(t *testing.T) {
			r := newFilingRig(t, after)
			r.write("a.jpg", mib, 1)
			var commits atomic.Int32 // they may come from several goroutines at once
			r.commit = func() {
				mode := os.FileMode(0o600 | 0o040*(commits.Add(1)%2))
				_ = os.Chmod(filepath.Join(r.drop, "a.jpg"), mode) // it may be moved already
			}
			r.backfill()
			r.commit = nil
			r.backfill()
			r.wantOneCreate("a.jpg", after)
		})
	}
}

// rewrite gives a file other bytes and puts its times back: only the bytes tell.
func rewrite(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("other bytes")
	return errors.Join(err, f.Close(), os.Chtimes(path, info.ModTime(), info.ModTime()))
}

// TestRewriteThatLooksLikeATouch loses no content: neither what was rewritten under the
// upload nor what was before it was filed.
func TestRewriteThatLooksLikeATouch(t *testing.T) {
	t.Parallel()
	for _, after := range afters {
		for _, when := range []string{"stored", "verified"} {
			t.Run(string(after)+" "+when, func(t *testing.T) {
				r := newFilingRig(t, after)
				r.config.VerifyAsset = when == "verified" // which no other file that stays comes by
				r.write("a.jpg", mib, 1)
				path := filepath.Join(r.drop, "a.jpg")
				sum := ""
				meddle := sync.OnceFunc(func() {
					must(t, rewrite(path))
					sum = r.md5("a.jpg")
				})
				if when == "stored" {
					r.meddle(&meddling{stored: meddle})
				} else {
					r.commit = func() {
						if e := r.latest(t, "a.jpg"); e.Status == journal.Verified && !e.Taken() {
							meddle()
						}
					}
				}
				r.backfill()
				r.commit = nil
				r.backfill()
				current := 0
				for _, a := range available(r.sandbox.State()) {
					if a.Current && a.ContentMD5 == sum {
						current++
					}
				}
				if current != 1 {
					t.Errorf("the rewritten content is there %d times, want once: %v", current, r.entries())
				}
				r.wantNothingLeft(r.sandbox.State())
			})
		}
	}
}

// renames are the ways to another path within the folder; each ends at new/a.jpg.
var renames = map[string]func(drop string) error{
	"file": func(drop string) error {
		return errors.Join(os.MkdirAll(drop+"/new", 0o755), os.Rename(drop+"/old/a.jpg", drop+"/new/a.jpg"))
	},
	"directory": func(drop string) error { return os.Rename(drop+"/old", drop+"/new") },
	"twice": func(drop string) error {
		return errors.Join(os.Rename(drop+"/old", drop+"/mid"), os.Rename(drop+"/mid", drop+"/new"))
	},
}

// TestRenameInMidUpload goes on with the open file: one create, and the entry has the
// new path, whether that is found while the upload is under way or afterwards.
func TestRenameInMidUpload(t *testing.T) {
	t.Parallel()
	for name, rename := range renames {
		for _, after := range afters {
			for _, found := range []string{"meanwhile", "afterwards"} {
				t.Run(fmt.Sprint(name, " ", after, " ", found), func(t *testing.T) {
					r := newFilingRig(t, after)
					r.write("old/a.jpg", mib, 1)
					var p *process
					m := &meddling{}
					m.midway = func() {
						must(t, rename(r.drop))
						if found == "meanwhile" {
							must(t, r.scan(t.Context(), p))
							for e := r.entry("new/a.jpg"); e.Status == journal.Settled && t.Context().Err() == nil; e = r.entry("new/a.jpg") {
								time.Sleep(time.Millisecond)
							}
						}
					}
					r.meddle(m)
					p = r.start()
					must(t, r.run(t.Context(), p))
					r.close(p)
					r.backfill()
					r.wantOneCreate("new/a.jpg", after)
				})
			}
		}
	}
}

// TestRenameOverAnotherInMidUpload has what overwrites a known file be its next content
// alone, and what takes a name that was freed be a renamed file.
func TestRenameOverAnotherInMidUpload(t *testing.T) {
	t.Parallel()
	for _, after := range []dropfolder.After{dropfolder.AfterKeep, dropfolder.AfterMove} {
		t.Run(string(after), func(t *testing.T) {
			r := newFilingRig(t, after)
			r.config.Folders[0].VersionByPath = after == dropfolder.AfterKeep
			r.write("known.jpg", 1000, 1)
			r.backfill()
			r.write("new.jpg", mib, 2)
			sum := r.md5("new.jpg")
			var p *process
			r.meddle(&meddling{midway: func() {
				must(t, os.Rename(filepath.Join(r.drop, "new.jpg"), filepath.Join(r.drop, "known.jpg")))
				must(t, r.scan(t.Context(), p))
				for e := r.entry("known.jpg"); e.Status == journal.Settled && t.Context().Err() == nil; e = r.entry("known.jpg") {
					time.Sleep(time.Millisecond)
				}
			}})
			p = r.start()
			must(t, r.run(t.Context(), p))
			r.close(p)
			r.backfill()
			state := r.sandbox.State()
			found := 0
			for _, a := range available(state) {
				if a.ContentMD5 == sum {
					found++
				}
			}
			if n := len(available(state)); found != 1 || n != 2 {
				t.Errorf("the content is there %d times in %d assets, want once in 2; entries %+v", found, n, r.entries())
			}
			if e := r.latest(t, "known.jpg"); e.Status != journal.Filed || e.Size != mib {
				t.Errorf("known.jpg is %s with %d bytes, want it filed with the new ones", e.Status, e.Size)
			}
			r.wantNothingLeft(state)
		})
	}
}

// TestRenameOfWhatIsIngested moves away what got another path before it could be.
func TestRenameOfWhatIsIngested(t *testing.T) {
	t.Parallel()
	for _, after := range afters {
		t.Run(string(after), func(t *testing.T) {
			r := newFilingRig(t, after)
			r.config.VerifyAsset = after == dropfolder.AfterKeep // else it is filed as soon as it is stored
			r.write("old/a.jpg", 1000, 1)
			var once sync.Once
			r.commit = func() {
				if r.intended(t, "old/a.jpg") || after == dropfolder.AfterKeep && r.latest(t, "old/a.jpg").Status == journal.Verified {
					once.Do(func() { must(t, renames["directory"](r.drop)) })
				}
			}
			r.backfill()
			r.commit = nil
			r.backfill()
			r.backfill()
			r.wantOneCreate("new/a.jpg", after)
		})
	}
}

// TestTouchOfWhatRests has what rests take a touch without starting over.
func TestTouchOfWhatRests(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	names := []string{"a.jpg", "ignored.jpg", "unmappable.jpg"}
	for _, name := range names {
		r.write(name, 1000, 1)
	}
	r.backfill()
	before := r.entries()
	for _, name := range names {
		must(t, os.Chmod(filepath.Join(r.drop, name), 0o600))
	}
	r.backfill()
	after := r.entries()
	if len(after) != len(before) {
		t.Fatalf("%d entries, were %d", len(after), len(before))
	}
	for i, e := range after {
		if e.ID != before[i].ID || e.Status != before[i].Status || e.ChangeTime == before[i].ChangeTime {
			t.Errorf("%s is entry %d, %s, with change time %d; was %d, %s, %d", e.Path, e.ID, e.Status, e.ChangeTime,
				before[i].ID, before[i].Status, before[i].ChangeTime)
		}
	}
}

// TestRestlessFile says once, and names the file, that it begins anew again and again.
func TestRestlessFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("a.jpg", mib, 1)
	n := 0
	r.store = func(s ingest.Store) ingest.Store {
		return storeFunc(func(ctx context.Context, job uploader.Job) error {
			err := s.Upload(ctx, job)
			if n++; n <= 4 {
				r.write("a.jpg", mib+n, uint64(n))
				return job.Source.Check()
			}
			return err
		})
	}
	r.backfill()
	r.wantExactly("a.jpg")
	warned := 0
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, `"warn"`) && strings.Contains(line, "a.jpg") && strings.Contains(line, `"times":3`) && strings.Contains(line, "settle") {
			warned++
		}
	}
	if warned != 1 {
		t.Errorf("it was said %d times, want once; log:\n%s", warned, r.log)
	}
}

// TestCutWhileItIsLookedAtOnceMore cuts a touched file short while it is read for the
// last time: it is in as it was, and what it is now is the next version.
func TestCutWhileItIsLookedAtOnceMore(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.VerifyAsset = true
	r.write("a.mov", 24*mib, 1)
	path := filepath.Join(r.drop, "a.mov")
	reads, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	must(t, err)
	cut := make(chan error, 1)
	r.api = func(a ingest.API) ingest.API {
		return &lookedAt{API: a, told: func() {
			must(t, os.Chmod(path, 0o600))
			_, err := unix.InotifyAddWatch(reads, path, unix.IN_ACCESS|unix.IN_ONESHOT)
			must(t, err)
			go func() {
				_, err := unix.Read(reads, make([]byte, 4096))
				cut <- errors.Join(err, os.Truncate(path, 1000), unix.Close(reads))
			}()
		}}
	}
	r.backfill()
	select {
	case err := <-cut:
		must(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("nobody looked at it once more")
	}
	r.api = nil
	r.backfill()
	if e := r.entry("a.mov"); e.Status != journal.Filed || e.Size != 1000 || e.Generation != 2 {
		t.Errorf("it is %s, generation %d, with %d bytes: %s", e.Status, e.Generation, e.Size, e.Reason.Message)
	}
}

// lookedAt is told of the first look at an asset.
type lookedAt struct {
	ingest.API
	once sync.Once
	told func()
}

func (l *lookedAt) Asset(ctx context.Context, id string) (tenovos.Asset, error) {
	l.once.Do(l.told)
	return l.API.Asset(ctx, id)
}
