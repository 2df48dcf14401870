package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"
)

// farEast is a time zone in which it is another day than in most others.
const farEast = "Pacific/Kiritimati"

// daysFromNow names a day of the week in the time zone, by its first three letters.
func daysFromNow(t *testing.T, days int) (short string, long time.Weekday) {
	t.Helper()
	zone, err := time.LoadLocation(farEast)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(zone)
	day := (now.Weekday() + time.Weekday(days)) % 7
	return day.String()[:3], day
}

// hoursOf is what status says that a folder waits for, and an entry.
func (r *room) hoursOf() (folder, entry string) {
	r.t.Helper()
	_, stdout, _ := r.run("status", "--json")
	var report struct {
		Folders []struct{ Hours string }
		Entries []struct{ Status, Reason string }
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		return "", ""
	}
	if len(report.Folders) > 0 {
		folder = report.Folders[0].Hours
	}
	if len(report.Entries) > 0 {
		entry = report.Entries[0].Status + ": " + report.Entries[0].Reason
	}
	return folder, entry
}

// A folder outside of its hours says so everywhere, its files wait, and reload opens and
// closes it while the daemon runs.
func TestHours(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.env["SETTLE"], r.env["TZ"] = "20ms", farEast
	in2, long := daysFromNow(t, 3)
	why := "waits for its hours: from " + long.String() + " 00:00 (" + in2 + ")"
	today, _ := daysFromNow(t, 0)
	tomorrow, _ := daysFromNow(t, 1)
	open := r.edit("    settle: ", "    hours: "+in2+"\n    settle: ")
	closed := func() { r.edit("    settle: ", "    hours: "+in2+"\n    settle: ") }
	r.write("acme/a.jpg", "a")

	code, stdout, stderr := r.run("explain", r.drop+"/acme/a.jpg")
	if code != 0 || !strings.Contains(stdout, "drop/acme/a.jpg: asset\n  "+why+"\n") {
		t.Errorf("explain: %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr = r.run("backfill", "--dry-run")
	if code != 0 || !strings.Contains(stdout, why) {
		t.Errorf("a dry run: %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, stderr = r.run("backfill", "--dry-run", "--ignore-hours"); code != 0 || strings.Contains(stdout, "its hours") {
		t.Errorf("a dry run at any hour: %d\n%s%s", code, stdout, stderr)
	}

	daemon := r.start("run")
	eventually(t, "the file waits", func() bool {
		folder, entry := r.hoursOf()
		return folder == why && entry == "settled: "+why
	})
	code, stdout, _ = r.run("status")
	if code != 0 || strings.Count(stdout, "folder drop "+why+"\n") != 1 || !strings.Contains(stdout, "    why: "+why) || strings.Contains(stdout, "paused") {
		t.Errorf("status: %d\n%s", code, stdout)
	}
	if _, stdout, _ = r.run("explain", r.drop+"/acme/a.jpg"); !strings.Contains(stdout, "\n  "+why+"\n") {
		t.Errorf("explain of what is queued:\n%s", stdout)
	}
	if b := r.books(); b.Seen != 1 || b.Queued != 1 || b.Paused != "" {
		t.Errorf("the books are %+v", b)
	}
	if n := len(s.assets()); n != 0 {
		t.Errorf("%d assets were created", n)
	}
	if code, _, stderr := r.run("backfill", "--ignore-hours"); code != 2 || !strings.Contains(stderr, "needs the journal for itself") {
		t.Errorf("a backfill at any hour beside a daemon: %d\n%s", code, stderr)
	}

	open()
	r.edit("    settle: ", "    hours: "+today+","+tomorrow+"\n    settle: ")
	r.reload(0, "reloaded: folder drop\n") // without its rules: nothing is looked at anew
	eventually(t, "the file is in", func() bool { return len(s.named("a.jpg")) == 1 })
	if folder, _ := r.hoursOf(); folder != "" {
		t.Errorf("within its hours the folder %s", folder)
	}
	daemon.says("the folder " + why + "; what is on its way finishes")
	open()
	closed()
	r.reload(0, "reloaded: folder drop\n")
	r.write("acme/b.jpg", "b")
	eventually(t, "the second file waits", func() bool { _, entry := r.hoursOf(); return entry == "settled: "+why })
	follows := r.start("backfill") // it asks the daemon, and waits with it
	follows.says("folder drop " + why)
	follows.signal(syscall.SIGTERM)
	follows.wait(patience)
	daemon.terminate()
	if folder, _ := r.hoursOf(); folder != "" {
		t.Errorf("with no daemon the folder %s", folder)
	}

	waits := r.start("backfill")
	waits.says("folder drop " + why)
	waits.signal(syscall.SIGTERM)
	waits.wait(patience)
	if n := len(s.named("b.jpg")); n != 0 {
		t.Error("a backfill began a file outside of its hours")
	}
	if code, _, stderr := r.run("backfill", "--ignore-hours"); code != 0 || len(s.named("b.jpg")) != 1 {
		t.Errorf("a backfill at any hour: %d\n%s", code, stderr)
	}
}

// A timetable of the bandwidth is taken up by reload.
func TestBandwidthTimetable(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.env["SETTLE"] = "20ms"
	r.edit("upload: {", `upload: {bandwidth: "00:00,off 12:00,off", `)
	r.start("run")
	r.write("acme/fast.jpg", strings.Repeat("f", 400<<10))
	eventually(t, "the first file is in", func() bool { return len(s.named("fast.jpg")) == 1 })
	r.edit("00:00,off 12:00,off", "Mon-Fri 00:00,100KiB 12:00,100KiB Sat,Sun 12:00,100KiB")
	r.reload(0, "reloaded: upload\n")
	begun := time.Now()
	r.write("acme/slow.jpg", strings.Repeat("s", 400<<10))
	eventually(t, "the second file is in", func() bool { return len(s.named("slow.jpg")) == 1 })
	if took := time.Since(begun); took < 3*time.Second { // it cannot be faster
		t.Errorf("400 KiB at 100 KiB a second took %s", took)
	}
	r.edit("00:00,100KiB", "24:00,100KiB")
	r.reload(2, `bandwidth: "24:00" is no time of day (write 00:00, with the day after)`)
}
