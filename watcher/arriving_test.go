package watcher

import (
	"context"
	"errors"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// arrivingRig is a polled folder in a bubble, where each file has to be seen holding
// still.
func arrivingRig(t *testing.T, leases bool) *rig {
	r := newRig(t, Folder{Path: "in", Settle: time.Second, Patience: 15 * time.Second, Mode: ModePoll, PollInterval: time.Second})
	r.mkdir("in")
	r.pretend(local, leases)
	r.w.folders[0].known = func(_ context.Context, files []file.File) ([]file.File, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.DeleteFunc(slices.Clone(files), func(f file.File) bool { return slices.Contains(r.files[f.Path], f) }), nil
	}
	return r
}

// takenAs fails unless path was emitted once, with this size.
func (r *rig) takenAs(path string, size int64) {
	r.t.Helper()
	r.await(path)
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := r.files[path]; len(got) != 1 || got[0].Size != size {
		r.t.Errorf("%s was emitted as %+v, want once with %d bytes", path, got, size)
	}
}

// nothingYet fails if anything but these was emitted.
func (r *rig) nothingYet(but ...string) {
	r.t.Helper()
	synctest.Wait()
	if got := r.emitted(); !slices.Equal(got, but) {
		r.t.Errorf("emitted %q, want %q alone", got, but)
	}
}

// after lets time pass, and returns the state of the folder then.
func (r *rig) after(d time.Duration) State {
	time.Sleep(d)
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state("drop")
}

// A file that was closed empty is filled by its path, long after a file with content
// would have been taken.
func TestEmptyFileWaitsForItsContent(t *testing.T) {
	for _, leases := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := arrivingRig(t, leases)
			r.write("in/full", "x")
			r.write("in/filled", "")
			r.write("in/never", "")
			start := time.Now()
			r.run()
			if s := r.after(100 * time.Second); s.Empty != 2 || s.EmptyFile != "filled" || s.Settling != 2 || s.Arriving != 0 {
				t.Errorf("leases %v: %+v", leases, s)
			}
			r.nothingYet("full")
			r.write("in/filled", "content")
			r.takenAs("filled", 7)
			r.takenAs("never", 0)
			r.mu.Lock()
			took := r.when["never"].Sub(start)
			r.mu.Unlock()
			if took < 2*time.Minute || took > 3*time.Minute {
				t.Errorf("leases %v: the empty file took %v", leases, took)
			}
			if s := r.after(time.Second); s.Empty != 0 || s.Settling != 0 {
				t.Errorf("leases %v: at the end %+v", leases, s)
			}
		})
	}
}

// An empty file of an archive waits for nothing, a fresh one does.
func TestWalkWaitsForFreshEmptyFiles(t *testing.T) {
	for later, want := range map[time.Duration]int{time.Hour: 0, 10 * time.Second: 1} {
		r := newRig(t, Folder{Path: "in"})
		r.write("in/empty", "")
		f := r.w.folders[0]
		f.now = func() time.Time { return time.Now().Add(later) }
		must(t, f.step(t.Context()))
		if got := len(f.settle.pending); got != want || len(r.emitted()) != 1-want {
			t.Errorf("%v later %d files wait, want %d; emitted %q", later, got, want, r.emitted())
		}
	}
}

