package config

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tenovos-ingest/ingestd/internal/timetable"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func lookup(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	c, err := Load("testdata/mistakes.yaml", lookup(map[string]string{"BANDWIDTH": "s3cr3t"}))
	var invalid *Invalid
	if !errors.As(err, &invalid) {
		t.Fatalf("error %v, want *Invalid", err)
	}
	golden(t, "testdata/mistakes.golden", invalid.Error()+"\n")
	if n := len(invalid.Problems); n < 25 {
		t.Errorf("%d problems, want at least 25", n)
	}
	if invalid.AccountKnown {
		t.Error("a check would ask the account with half of the credentials")
	}
	if strings.Contains(err.Error(), "s3cr3t") {
		t.Error("a message shows what a variable holds")
	}
	if c == nil {
		t.Error("Load returned nothing for check to go on with")
	}
	// Each line of the file that a comment calls wrong has a problem, and no other.
	data, _ := os.ReadFile("testdata/mistakes.yaml")
	at := map[int]bool{}
	for _, p := range invalid.Problems {
		at[p.Line] = true
	}
	for i, line := range strings.Split(string(data), "\n")[1:] {
		// tenovos has no username: that is said of the section, at its first key.
		if wrong := strings.Contains(line, "# "); wrong != at[i+2] {
			t.Errorf("line %d: wrong is %v, reported is %v: %s", i+2, wrong, at[i+2], line)
		}
	}
}

func TestLoad(t *testing.T) {
	secrets := t.TempDir()
	for name, text := range map[string]string{"api-key": "key\n", "password": "pass word\r\n"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load("testdata/full.yaml", lookup(map[string]string{
		"TENOVOS_USERNAME": "robot", "SECRETS": secrets, "CALLS": "5", "CREDENTIALS_DIRECTORY": secrets,
	}))
	if err != nil {
		t.Fatal(err)
	}
	first := Folder{
		Name: "first", Path: "/srv/nowhere/first", Include: []string{"**/*.jpg"}, Exclude: []string{"**/work/**"},
		Settle: time.Second, Watch: "poll", PollInterval: 2 * time.Second, Rescan: time.Minute, Marker: ".mounted",
		Order: "size,mixed", Workers: 2, Batch: "all", After: "keep", Done: "out/done", Failed: "out/failed", Versions: "off", Duplicates: "upload", Empty: "ignore", Languages: []string{"en"},
	}
	second := first
	second.Name, second.Path, second.Versions = "second", "/srv/nowhere/second", "filename"
	want := &Config{
		File: "testdata/full.yaml",
		Tenovos: Tenovos{URL: "https://api.uat.tenovos.io/content-store-v1", Version: "1.0", APIKey: "key", Username: "robot",
			Password: "pass word", ClientID: "client", MaxConcurrentCalls: 5, BasicLogin: true,
			APIKeyFrom:   "tenovos.api_key_file at testdata/full.yaml:4 (the file " + secrets + "/api-key)",
			UsernameFrom: "tenovos.username at testdata/full.yaml:5 (the variable TENOVOS_USERNAME)",
			PasswordFrom: "tenovos.password_file at testdata/full.yaml:6 (the file " + secrets + "/password)",
			ClientIDFrom: "tenovos.client_id at testdata/full.yaml:7"},
		Journal: "/var/lib/ingestd/journal.db", Workers: 3,
		Upload:    Upload{Parts: 2, MaxFileSize: 7 << 30, Bandwidth: timetable.Steady(512 << 10), Verify: "asset", VerifyTimeout: time.Hour},
		Retry:     Retry{MaxAttempts: 3, Initial: 100 * time.Millisecond, Max: 2 * time.Second},
		Manifests: Manifests{Memory: 64 << 20, RowsWithoutFiles: 10},
		Log:       Log{Level: "debug", Format: "json"}, Folders: []Folder{first, second},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Folder{}, "Root", "Rules", "Pos", "Sum", "RulesSum"), cmpopts.IgnoreFields(Config{}, "Sums", "Secrets", "Warnings")); diff != "" {
		t.Errorf("configuration differs (-want +got):\n%s", diff)
	}
	for i, want := range []string{"{brand}/**", "{year}/{brand}/**"} {
		folder := got.Folders[i]
		if folder.Rules.Levels.String() != want || len(folder.Rules.Rules) != 1 {
			t.Errorf("folder %d: levels %q and %d rules", i, folder.Rules.Levels, len(folder.Rules.Rules))
		}
	}
	if pos := got.Folders[1].Pos; pos.Line != 49 {
		t.Errorf("the second folder's path is said to be in line %d", pos.Line)
	}
}

