package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// TestPlainHTTP refuses http:// to any host that is not this machine by itself, at the
// place of the URL, unless the file allows it.
func TestPlainHTTP(t *testing.T) {
	for _, c := range []struct {
		url     string
		refused bool
	}{
		{"http://127.0.0.1:8080/v1", false},
		{"http://127.9.8.7/v1", false},
		{"http://localhost:8080/v1", false},
		{"http://LOCALHOST/v1", false},
		{"http://api.localhost/v1", false},
		{"http://[::1]:8080/v1", false},
		{"http://[::ffff:127.0.0.1]/v1", false},
		{"https://api.example/v1", false},
		{"http://api.example/v1", true},
		{"HTTP://api.example/v1", true},
		{"http://10.0.0.7:8080/v1", true},
		{"http://0.0.0.0:8080/v1", true},
		{"http://[::]/v1", true},
		{"http://[fe80::1]/v1", true},
		{"http://localhost.example/v1", true},
		{"http://127.0.0.1.example/v1", true},
		{"http://${HOST}/v1", true},
	} {
		env := lookup(map[string]string{"HOST": "api.example"})
		text := strings.Replace(minimal, "http://127.0.0.1:8080/v1", c.url, 1)
		_, err := parse("c.yaml", []byte(text), env)
		invalid, refused := errors.AsType[*Invalid](err)
		if refused != c.refused {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if !refused {
			continue
		}
		if len(invalid.Problems) != 1 || invalid.Problems[0].Pos != (yamltree.Pos{Line: 1, Column: 16}) || !strings.Contains(err.Error(), "insecure: true") {
			t.Errorf("%s: %v", c.url, err)
		}
		cfg, err := parse("c.yaml", []byte(text+"insecure: true\n"), env)
		if err != nil || !cfg.Insecure || len(cfg.Warnings) != 1 {
			t.Errorf("%s, allowed: %v, warnings %v", c.url, err, cfg.Warnings)
		}
	}
}

// TestWarnings shows what the file says that is no mistake but hardly meant, with its place.
func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		name, add, from, to, want string // want begins a warning; "" is none
	}{
		{name: "nothing"},
		{name: "loopback", add: "listen: 127.0.0.1:9470"},
		{name: "loopback of IPv6", add: `listen: "[::1]:9470"`},
		{name: "localhost", add: "listen: localhost:9470"},
		{name: "off", add: `listen: ""`},
		{name: "all addresses, with a login", add: "listen: 0.0.0.0:9470\nlisten_auth: {token_file: TOKEN}", want: "7:9: listen: "},
		{name: "a weak hash", add: "listen_auth: {user: ops, password_hash_file: WEAK}", want: "7:46: password_hash_file: "},
		{name: "1.0", from: "api_key: k", to: `version: "1.0", client_id: c, api_key: k`},
		{name: "1.0 without the header", from: "api_key: k", to: `version: "1.0", client_id: c, send_access_token: false, api_key: k`,
			want: "1:93: send_access_token is off"},
		{name: "1.5 without the header", from: "api_key: k", to: `send_access_token: false, api_key: k`},
	} {
		add := strings.NewReplacer("TOKEN", secretOf(t, strings.Repeat("x", minToken)), "WEAK", secretOf(t, hashOf(t, 4))).Replace(c.add)
		cfg, err := parse("c.yaml", []byte(strings.Replace(minimal, c.from, c.to, 1)+add+"\n"), lookup(nil))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		switch {
		case c.want == "" && len(cfg.Warnings) > 0, c.want != "" && (len(cfg.Warnings) != 1 || !strings.HasPrefix(cfg.Warnings[0].String(), c.want)):
			t.Errorf("%s: warnings %v, want %q", c.name, cfg.Warnings, c.want)
		}
	}
}

// TestFilesThatHoldSecrets names the files that hold secrets: the configuration is one where a
// secret stands in it as it is, not where a variable has it.
func TestFilesThatHoldSecrets(t *testing.T) {
	for _, c := range []struct {
		key  string
		want int
	}{{"hunter2", 1}, {"${PW}", 0}, {"x${PW}", 0}, {"$${PW}", 1}} {
		text := strings.NewReplacer("api_key: k", `api_key: "${PW}"`, "password: p", `password: "`+c.key+`"`).Replace(minimal)
		cfg, err := parse("c.yaml", []byte(text), lookup(map[string]string{"PW": "p"}))
		if err != nil || len(cfg.Secrets) != c.want || c.want > 0 && (cfg.Secrets[0].Path != "c.yaml" || cfg.Secrets[0].Key != "password") {
			t.Errorf("password: %s: secrets %v, %v", c.key, cfg.Secrets, err)
		}
	}
}

// TestJournalKeep reads how long entries are kept: for ever unless the file says so.
func TestJournalKeep(t *testing.T) {
	for add, want := range map[string]time.Duration{"": 0, "journal_keep: 0\n": 0, "journal_keep: 2160h\n": 2160 * time.Hour} {
		cfg, err := parse("c.yaml", []byte(minimal+add), lookup(nil))
		if err != nil || cfg.JournalKeep != want {
			t.Errorf("%q: %v, %v", add, cfg.JournalKeep, err)
		}
	}
	if _, err := parse("c.yaml", []byte(minimal+"journal_keep: -1h\n"), lookup(nil)); err == nil {
		t.Error("a negative duration is taken")
	}
}
