package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stuck returns what status says of a path that is not in yet.
func (r *shared) stuck(path string) (status, reason, hint string) {
	r.t.Helper()
	s, err := r.status()
	if err != nil { // the daemon has not made its journal yet
		return "", "", ""
	}
	for _, e := range s.Entries {
		if e.Path == path && e.Status != "superseded" {
			status, reason, hint = e.Status, e.Reason, e.Hint
		}
	}
	return status, reason, hint
}

// TestUnreadableFileIsWaitedFor: a file whose rights are still to come stays where it
// is, while it is waited for and afterwards, and goes in when they have come.
func TestUnreadableFileIsWaitedFor(t *testing.T) {
	s := newStand(t, "1.5", nil)
	r := newShared(t, s, 0, fs.ModeSetgid|0o770)
	r.with("listen:", "retry: {max_attempts: 3, initial: 1s}\nlisten:")
	r.drops("acme/in.jpg", "in")
	r.does(theCreative, "sh", "-c", `printf late >acme/late.jpg; mkdir -m 0700 acme/closed; printf closed >acme/closed/c.jpg; chmod 0640 acme/closed/c.jpg`)
	const other = 61009 // a group that the service has not yet
	r.drops("acme/other.jpg", "other")
	r.must(os.Chown(filepath.Join(r.drop, "acme/other.jpg"), int(theCreative.Uid), other))
	r.must(os.Chmod(filepath.Join(r.drop, "acme/other.jpg"), 0o640))

	daemon := r.ingestd(theService, "run")
	eventually(t, "status says who may not read what", func() bool {
		_, reason, hint := r.stuck("acme/late.jpg")
		return strings.Contains(reason, `the user 61001 may not read "acme/late.jpg", which belongs to 61003:61002 with mode 0600: permission denied`) &&
			strings.Contains(hint, "Let the user 61001 read it")
	})
	eventually(t, "the other file is in", func() bool { return r.there("_ingested/acme/in.jpg") })
	eventually(t, "the file that nobody helps has failed", func() bool {
		status, _, _ := r.stuck("acme/other.jpg")
		return status == "failed"
	})
	if !r.there("acme/other.jpg") || r.there("_failed") {
		t.Error("a file that could not be read was carried off")
	}
	r.does(theCreative, "chmod", "g+r", "acme/late.jpg")
	r.does(theCreative, "chmod", "g+rwx", "acme/closed")
	eventually(t, "the files that can be read now are in", func() bool {
		return r.there("_ingested/acme/late.jpg") && r.there("_ingested/acme/closed/c.jpg")
	})
	daemon.terminate()

	grown := theService
	grown.Groups = append([]uint32{other}, theService.Groups...)
	daemon = r.ingestd(grown, "run")
	eventually(t, "the file is in that the service may read now", func() bool { return r.there("_ingested/acme/other.jpg") })
	if r.there("_failed") {
		t.Error("a file was carried off")
	}
	daemon.terminate()
	s.complain(t)
}

// TestBackfillLeavesUnreadableFiles: a backfill does not wait for rights, nor carries
// such files off.
func TestBackfillLeavesUnreadableFiles(t *testing.T) {
	s := newStand(t, "1.5", nil)
	r := newShared(t, s, 0, fs.ModeSetgid|0o770)
	r.drops("acme/in.jpg", "in")
	r.does(theCreative, "sh", "-c", `printf late >acme/late.jpg`)
	if code := r.ingestd(theService, "backfill", "--after", "move").wait(patience); code != exitNotIngested {
		t.Errorf("exit code %d", code)
	}
	if !r.there("acme/late.jpg") || r.there("_failed") || !r.there("_ingested/acme/in.jpg") {
		t.Error("the file that could not be read was carried off, or the other was not")
	}
	r.does(theCreative, "chmod", "g+r", "acme/late.jpg")
	if code := r.ingestd(theService, "backfill", "--after", "move").wait(patience); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if !r.there("_ingested/acme/late.jpg") {
		t.Error("the file is not in")
	}
	s.complain(t)
}