const minimal = `tenovos: {url: "http://127.0.0.1:8080/v1", api_key: k, username: u, password: p}
journal: journal.db
folders:
  - name: drop
    path: drop
    rules: [{match: "**", template: T, security: S}]
`

func TestDefaults(t *testing.T) {
	c, err := parse("minimal.yaml", []byte(minimal), lookup(nil))
	if err != nil {
		t.Fatal(err)
	}
	wd, _ := os.Getwd()
	want := defaults("minimal.yaml")
	want.Tenovos.URL, want.Tenovos.APIKey, want.Tenovos.Username, want.Tenovos.Password = "http://127.0.0.1:8080/v1", "k", "u", "p"
	want.Tenovos.APIKeyFrom, want.Tenovos.UsernameFrom, want.Tenovos.PasswordFrom = "tenovos.api_key at minimal.yaml:1", "tenovos.username at minimal.yaml:1", "tenovos.password at minimal.yaml:1"
	want.Journal = filepath.Join(wd, "journal.db")
	folder := defaultFolder()
	folder.Versions = "path" // as the files are kept
	folder.Name, folder.Path = "drop", filepath.Join(wd, "drop")
	want.Folders = []Folder{folder}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreFields(Folder{}, "Root", "Rules", "Pos", "Sum", "RulesSum"), cmpopts.IgnoreFields(Config{}, "Sums", "Secrets")); diff != "" {
		t.Errorf("defaults differ (-want +got):\n%s", diff)
	}
}

func TestAccountKnown(t *testing.T) {
	for mistake, want := range map[string]bool{
		"workers: 0":                  true,
		"workers: ${NONE}":            false,
		"workers: 1\nworkers: 2":      false,
		"log: {level: 5}\nupload: {}": true,
	} {
		c, err := parse("f", []byte(minimal+mistake+"\n"), lookup(nil))
		var invalid *Invalid
		if !errors.As(err, &invalid) || invalid.AccountKnown != want || len(invalid.Problems) != 1 || len(c.Folders) != 1 {
			t.Errorf("%s: %v; want one problem, the account known %v, and the rest read", mistake, err, want)
		}
	}
}