// While a transfer lies beside a file the file is not taken, and when it goes the
// file is.
func TestTransferBeside(t *testing.T) {
	for _, leases := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := arrivingRig(t, leases)
			beside := []string{
				"x.mov.part", "X.MOV.PART", ".x.mov.part", "x.9FkC2lbV.mov.part", "x.mov.1a2b3c4d.partial", "x.mov.partial", "x.mov.aria2",
				"x.mov.crdownload", "x.mov.opdownload", "x.mov.download", "x.mov.filepart", "x.mov.!qB", "x.mov.!ut", "x.mov.bc!",
				"x.mov.aspera-ckpt", "x.mov.aspx", "x.mov.st", "x.mov.ytdl", "x.mov.part-Frag12.part", "x.f137.mov.part",
				"x.mov.ocTransferId123456.part", "x.mov.fdmdownload", "x.mov.lftp-pget-status", ".in.x.mov", ".in.x.mov.",
				".syncthing.x.mov.tmp", "~syncthing~x.mov.tmp", "x.mov.!sync", "x.mov.ffs_tmp", "x.mov.xltd", "x.mov._COPYING_",
				"x.mov_.gstmp", "x.mov.part.minio", "x.mov.downloading", "x.mov.ob!",
			}
			for i, name := range beside {
				dir := "in/" + string(rune('A'+i)) + "/"
				r.write(dir+"x.mov", "half")
				r.write(dir+name, "")
			}
			r.write("in/torrent/deep/y.mov", "half") // aria2's way with several files
			r.write("in/torrent.aria2", "")
			r.write("in/streams/z.f137.mp4", "a whole stream") // to be put together with the other
			r.write("in/streams/z.f140.m4a.part", "")
			r.write("in/u\u0308/\u00fc.mov", "half")
			r.write("in/u\u0308/u\u0308.mov.part", "")
			// What lies beside a file that is whole.
			for _, name := range []string{".whole.mov.AbC123", ".whole.mov.~1a2b", "whole.mov.sb-1234abcd-AbC123", "whole.mov.tmp", "other.mov.part"} {
				r.write("in/"+name, "x")
			}
			r.write("in/whole.mov", "whole")
			r.run()
			s := r.after(10 * time.Minute)
			r.nothingYet("whole.mov")
			if n := len(beside) + 3; s.Arriving != n || s.Settling != n || s.Beside != "A/x.mov.part" || s.Empty != 0 {
				t.Errorf("leases %v: %+v, want %d arriving", leases, s, n)
			}
			for i, name := range beside {
				must(t, os.Remove(r.path("in/"+string(rune('A'+i))+"/"+name)))
			}
			must(t, os.Remove(r.path("in/torrent.aria2")))
			must(t, os.Remove(r.path("in/streams/z.f140.m4a.part")))
			must(t, os.Remove(r.path("in/u\u0308/u\u0308.mov.part")))
			if s := r.after(arrivingEvery + 3*time.Second); s.Settling != 0 || s.Arriving != 0 {
				t.Errorf("leases %v: %+v after they are gone", leases, s)
			}
			for i := range beside {
				r.takenAs(string(rune('A'+i))+"/x.mov", 4)
			}
			r.takenAs("torrent/deep/y.mov", 4)
			r.takenAs("streams/z.f137.mp4", 14)
			r.takenAs("u\u0308/\u00fc.mov", 4)
		})
	}
}

// What a video's streams are put together in holds them back, and the video that is
// replaced by it. It is held open meanwhile. What others call so is a file of its own.
func TestMergedStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := arrivingRig(t, true)
		var open []*os.File
		for _, name := range []string{"z.temp.mkv", "tags.temp.m4a"} {
			r.write("in/"+name, "half")
			f, err := os.OpenFile(r.path("in/"+name), os.O_WRONLY, 0)
			must(t, err)
			open = append(open, f)
		}
		r.write("in/z.f137.webm", "a whole stream")
		r.write("in/z.f140.m4a", "another")
		r.write("in/tags.m4a", "music")
		r.write("in/a.psd", "a picture")
		r.write("in/a.temp.psd", "another picture")
		r.run()
		if s := r.after(10 * time.Minute); s.Arriving != 3 || s.Settling != 5 {
			t.Errorf("%+v, want 3 files that wait for the 2 that are open", s)
		}
		for _, f := range open {
			must(t, f.Close())
		}
		must(t, os.Rename(r.path("in/z.temp.mkv"), r.path("in/z.mkv")))
		must(t, os.Remove(r.path("in/z.f137.webm")))
		must(t, os.Remove(r.path("in/z.f140.m4a")))
		must(t, os.Rename(r.path("in/tags.temp.m4a"), r.path("in/tags.m4a")))
		r.after(2 * time.Minute)
		for _, name := range []string{"z.mkv", "tags.m4a", "a.psd", "a.temp.psd"} {
			if !slices.Contains(r.emitted(), name) {
				t.Errorf("%s was not emitted", name)
			}
		}
		if n := len(r.emitted()); n != 4 {
			t.Errorf("emitted %q, want 4 files", r.emitted())
		}
	})
}

// Where there are events, the content of an empty file is one, and so is the end of a
// transfer: their files need not wait until they are due.
func TestEndOfTransferIsHeard(t *testing.T) {
	r := newRig(t, Folder{Path: "in"})
	r.write("in/filled", "")
	r.started()
	r.until("it waits", func() bool { return r.state("drop").EmptyFile == "filled" })
	r.write("in/filled", "content")
	r.takenAs("filled", 7)

	r = newRig(t, Folder{Path: "in"})
	r.write("in/x", "half")
	r.write("in/x.part", "")
	r.started()
	r.until("it waits", func() bool { s := r.state("drop"); return s.Arriving == 1 && s.Beside == "x.part" })
	must(t, os.Remove(r.path("in/x.part")))
	r.takenAs("x", 4)

	f := newFolder(Folder{Name: "f", Settle: quiet}, Options{Clock: time.Now})
	now := time.Now()
	f.settle.putBack("x", file.Stat{}, now, now.Add(time.Hour), false)
	f.arrivals.add("x", &arrival{beside: "x.part"})
	f.arrivals.stirred("x.part", true)
	if due, _ := f.settle.next(); due.After(time.Now()) {
		t.Errorf("it is due only in %v", time.Until(due))
	}
}

