package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// lists are the operations that an account without administrator rights is refused.
var lists = []string{"GetMetadataTemplates", "GetSecurityTemplates", "GetAllControlledVocab"}

// giveIDs writes ids in place of names into the room's configuration.
func (r *room) giveIDs(templates, security bool) {
	r.t.Helper()
	r.ownConfig()
	if templates {
		for _, name := range []string{"Video", "Creative Asset"} {
			r.edit("template: "+name, "template: "+sandbox.SeedID("template", name))
		}
	}
	if security {
		r.edit("[Creative Public, Agency Restricted]", fmt.Sprintf("[%s, %s]", sandbox.SeedID("security", "Creative Public"), sandbox.SeedID("security", "Agency Restricted")))
		r.edit("[Creative Internal]", "["+sandbox.SeedID("security", "Creative Internal")+"]")
	}
}

// asked returns how often the sandbox was asked for the lists.
func (s *stand) asked(operations ...string) (n int) {
	counts := s.State().Counts
	for _, op := range operations {
		n += counts.Requests[op]
	}
	return n
}

// TestIDsNeedNoAdministrator ingests with an account that may list nothing, by rules
// that give ids alone: none is asked for a list.
func TestIDsNeedNoAdministrator(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", func(o *sandbox.Options) { o.Lacks = "admin,GetAllControlledVocab" })
	r := newRoom(t, s)
	r.giveIDs(true, true)
	r.env["SETTLE"] = "20ms"
	given := "security templates are taken as given, because the rules give ids alone: " + sandbox.SeedID("security", "Creative Public")
	if code, stdout, stderr := r.run("check"); code != 0 || !strings.Contains(stderr, "note: "+given) {
		t.Errorf("check: exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, _ := r.run("check", "--json"); code != 0 || !strings.Contains(stdout, given) {
		t.Errorf("check --json: exit code %d\n%s", code, stdout)
	}
	r.write("acme/a.jpg", "a")
	if code, stdout, stderr := r.run("explain", r.drop+"/acme/a.jpg"); code != 0 || !strings.Contains(stdout, sandbox.SeedID("security", "Creative Internal")) {
		t.Errorf("explain: exit code %d\n%s%s", code, stdout, stderr)
	}
	daemon := r.start("run")
	eventually(t, "the file is in", func() bool { return len(s.named("a.jpg")) == 1 })
	if says, want := s.describe(s.named("a.jpg")[0]), "Creative Asset | Title=a; Description=acme: a.jpg; Brand=Acme; Channels=Web + Social"; !strings.Contains(says, want) || !strings.HasSuffix(says, "| Creative Internal") {
		t.Errorf("%s, want %s", says, want)
	}
	eventually(t, "it is filed", func() bool { return r.books().Filed == 1 })
	if code, stdout, stderr := r.run("update", "--dry-run"); code != 0 || stdout != "nothing differs\n" {
		t.Errorf("update: exit code %d\n%s%s", code, stdout, stderr)
	}
	daemon.terminate()
	if n := s.asked(lists...); n != 0 {
		t.Errorf("a list was asked for %d times", n)
	}
	s.complain(t)
}

// TestNamesNeedAdministrator starts with names and without the right to list them, in
// each shape in which that is refused.
func TestNamesNeedAdministrator(t *testing.T) {
	t.Parallel()
	templates := []string{`26:19: rule 1 names its template "Video", and the account may not list metadata templates (Tenovos answers HTTP `,
		`33:19: rule 2 names its template "Creative Asset", and the account may not list metadata templates (`}
	security := []string{`27:20: rule 1 names the security template "Creative Public", and the account may not list security templates (`,
		`27:37: rule 1 names the security template "Agency Restricted"`, `34:20: rule 2 names the security template "Creative Internal"`}
	for _, tt := range []struct {
		shape               string
		templates, security bool // are given as ids
	}{{"notAuthorized", false, false}, {"unauthorized", false, false}, {"forbidden", true, false}, {"other", false, true}} {
		t.Run(tt.shape, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, "1.5", func(o *sandbox.Options) { o.Lacks, o.LacksShape = "admin", tt.shape })
			r := newRoom(t, s)
			r.giveIDs(tt.templates, tt.security)
			code, _, stderr := r.run("run")
			if code != 2 || s.State().Counts.Logins != 1 {
				t.Errorf("exit code %d after %d logins", code, s.State().Counts.Logins)
			}
			for said, named := range map[*[]string]bool{&templates: !tt.templates, &security: !tt.security} {
				for _, text := range *said {
					if strings.Contains(stderr, r.config+":"+text) != named {
						t.Errorf("%q told: want %t, got\n%s", text, named, stderr)
					}
				}
			}
			if !strings.Contains(stderr, "which takes administrator rights: give its id instead, or ask for the right") {
				t.Errorf("it does not say what to do:\n%s", stderr)
			}
			code, _, checked := r.run("check")
			if _, mistakes, _ := strings.Cut(checked, "ingestd: "); code != 2 || !strings.Contains(stderr, strings.TrimSpace(mistakes)) {
				t.Errorf("check: exit code %d\n%s", code, checked)
			}
		})
	}
}