func TestNotYAML(t *testing.T) {
	tests := map[string]string{
		"":                       "f:1:1: the file is empty (config.example.yaml is a start)",
		"# nothing\n":            "f:1:1: the file is empty (config.example.yaml is a start)",
		"a: [1\nb: 2\n":          "f:1:1: not YAML: did not find expected ',' or ']'",
		"a: &x [*x]\n":           "f:1:8: alias *x stands inside of what it names",
		"a: *nobody\n":           "f:1:1: not YAML: unknown anchor 'nobody' referenced",
		minimal + "---\nb: 2\n":  "f:7:1: not YAML: a second document begins; the file must hold one",
		"just text\n":            `f:1:1: the file must hold keys with values, not "just text"`,
		"~\n":                    "f:1:1: the file has no value (give it one or remove the key)",
		"journal: ${}\n":         `f:1:10: "${}" has no name of a variable after ${ (a variable is ${NAME}; $${ stands for ${)`,
		"[a, b]: c\n":            "f:1:1: a key must be a single text",
		"<<: text\n":             "f:1:5: << must name keys with values (write <<: *name)",
		"tenovos: {<<: [a, b]}":  "f:1:15: << must name keys with values (write <<: *name)",
		"folders: {name: x}\n":   "f:1:10: folders must be a list, not keys with values",
		"upload: [parts]\n":      "f:1:9: upload must hold keys with values, not a list",
		"journal: \"a\\0b\"\n":   "f:1:10: journal is no path: it contains a zero byte",
		"listen: 9470\n":         `f:1:9: listen: "9470" is a port without an address (127.0.0.1:9470 answers this machine alone)`,
		"listen: \"9470\"\n":     `f:1:9: listen: "9470" is a port without an address (127.0.0.1:9470 answers this machine alone)`,
		"listen: h:99999\n":      `f:1:9: listen: "h:99999" is no address to listen on (such as 127.0.0.1:9470; "" switches it off)`,
		"workers: \"8\"\n":       `f:1:10: workers must be a whole number, not "8"`,
		"upload: {parts: 1_0}\n": `f:1:17: parts must be a whole number, not "1_0"`,
		"a:\n\tb: 1\n":           "f:2:1: not YAML: a tab stands where only spaces may (use spaces, not tabs)",
		"a:\n  b: 1\n\n\tc: 2\n": "f:4:1: not YAML: a tab stands where only spaces may (use spaces, not tabs)",
		"a:\n  b:\n  \t c: 1\n":  "f:3:3: not YAML: a tab stands where only spaces may (use spaces, not tabs)",
		"a: @x\n":                "f:1:1: not YAML: found character that cannot start any token",
	}
	for text, want := range tests {
		_, err := parse("f", []byte(text), lookup(nil))
		if err == nil || !strings.Contains("\n"+err.Error()+"\n", "\n"+want+"\n") {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("xa: &xa [a, a, a, a, a, a, a, a, a, a]\n")
	for i := range 12 {
		a, c := string(rune('a'+i)), string(rune('b'+i))
		b.WriteString("x" + c + ": &x" + c + " [" + strings.Repeat("*x"+a+", ", 10) + "]\n")
	}
	_, err := parse("f", []byte(b.String()), lookup(nil))
	if err == nil || !strings.Contains(err.Error(), "look at its aliases") {
		t.Errorf("error %v, want one about aliases", err)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"empty": "\n", "large": strings.Repeat("x", maxSecret+1), "blank": " \n",
		"spaces": "s3cr3t \n", "newlines": "s3cr3t\n\n", "lines": "s3cr3t\nmore\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		dir + "/none":     "no such file",
		dir + "/empty":    "is empty",
		dir + "/large":    "too large for a secret",
		dir + "/blank":    dir + "/blank is empty",
		dir + "/spaces":   dir + "/spaces has white space before or after the secret",
		dir + "/newlines": dir + "/newlines has white space before or after the secret",
		dir + "/lines":    dir + "/lines has more than one line",
		"name":            "/etc/ingestd/credentials/name",
	} {
		text := strings.Replace(minimal, "password: p", "password_file: "+name, 1)
		_, err := parse("f", []byte(text), lookup(nil))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: the message shows the secret: %v", name, err)
		}
	}
}

// A URL is printed, logged and stored: it must hold no secret, and the refusal
// must not show it.
func TestURLWithASecret(t *testing.T) {
	for _, url := range []string{"http://bob:hunter2@host/v1", "https://host/v1?key=hunter2", "https://host/v1#hunter2", "http://bob:hunter2%zz@host"} {
		_, err := parse("f", []byte(strings.Replace(minimal, "http://127.0.0.1:8080/v1", url, 1)), lookup(nil))
		if err == nil || !strings.Contains(err.Error(), "f:1:16: url: a user, a password") {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the message shows it: %v", err)
		}
	}
}

func TestVersion10NeedsAClientID(t *testing.T) {
	text := strings.Replace(minimal, "username: u", `username: u, version: "1.0"`, 1)
	if _, err := parse("f", []byte(text), lookup(nil)); err == nil || !strings.Contains(err.Error(), "client_id") {
		t.Errorf("error %v, want one about client_id", err)
	}
}

func TestOverlapThroughALink(t *testing.T) {
	dir := t.TempDir()
	for _, err := range []error{os.Mkdir(filepath.Join(dir, "real"), 0o750), os.Symlink("real", filepath.Join(dir, "link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	folder := "  - {name: NAME, path: PATH, rules: [{match: '**', template: T, security: S}]}\n"
	text := minimal[:strings.Index(minimal, "  - name")] +
		strings.NewReplacer("NAME", "one", "PATH", filepath.Join(dir, "link", "new")).Replace(folder) +
		strings.NewReplacer("NAME", "two", "PATH", filepath.Join(dir, "real")).Replace(folder) +
		strings.NewReplacer("NAME", "three", "PATH", filepath.Join(dir, "real-too")).Replace(folder)
	c, err := parse("f", []byte(text), lookup(nil))
	want := `f:5:23: the folder overlaps with that of line 4, which lies inside of it`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if got := c.Folders[0].Root; !strings.HasSuffix(got, "/real/new") {
		t.Errorf("the first folder's root is %s", got)
	}
}

func TestCheckFolders(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Config{File: "f", Folders: []Folder{
		{Path: dir, Pos: yamltree.Pos{Line: 1, Column: 1}},
		{Path: filepath.Join(dir, "none"), Pos: yamltree.Pos{Line: 2, Column: 1}},
		{Path: file, Pos: yamltree.Pos{Line: 3, Column: 1}},
		{Path: dir, Marker: ".mounted", Pos: yamltree.Pos{Line: 4, Column: 1}},
		{Path: dir, Marker: "below", Pos: yamltree.Pos{Line: 5, Column: 1}},
		{Path: dir, Marker: "link", Pos: yamltree.Pos{Line: 6, Column: 1}},
		{Path: dir, Marker: "file", Pos: yamltree.Pos{Line: 7, Column: 1}},
	}}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "below"), 0o700), os.Symlink("file", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(c.Invalid(c.CheckFolders()).Error(), dir, "DIR")
	want := `f:2:1: folder DIR/none does not exist (create it, or mount its share)
f:3:1: folder DIR/file is no directory
f:4:1: folder DIR has no marker .mounted (mount its share, or put the file there)
f:5:1: folder DIR: marker below is no file, but a directory (put a file there: until then the folder counts as not mounted)
f:6:1: folder DIR: marker link is no file, but a link (put a file there: until then the folder counts as not mounted)`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if c.Invalid(nil) != nil {
		t.Error("no problems are no error")
	}
}

func TestNoFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"), os.LookupEnv)
	var invalid *Invalid
	if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &invalid) {
		t.Errorf("error %v, want one of the file system", err)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "12B": 12, "512KiB": 512 << 10, "100MiB": 100 << 20, "5 GiB": 5 << 30, "2TiB": 2 << 40,
		"": -1, "5GB": -1, "5gib": -1, "-1": -1, "1.5GiB": -1, "9999999999999999999": -1, "9000000TiB": -1, "8388607TiB": 8388607 << 40, "KiB": -1,
	} {
		got, ok := parseSize(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("parseSize(%q) = %d, want %d", text, got, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range []string{"testdata/mistakes.yaml", "testdata/full.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(minimal))
	f.Add([]byte("a: &a [*a]\n<<: *a\n? [x]\n: ${Y}"))
	// No variable is set, so that a fuzzed file name is the only one that is opened.
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := parse("f", data, lookup(nil))
		var invalid *Invalid
		if err != nil && (!errors.As(err, &invalid) || len(invalid.Problems) == 0) {
			t.Fatalf("error %v is not *Invalid with problems", err)
		}
		if invalid != nil {
			for _, p := range invalid.Problems {
				if p.Line < 1 || p.Column < 1 || p.Message == "" {
					t.Fatalf("problem without place or message: %+v", p)
				}
			}
		}
	})
}

func TestOnlyCredentialsMissing(t *testing.T) {
	const head = "tenovos: {url: http://127.0.0.1:1/v1, api_key: \"${KEY}\", username: u, password_file: pw}\njournal: /tmp/j.db\n"
	const folders = "folders: [{name: a, path: /srv/a, rules: [{match: \"**\", template: T, security: [S]}]}]\n"
	none := func(string) (string, bool) { return "", false }
	for text, want := range map[string]bool{
		head + folders:                     true,
		head + "workers: many\n" + folders: false,
	} {
		_, err := parse("c.yaml", []byte(text), none)
		var invalid *Invalid
		if !errors.As(err, &invalid) || invalid.OnlyCredentials != want {
			t.Errorf("%s\nonly credentials: want %v of %v", text, want, err)
		}
	}
}

func TestReady(t *testing.T) {
	const with = "tenovos: {url: http://127.0.0.1:1/v1, api_key: k, username: u, password: p}\njournal: /tmp/j.db\n" +
		"folders: [{name: a, path: /srv/a, ready: %q, rules: [{match: \"**\", template: T, security: [S]}]}]\n"
	none := func(string) (string, bool) { return "", false }
	for ready, good := range map[string]bool{
		"": true, "{name}.done": true, "{stem}.ok": true,
		"{name}": false, "done": false, "../{name}.done": false, "{name}{stem}": false, "{name}.held.txt": false, "{stem}.Error.TXT": false,
	} {
		c, err := parse("c.yaml", fmt.Appendf(nil, with, ready), none)
		if (err == nil) != good {
			t.Errorf("%q: %v", ready, err)
		}
		if err == nil && c.Folders[0].Ready != ready {
			t.Errorf("%q became %q", ready, c.Folders[0].Ready)
		}
	}
}
