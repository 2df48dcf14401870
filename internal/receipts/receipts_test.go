package receipts

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/follow"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/sharefs"
)

// receiptIn is the receipt of a folder.
func receiptIn(dir string, full int64) *Receipt {
	m := mounts.New([]dropfolder.Folder{{Name: "in", Path: dir}}, func() {}, zerolog.Nop())
	return New(Config{
		Folder: "in", Path: dir, Dir: "_ingested", Full: full, Mounts: m, Now: time.Now,
		Facts: func(_ context.Context, e follow.Event) (Facts, error) {
			return Facts{ObjectID: e.ObjectID, FileID: "f-" + e.ObjectID, Version: 1, Checksum: "sha256:0f"}, nil
		},
		Again: func(context.Context, follow.Event) (bool, error) { return false, nil },
	})
}

// events are of files that came to rest, a millisecond apart.
func events(paths ...string) []follow.Event {
	out := make([]follow.Event, len(paths))
	for i, path := range paths {
		out[i] = follow.Event{
			ID: int64(i + 1), Time: time.Date(2026, 11, 30, 10, 0, 0, i*1e6, time.UTC),
			Folder: "in", Path: path, Entry: int64(i + 1), Status: "filed", ObjectID: "o", Reason: "",
		}
	}
	return out
}

func take(t *testing.T, r *Receipt, events []follow.Event) {
	t.Helper()
	if done, err := r.Take(t.Context(), events, false); err != nil || !done {
		t.Fatal(done, err)
	}
}

// rows reads a list as a spreadsheet does, without its first line.
func rows(t *testing.T, file string) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte(bom)); n != 1 || !bytes.HasPrefix(text, []byte(bom)) {
		t.Errorf("%d byte order marks, one in front is right", n)
	}
	all, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte(bom)))).ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if !slices.Equal(all[0], columns) {
		t.Errorf("the columns are %q", all[0])
	}
	return all[1:]
}

func paths(rows [][]string) []string {
	var out []string
	for _, row := range rows {
		out = append(out, row[1])
	}
	return out
}

func want(t *testing.T, file string, want ...string) {
	t.Helper()
	if got := paths(rows(t, file)); !slices.Equal(got, want) {
		t.Errorf("the list has %q, want %q", got, want)
	}
}

func TestRowsAreWrittenOnce(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "_ingested", Name)
	names := []string{"a.jpg", "Ä/ö.jpg", `quote".jpg`, "two\nlines.jpg", "a,b.jpg", "\xff.jpg", "a.jpg"}
	told := []string{"a.jpg", "Ä/ö.jpg", `quote".jpg`, "two\nlines.jpg", "a,b.jpg", "\uFFFD.jpg", "a.jpg"}
	all := events(names...)
	r := receiptIn(dir, 0)
	take(t, r, all)
	want(t, list, told...)
	if got := rows(t, list)[0]; !slices.Equal(got, []string{"2026-11-30T10:00:00.000Z", "a.jpg", "filed", "o", "f-o", "1", "sha256:0f", ""}) {
		t.Errorf("the first row is %q", got)
	}
	take(t, r, all) // as after a crash before the place was noted
	want(t, list, told...)
	take(t, r, all[3:])
	want(t, list, told...)

	later := events("b.jpg", "b.jpg")
	later[1].Time = later[0].Time // two that are alike are two rows
	take(t, r, later)
	take(t, r, later)
	want(t, list, append(told, "b.jpg", "b.jpg")...)
}

