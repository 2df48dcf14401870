package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// ownConfig gives the room a configuration of its own, which edit changes.
func (r *room) ownConfig() {
	r.t.Helper()
	data, err := os.ReadFile(r.config)
	if err == nil {
		r.config = filepath.Join(r.dir, "config.yaml")
		err = os.WriteFile(r.config, data, 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// edit replaces a text of the configuration, wherever it stands, and returns what
// takes that back.
func (r *room) edit(from, to string) (undo func()) {
	r.t.Helper()
	before, err := os.ReadFile(r.config)
	if err == nil && !strings.Contains(string(before), from) {
		r.t.Fatalf("the configuration has no %q", from)
	}
	if err == nil {
		err = os.WriteFile(r.config, []byte(strings.ReplaceAll(string(before), from, to)), 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return func() {
		if err := os.WriteFile(r.config, before, 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

// reload runs the command, which must end with a code and print a text.
func (r *room) reload(code int, says string) (stdout, stderr string) {
	r.t.Helper()
	got, stdout, stderr := r.run("reload")
	if got != code || !strings.Contains(stdout+stderr, says) {
		r.t.Errorf("reload: exit code %d, want %d and %q\n%s%s", got, code, says, stdout, stderr)
	}
	return stdout, stderr
}

// saysTimes waits until the log says a text so many times.
func (p *process) saysTimes(text string, n int) {
	p.t.Helper()
	eventually(p.t, "the log says "+text+" once more", func() bool { return strings.Count(p.stderr.String(), text) == n })
}

// TestReload changes the configuration of a running daemon, for better and worse.
func TestReload(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.env["SETTLE"] = "20ms"
	r.write("acme/before.jpg", "before")
	r.write("hooli/held.jpg", "held")
	undo := r.edit(`match: "**"`, `match: "**/*.jpg"`)
	r.write("acme/ignored.tif", "ignored")
	r.reload(1, "no daemon runs with the journal "+r.journal)
	daemon := r.start("run")
	eventually(t, "one is in, one held, one ignored", func() bool {
		b, err := r.status()
		return err == nil && len(b.Folders) == 1 && b.Folders[0].Filed == 1 && b.Folders[0].Held == 1 && b.Folders[0].Ignored == 1
	})
	if says := s.describe(s.named("before.jpg")[0]); !strings.Contains(says, "Description=acme: before.jpg") {
		t.Error(says)
	}
	r.reload(0, "it says the same as before")
	daemon.saysTimes("not reloaded: the configuration says the same as before", 1)

	// Another rule: what waited for it is released, and new files get what it says.
	undo()
	r.edit("{mueller: Müller & Söhne}", "{mueller: Müller & Söhne, hooli: Umbrella}")
	r.edit(`"{path.brand}: {file.name}"`, `"by the new rule: {file.name}"`)
	daemon.signal(syscall.SIGHUP)
	daemon.says(`"reloaded"`)
	r.write("acme/after.jpg", "after")
	eventually(t, "the new, the held and the ignored one are in", func() bool {
		return len(s.named("after.jpg")) == 1 && len(s.named("held.jpg")) == 1 && len(s.named("ignored.tif")) == 1
	})
	for name, want := range map[string]string{
		"after.jpg": "Description=by the new rule: after.jpg; Brand=Acme", "held.jpg": "Description=by the new rule: held.jpg; Brand=Umbrella",
		"ignored.tif": "Description=by the new rule: ignored.tif; Brand=Acme", "before.jpg": "Description=acme: before.jpg",
	} {
		if says := s.describe(s.named(name)[0]); !strings.Contains(says, want) {
			t.Errorf("%s, want %s", says, want)
		}
	}
	if log := daemon.stderr.String(); !strings.Contains(log, `"files":2`) || strings.Count(log, `"running"`) != 2 {
		t.Error("the log does not say that two files were released, and two engines at work")
	}

	// The command, which waits until it is done.
	r.edit("upload: {parts: 2,", "workers: 3\nupload: {parts: 3,")
	stdout, _ := r.reload(0, "reloaded: ")
	if want := r.config + ": reloaded: upload, workers\n"; stdout != want {
		t.Errorf("reload printed %q, want %q", stdout, want)
	}
	daemon.saysTimes(`"running"`, 3)

	// Mistakes of the file and of its names change nothing, and read as in check.
	for _, bad := range []struct{ from, to, says string }{
		{"parts: 3", "parts: many", "upload.parts"},
		{"template: Video", "template: Vidoe", `the account has no metadata template "Vidoe"`},
		{"folders:", "folders: [", "not YAML"},
	} {
		undo := r.edit(bad.from, bad.to)
		_, stderr := r.reload(2, "")
		code, _, checked := r.run("check")
		if code != 2 || stderr != checked || !strings.Contains(stderr, r.config+":") {
			t.Errorf("reload says\n%s\ncheck says\n%s", stderr, checked)
		}
		undo()
	}
	undo = r.edit("template: Video", "template: Vidoe")
	daemon.signal(syscall.SIGHUP)
	daemon.saysTimes(r.config+`:`, 2) // the one of the command as well
	undo()

	// What cannot be changed.
	undo = r.edit("/state/journal.db", "/elsewhere/journal.db")
	daemon.signal(syscall.SIGHUP)
	daemon.says("journal cannot be changed from " + r.journal)
	r.reload(1, "has to be restarted")
	undo()

	// Nobody answers at the API's address.
	undo = r.edit("${TENOVOS_URL}", "http://"+reserve(t).addr+"/v1")
	r.reload(1, "Tenovos does not answer")
	undo()

	r.reload(0, "it says the same as before")
	r.write("acme/last.jpg", "last")
	eventually(t, "the daemon goes on", func() bool { return len(s.named("last.jpg")) == 1 })
	if n := strings.Count(daemon.stderr.String(), `"running"`); n != 3 {
		t.Errorf("%d engines were at work, want 3", n)
	}
	eventually(t, "everything is filed", func() bool { return r.books().Filed == 5 })
	daemon.terminate()
	s.complain(t)
}

// TestReloadWhileWaiting mends the address of the API that a daemon waits for.
func TestReloadWhileWaiting(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	undo := r.edit("${TENOVOS_URL}", "http://"+reserve(t).addr+"/v1")
	r.write("acme/patient.jpg", "patient")
	daemon := r.start("run")
	daemon.says("waiting for it before anything else")
	undo()
	daemon.signal(syscall.SIGHUP)
	eventually(t, "the file is in", func() bool { return len(s.named("patient.jpg")) == 1 })
	daemon.terminate()
	s.complain(t)
}

// TestReloadInTheMiddle reloads while one of the four parts of a file is on its
// way: that part is sent again, and no other. A cancel that the old engine could
// not finish is answered by the new one, and a second reload is not lost.
func TestReloadInTheMiddle(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 310 MiB")
	}
	t.Parallel()
	const size, stalled = 310 * mib, 3
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.env["SETTLE"], r.env["GRACE"] = "20ms", "1s"
	sum := makeFile(t, filepath.Join(r.drop, "acme", "film.mov"), size)
	err := s.Queue(sandbox.Fault{Operation: sandbox.PutPart, Part: stalled, Kind: sandbox.FaultStall, Bytes: 20 * mib, Delay: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	daemon := r.start("run")
	eventually(t, "the journal knows of three parts", func() bool {
		return r.stored(1) == 210*mib
	})

	r.edit("settle: ${SETTLE}", "settle: 30ms")
	first := r.start("reload")
	daemon.says("no new work is begun with the old configuration")
	r.edit("settle: 30ms", "settle: 40ms")
	daemon.signal(syscall.SIGHUP) // while the first drains
	if code := first.wait(patience); code != 0 || !strings.Contains(first.stdout.String(), "reloaded: folder drop\n") {
		t.Errorf("reload: exit code %d", code)
	}
	daemon.saysTimes(`"reloaded"`, 2)
	eventually(t, "the file is in", func() bool { return len(s.named("film.mov")) == 1 && r.books().Filed == 1 })
	daemon.terminate()

	state := s.State()
	if len(state.Assets) != 1 || len(state.Uploads) != 1 {
		t.Fatalf("%d assets, %d uploads", len(state.Assets), len(state.Uploads))
	}
	for _, p := range state.Uploads[0].Parts {
		if p.Stored != 1 || p.Number != stalled && p.Begun != 1 {
			t.Errorf("part %d was sent %d times and stored %d times", p.Number, p.Begun, p.Stored)
		}
	}
	if a := state.Assets[0]; a.ContentMD5 != sum || a.ContentSize != size {
		t.Errorf("%s, want MD5 %s", s.describe(a), sum)
	}
	s.complain(t)
}

// TestReloadKeepsRequests reloads while a cancel waits for Tenovos: the next
// engine answers it.
func TestReloadKeepsRequests(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.env["SETTLE"], r.env["GRACE"] = "20ms", "1s"
	r.write("acme/slow.jpg", "slow")
	err := s.Queue(
		sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStall, Delay: 10 * time.Minute},
		sandbox.Fault{Operation: "DeleteAsset", Kind: sandbox.FaultStall, Delay: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	daemon := r.start("run")
	eventually(t, "the file is on its way", func() bool { return len(s.UnusedFaults()) == 1 })
	cancel := r.start("cancel", "1", "--json")
	eventually(t, "its asset is being removed", func() bool { return len(s.UnusedFaults()) == 0 })
	r.edit("settle: ${SETTLE}", "settle: 30ms")
	r.reload(0, "reloaded: folder drop")
	code := cancel.wait(patience)
	var outcomes []struct{ Result string }
	if err := json.Unmarshal([]byte(cancel.stdout.String()), &outcomes); err != nil || code != 0 || len(outcomes) != 1 || outcomes[0].Result != "cancelled" {
		t.Errorf("cancel: exit code %d, %+v (%v)", code, outcomes, err)
	}
	daemon.terminate()
	s.complain(t)
}

// TestNewName has files of a brand that the account gets while the daemon runs.
func TestNewName(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["SETTLE"] = "20ms"
	daemon := r.start("run")
	daemon.says(`"running"`)
	if !s.AddValue("Brand", "Hooli") {
		t.Fatal("the account has no vocabulary Brand")
	}
	r.write("Hooli/a.jpg", "a")
	eventually(t, "the file is in", func() bool { return len(s.named("a.jpg")) == 1 })
	if log := daemon.stderr.String(); strings.Contains(log, "not ingested") {
		t.Error("the file was held first")
	}
	if says := s.describe(s.named("a.jpg")[0]); !strings.Contains(says, "Brand=Hooli") {
		t.Error(says)
	}
	daemon.terminate()

	// One that it gets while no daemon runs is known to the next, and releases.
	r.write("Aviato/held.jpg", "held")
	if code, _, _ := r.run("backfill"); code != 3 {
		t.Errorf("backfill: exit code %d", code)
	}
	s.AddValue("Brand", "Aviato")
	if code, _, _ := r.run("backfill"); code != 0 || len(s.named("held.jpg")) != 1 {
		t.Errorf("the next backfill: exit code %d", code)
	}
	if ops := s.State().Counts.Requests; ops["CreateAsset"] != 2 {
		t.Errorf("calls are %v", ops)
	}
	s.complain(t)
}

// TestReloadBesideBackfill asks a backfill, which reloads nothing.
func TestReloadBesideBackfill(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["SETTLE"] = "20ms"
	r.write("acme/slow.jpg", "slow")
	err := s.Queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStall, Delay: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	r.start("backfill")
	eventually(t, "the file is on its way", func() bool { return len(s.UnusedFaults()) == 0 })
	r.reload(1, "a backfill owns the journal")
}

// TestReloadListen moves the status page to another address, which stays at work
// until the engine that serves it has ended.
func TestReloadListen(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	addr := reserve(t)
	l := addr.listen(t)
	_ = l.Close()
	r.edit(`listen: ""`, "listen: "+addr.addr)
	daemon := r.start("run")
	daemon.says(`"running"`)
	eventually(t, "the page is there", func() bool { return healthy(t, addr.addr) })
	r.edit("settle: ${SETTLE}", "settle: 30ms")
	r.reload(0, "reloaded: folder drop")
	eventually(t, "the page is there again", func() bool { return healthy(t, addr.addr) })
	r.edit("listen: "+addr.addr, `listen: ""`)
	r.reload(0, "reloaded: listen")
	if healthy(t, addr.addr) {
		t.Error("the page is still there")
	}
	daemon.terminate()
}

// healthy asks a status page.
func healthy(t *testing.T, addr string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// TestChanges names what differs between configurations.
func TestChanges(t *testing.T) {
	t.Parallel()
	load := func(keys string, folders ...string) *config.Config {
		t.Helper()
		text := "tenovos: {url: https://x/v1, api_key: k, username: u, password: p}\njournal: /x/j.db\n" + keys + "folders:\n"
		for _, f := range folders {
			name, more, _ := strings.Cut(f, " ")
			text += "  - {name: " + name + ", path: /x/" + name + more + ", rules: [{match: '**', template: T, security: [S], metadata: {}}]}\n"
		}
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := loadConfig(path)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	got := changes(load("workers: 2\n", "a", "b", "c", "e"), load("listen: ''\n", "b", "a , order: path", "d", "e , versions: off"))
	want := []string{"listen", "workers", "folder a", "folder d is new", "folder e with its rules", "folder c is gone"}
	if !slices.Equal(got, want) {
		t.Errorf("changes are %q, want %q", got, want)
	}
	if got := changes(load("", "a"), load("", "a")); len(got) > 0 {
		t.Errorf("the same twice: %q", got)
	}
}

// TestReloadWithAnotherName has a folder get another name while the daemon runs: it is
// said what that means, and with its former name its history goes on.
func TestReloadWithAnotherName(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.env["SETTLE"] = "20ms"
	r.write("acme/a.jpg", "a")
	daemon := r.start("run")
	eventually(t, "the file is in", func() bool { return len(s.named("a.jpg")) == 1 && r.books().Filed == 1 })
	r.edit("name: drop", "name: renamed\n    previously: drop")
	r.reload(0, "folder renamed takes over the history of drop: 1 entries")
	daemon.says("its history was carried over")
	r.write("acme/a.jpg", "another")
	eventually(t, "its next content is a version", func() bool { b := r.books(); return b.Name == "renamed" && b.Filed == 2 })
	if all := s.named("a.jpg"); len(all) != 2 || len(all[1].Versions) != 2 {
		t.Errorf("the assets are %+v", all)
	}
	r.edit("    previously: drop\n", "")
	r.edit("name: renamed", "name: lost")
	r.reload(0, "folder lost has the path of the folder renamed, of which the journal has 2 entries")
	daemon.says("a second time")
	daemon.terminate()
	s.complain(t)
}