// TestRightsOfSingleThings refuses what is asked for by its id: a template that the
// list has is found there, and what is nowhere to be had is told at once.
func TestRightsOfSingleThings(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", func(o *sandbox.Options) { o.Lacks = "GetMetadataTemplate" })
	r := newRoom(t, s)
	r.giveIDs(true, false)
	if code, _, stderr := r.run("check"); code != 0 {
		t.Errorf("the list has the templates, and check ends with %d:\n%s", code, stderr)
	}
	for _, tt := range []struct {
		lacks, shape string
		code         int
		says         []string
	}{
		{"GetMetadataTemplate,admin", "notAuthorized", 2, []string{
			`26:19: rule 1: the account may not read metadata template "` + sandbox.SeedID("template", "Video"), `ask for the right "Metadata Template Management"`, `34:20: rule 2 names the security template "Creative Internal"`}},
		{"GetControlledVocab", "unauthorized", 2, []string{
			`attribute "Brand" takes its values from vocabulary "` + sandbox.SeedID("vocabulary", "Brand") + `", which the account may not read (Tenovos answers HTTP 401: Unauthorized)`,
			`attribute "Channels"`, "ask for the right to read vocabularies"}},
		// No right is missing, but the account as a whole is refused: another start would only log in again.
		{"admin,GetCurrentUser", "forbidden", 2, []string{"not even its own user", "nothing can be ingested like this"}},
	} {
		if err := s.Configure(func(o *sandbox.Options) { o.Lacks, o.LacksShape = tt.lacks, tt.shape }); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := r.run("run")
		if code != tt.code {
			t.Errorf("without %s: exit code %d", tt.lacks, code)
		}
		for _, text := range tt.says {
			if !strings.Contains(stderr, text) {
				t.Errorf("without %s: want %q, got\n%s", tt.lacks, text, stderr)
			}
		}
	}
}

// TestGatewayRefusesLists has a proxy answer in the place of the API: that is no right,
// and passes.
func TestGatewayRefusesLists(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	err := s.Queue(sandbox.Fault{Operation: "GetMetadataTemplates", Kind: sandbox.FaultStatus, Status: 403, Body: "<html><title>Blocked</title></html>"})
	if err != nil {
		t.Fatal(err)
	}
	r := newRoom(t, s)
	r.env["SETTLE"] = "20ms"
	r.write("acme/a.jpg", "a")
	daemon := r.start("run")
	daemon.says("waiting for it before anything else")
	eventually(t, "the file is in", func() bool { return len(s.named("a.jpg")) == 1 })
	daemon.terminate()
	s.complain(t)
}

// TestRightIsTakenAway takes the right to list away from a daemon that runs: it goes on
// with the names that it knows, and refuses a configuration whose names it cannot look up.
func TestRightIsTakenAway(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.env["SETTLE"] = "20ms"
	daemon := r.start("run")
	daemon.says(`"running"`)
	if err := s.Configure(func(o *sandbox.Options) { o.Lacks, o.LacksShape = "admin", "unauthorized" }); err != nil {
		t.Fatal(err)
	}
	r.write("acme/a.jpg", "a")
	r.write("hooli/b.jpg", "b") // its brand is none of the account's: the names are read again
	eventually(t, "one is in, one is held", func() bool { b := r.books(); return b.Filed == 1 && b.Held == 1 })
	daemon.saysTimes("and the account may not list metadata templates", 2) // once for each rule
	undo := r.edit("parts: 2", "parts: 3")
	r.reload(2, `rule 2 names its template "Creative Asset", and the account may not list metadata templates`)
	undo()
	r.giveIDs(true, true)
	r.reload(0, "reloaded: ")
	r.write("acme/c.jpg", "c")
	eventually(t, "the next one is in", func() bool { return len(s.named("c.jpg")) == 1 })
	daemon.terminate()
	s.complain(t)
}