// A transfer that nobody goes on with holds a file back for an hour, not for ever.
func TestTransferThatWasGivenUp(t *testing.T) {
	for _, leases := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := arrivingRig(t, leases)
			r.write("in/old/x", "half")
			r.write("in/old/x.part", "")
			r.write("in/seen/x", "half")
			r.write("in/seen/x.part", "")
			r.write("in/alive/x", "half")
			r.write("in/alive/x.part", "")
			long := time.Now().Add(-2 * time.Hour)
			for _, name := range []string{"x", "x.part"} {
				must(t, os.Chtimes(r.path("in/old/"+name), long, long))
			}
			start := time.Now()
			r.run()
			r.takenAs("old/x", 4)
			if n := r.logged("nobody has touched"); n != 1 {
				t.Errorf("leases %v: said %d times", leases, n)
			}
			for range 4 { // a transfer that goes on, slowly
				r.after(25 * time.Minute)
				r.write("in/alive/x.part", time.Now().String())
			}
			r.takenAs("seen/x", 4)
			r.mu.Lock()
			took := r.when["seen/x"].Sub(start)
			r.mu.Unlock()
			if took < transferAge || took > transferAge+time.Minute {
				t.Errorf("leases %v: it took %v", leases, took)
			}
			r.nothingYet("old/x", "seen/x")
			if n := r.logged("nobody has touched"); n != 2 {
				t.Errorf("leases %v: said %d times", leases, n)
			}
		})
	}
}

// Firefox makes an empty file of the name, writes beside it, and renames over it.
func TestDownloadByFirefox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := arrivingRig(t, true)
		r.run()
		r.write("in/x.zip", "")
		for i := range 10 {
			r.write("in/x.zip.part", strings.Repeat("x", i))
			r.after(time.Minute)
		}
		r.nothingYet()
		r.rename("in/x.zip.part", "in/x.zip")
		r.takenAs("x.zip", 9)
	})
}

// aria2 reserves the space at once, fills it, and pauses, closing the file.
func TestDownloadByAria2(t *testing.T) {
	for _, leases := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := arrivingRig(t, leases)
			r.run()
			r.write("in/x.iso.aria2", "0")
			r.write("in/x.iso", strings.Repeat("\x00", 100))
			for i := range 4 {
				r.after(5 * time.Minute)
				f, err := os.OpenFile(r.path("in/x.iso"), os.O_WRONLY, 0)
				must(t, err)
				_, err = f.WriteAt([]byte(strings.Repeat("x", 25)), int64(25*i))
				must(t, err)
				must(t, f.Close())
				r.write("in/x.iso.aria2", string(rune('1'+i)))
			}
			r.nothingYet()
			must(t, os.Remove(r.path("in/x.iso.aria2")))
			r.takenAs("x.iso", 100)
		})
	}
}

// tusd says how long an upload is to become, and its notes are no files of anybody's.
func TestUploadByTus(t *testing.T) {
	const id = "24e533e02ec3bc40c387f1a0e460e216"
	synctest.Test(t, func(t *testing.T) {
		r := arrivingRig(t, true)
		r.write("in/"+id, "half")
		r.write("in/"+id+".info", `{"ID":"`+id+`","Size":8,"SizeIsDeferred":false,"Offset":0,"MetaData":{"filename":"x.mov"},"IsPartial":false}`)
		r.write("in/"+id+".lock", "4711")
		r.write("in/alone.info", `{"ID":"alone","Size":8,"Offset":0}`) // its upload was moved away
		r.write("in/alone.lock", "4711\n")
		for _, name := range []string{"photo.jpg", "photo.jpg.info", "Gemfile", "Gemfile.lock", "list.info", "page.aspx", "disk.st"} {
			r.write("in/"+name, "x")
		}
		others := []string{"Gemfile", "Gemfile.lock", "disk.st", "list.info", "page.aspx", "photo.jpg", "photo.jpg.info"}
		r.run()
		s := r.after(10 * time.Minute)
		r.nothingYet(others...)
		if s.Arriving != 1 || s.Beside != id+".info" || s.Settling != 1 {
			t.Errorf("%+v", s)
		}
		r.write("in/"+id, "both halves"[:8])
		r.takenAs(id, 8)
		r.after(10 * time.Minute)
		r.nothingYet(append([]string{id}, others...)...)
		for name, want := range map[string]bool{"alone.info": true, "alone.lock": true, id + ".lock": true, "photo.jpg.info": false} {
			if got := Skipped(r.w.folders[0].conf, name) != ""; got != want {
				t.Errorf("%s is skipped: %v", name, got)
			}
		}
	})
}