// TestBrokenOffAnywhere cuts the list at each byte of what was written last, as a crash or a
// power failure does: the same events make it whole.
func TestBrokenOffAnywhere(t *testing.T) {
	first, second := events("old.jpg"), events("old.jpg", `two`+"\n"+`li"nes.jpg`, "=1.jpg", "last.jpg")[1:]
	for i := range second {
		second[i].Reason = "it has\ntwo \"lines\", and a comma"
	}
	dir := t.TempDir()
	list := filepath.Join(dir, "_ingested", Name)
	r := receiptIn(dir, 0)
	take(t, r, first)
	before, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	take(t, r, second)
	after, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(after) + 1 {
		events, from := second, len(before)
		if n < from {
			if n >= len(begin()) {
				continue // the middle of a row that was durable before
			}
			events = append(slices.Clone(first), second...)
		}
		if err := os.WriteFile(list, after[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		take(t, r, events)
		got, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, after) {
			t.Fatalf("broken off after %d of %d bytes, it became\n%q, want\n%q", n, len(after), got, after)
		}
	}
}

// TestListOfPeople has people do with the list what they do.
func TestListOfPeople(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "_ingested", Name)
	all := events("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")
	r := receiptIn(dir, 0)
	take(t, r, all[:1])
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	take(t, r, all[1:2])
	want(t, list, "b.jpg")
	if err := os.RemoveAll(filepath.Dir(list)); err != nil {
		t.Fatal(err)
	}
	take(t, r, all[2:3])
	want(t, list, "c.jpg")

	// Sorted, another separator, no mark, and no end of the last line.
	changed := "time;path;status\n2026-11-30T10:00:00.002Z;c.jpg;filed;seen by Kim"
	if err := os.WriteFile(list, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	take(t, r, all[3:4])
	take(t, r, all[3:4])
	text, err := os.ReadFile(list)
	if err != nil || !strings.HasPrefix(string(text), changed+"\n2026-11-30T10:00:00.003Z,d.jpg,") || strings.Count(string(text), "\n") != 3 {
		t.Errorf("what was changed is now %q (%v)", text, err)
	}

	// Something else in its place.
	for what, put := range map[string]func() error{
		"a directory": func() error { return os.Mkdir(list, 0o700) },
		"a link":      func() error { return os.Symlink(filepath.Join(dir, "elsewhere"), list) },
		"a pipe":      func() error { return unix.Mkfifo(list, 0o600) },
	} {
		if err := errors.Join(os.Remove(list), put()); err != nil {
			t.Fatal(err)
		}
		if done, err := r.Take(t.Context(), all[4:], false); err == nil || done {
			t.Errorf("with %s in its place: %v", what, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "elsewhere")); err == nil {
		t.Error("a link was followed")
	}
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	take(t, r, all[4:])
	want(t, list, "e.jpg")
}

// TestNoFormula holds that no cell of the list is run by a spreadsheet, whichever sign
// separates cells on its machine.
func TestNoFormula(t *testing.T) {
	for text, want := range map[string]string{
		"=1+1":              "'=1+1",
		"+1":                "'+1",
		"-1":                "'-1",
		"@SUM(A1)":          "'@SUM(A1)",
		"\t=1":              "'\t'=1",
		"\r=1":              "'\r'=1",
		" =1":               " '=1",
		"\u00a0=1":          "\u00a0'=1",
		`"=1`:               `"'=1`,
		"＝1":                "'＝1",
		"a;=1":              "a;'=1",
		"a; @x":             "a; '@x",
		"a\n=1":             "a\n'=1",
		`a;"=1"`:            `a;"'=1"`,
		"a-b=c@d+e.jpg":     "a-b=c@d+e.jpg",
		"brand/-3dB.wav":    "brand/-3dB.wav",
		"":                  "",
		"the file, a \"b\"": "the file, a \"b\"",
	} {
		if got := cell(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	dir := t.TempDir()
	take(t, receiptIn(dir, 0), events("=HYPERLINK(\"http://x\",\"y\").jpg"))
	if got := rows(t, filepath.Join(dir, "_ingested", Name))[0][1]; got != "'=HYPERLINK(\"http://x\",\"y\").jpg" {
		t.Errorf("the path is %q", got)
	}
}

func TestFullListIsPutAside(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "_ingested", Name)
	r := receiptIn(dir, 100)
	all := events("a.jpg", "b.jpg", "c.jpg")
	take(t, r, all[:2])
	take(t, r, all[:2]) // it is full, and has these
	want(t, list, "a.jpg", "b.jpg")
	take(t, r, all[2:])
	want(t, list, "c.jpg")
	aside, err := filepath.Glob(filepath.Join(dir, "_ingested", "ingestd-receipt-2*.csv"))
	if err != nil || len(aside) != 1 {
		t.Fatal(aside, err)
	}
	want(t, aside[0], "a.jpg", "b.jpg")
}

// TestListInUse has the list be open in a program that keeps it to itself, on a share.
func TestListInUse(t *testing.T) {
	dir := t.TempDir()
	share := sharefs.Mount(t, dir)
	share.Write("x", "") // a directory to be seen
	r := receiptIn(dir, 0)
	all := events("a.jpg", "b.jpg")
	take(t, r, all[:1])
	for _, why := range []syscall.Errno{syscall.EBUSY, syscall.EACCES, syscall.EIO} {
		share.RefuseOpen("_ingested/"+Name, why)
		if done, err := r.Take(t.Context(), all[1:], false); done || !errors.Is(err, why) {
			t.Fatalf("refused by %v: %v, %v", why, done, err)
		}
	}
	share.RefuseOpen("_ingested/"+Name, syscall.EBUSY)
	if _, err := r.Take(t.Context(), all[1:], false); !errors.Is(err, file.ErrLocked) {
		t.Errorf("the error is %v", err)
	}
	share.RefuseOpen("_ingested/"+Name, 0)
	take(t, r, all[1:])
	text, _ := share.Read("_ingested/" + Name)
	if strings.Count(text, "a.jpg") != 1 || strings.Count(text, "b.jpg") != 1 {
		t.Errorf("the list is %q", text)
	}
}

// TestFullDisk writes to a small one, which is then read-only for a while.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no mount here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	r := receiptIn(dir, 0)
	list := filepath.Join(dir, "_ingested", Name)
	all := events("a.jpg", "b.jpg", "c.jpg")
	all[1].Reason = strings.Repeat("a long reason. ", 1000)
	take(t, r, all[:1])
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	for range 3 {
		if done, err := r.Take(t.Context(), all[1:], false); done || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("on a full disk: %v, %v", done, err)
		}
	}
	want(t, list, "a.jpg")
	if err := errors.Join(os.Remove(filler), unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")); err != nil {
		t.Fatal(err)
	}
	if done, err := r.Take(t.Context(), all[1:], false); done || !errors.Is(err, syscall.EROFS) {
		t.Fatalf("on a read-only disk: %v, %v", done, err)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	take(t, r, all[1:])
	want(t, list, "a.jpg", "b.jpg", "c.jpg")
}

// TestFolderIsAway has the share not be mounted: nothing is made in its place.
func TestFolderIsAway(t *testing.T) {
	dir := t.TempDir()
	m := mounts.New([]dropfolder.Folder{{Name: "in", Path: dir, Marker: ".mounted"}}, func() {}, zerolog.Nop())
	r := receiptIn(dir, 0)
	r.Mounts = m
	if done, err := r.Take(t.Context(), events("a.jpg"), false); err == nil || done {
		t.Fatal("a folder without its marker was written to")
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("it has %v (%v)", names, err)
	}
}