// With a sentinel the producer has said that all is there.
func TestSentinelStandsForTheTransfer(t *testing.T) {
	r := newRig(t, Folder{Path: "in", Ready: "{name}.done"})
	r.write("in/x", "")
	r.write("in/x.part", "")
	r.write("in/x.done", "")
	r.started()
	r.takenAs("x", 0)
}

// A lease is not what a file lacks whose mode keeps the daemon from opening it.
func TestWhyAFileCannotBeProbed(t *testing.T) {
	f := newRig(t).w.folders[0]
	r := newRig(t)
	f.log = r.w.folders[0].log
	f.gates.cannotProbe("x", unix.EACCES)
	f.gates.cannotProbe("y", unix.EACCES)
	if lease, mode := r.logged("CAP_LEASE"), r.logged("may not read this file"); lease != 0 || mode != 1 {
		t.Errorf("spoke %d times of leases, %d times of the mode:\n%s", lease, mode, r.log.String())
	}
	f.gates.cannotProbe("z", errors.Join(errNoLease, unix.EACCES))
	if r.logged("CAP_LEASE") != 1 {
		t.Errorf("did not speak of the lease:\n%s", r.log.String())
	}
}

func TestTransferOf(t *testing.T) {
	for name, want := range map[string][]string{
		"x.mov.part":             {"x.mov"},
		"x.9fkc2lbv.mov.part":    {"x.9fkc2lbv.mov", "x.mov"},
		".in.x.mov.":             {"x.mov.", "x.mov"},
		"x.mov":                  nil,
		".part":                  nil,
		"x.mov.tmp":              nil,
		".x.mov.abc123":          nil,
		"whole.mov_exiftool_tmp": nil,
	} {
		if got := transferOf(name); !slices.Equal(got, want) {
			t.Errorf("%s is about %q, want %q", name, got, want)
		}
	}
	for _, form := range transfers {
		if name := form.before + "x" + form.after; !junkName(name) {
			t.Errorf("%s is wanted as a file of its own", name)
		}
		if form.before+form.after != strings.ToLower(form.before+form.after) {
			t.Errorf("%+v is not in lower case", form)
		}
	}
}

func FuzzTransferOf(f *testing.F) {
	f.Add("x.9FkC2lbV.mov.part")
	f.Add(".in..")
	f.Add("a.f1.f2.part-frag1.part")
	f.Fuzz(func(t *testing.T, name string) {
		for _, of := range transferOf(name) {
			if of == "" || len(of) > len(name) || path.Base(name) == name && strings.Contains(strings.TrimSuffix(of, "/"), "/") {
				t.Errorf("%q is about %q", name, of)
			}
		}
	})
}

// A directory with many others in it is not read again for each few of them, nor for
// each file that comes and goes in it.
func TestListingsOfLargeDirectories(t *testing.T) {
	r := newRig(t, Folder{Path: "in", Settle: time.Second, Patience: time.Second, Mode: ModePoll})
	r.mkdir("in")
	f := r.w.folders[0]
	f.check()
	now := time.Now()
	f.arrivals.transfersIn(".", now)
	began := f.arrivals.listed["."].until
	for i := range 3 * listedDirs {
		r.mkdir("in/" + strconv.Itoa(i) + "/sub")
		f.arrivals.transfersIn(strconv.Itoa(i)+"/sub", now.Add(time.Millisecond))
		f.arrivals.transfersIn(strconv.Itoa(i), now.Add(time.Millisecond))
		f.arrivals.transfersIn(".", now.Add(time.Millisecond))
		f.arrivals.stirred("a"+strconv.Itoa(i)+".jpg", i%2 == 0)
		f.arrivals.stirred(".a.jpg.AbC123", i%2 == 0) // as rsync's
	}
	if got := f.arrivals.listed["."].until; !got.Equal(began) || len(f.arrivals.listed) > listedDirs {
		t.Errorf("the folder itself was read again: %v, %d listings are kept", !got.Equal(began), len(f.arrivals.listed))
	}
	f.arrivals.stirred("a.jpg.part", false)
	if _, known := f.arrivals.listed["."]; known {
		t.Error("a transfer that came is not looked for")
	}
}
