package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// secretOf writes a file with a secret, and returns its name.
func secretOf(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func hashOf(t *testing.T, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), cost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// TestListenNeedsLogin refuses every address that other machines may reach, unless there is
// a login.
func TestListenNeedsLogin(t *testing.T) {
	token := secretOf(t, strings.Repeat("x", minToken))
	for listen, public := range map[string]bool{
		"127.0.0.1:9470": false, "127.1.2.3:9470": false, "[::1]:9470": false, "[::ffff:127.0.0.1]:9470": false,
		"localhost:9470": false, "LocalHost.:9470": false, "page.localhost:9470": false,
		":9470": true, "0.0.0.0:9470": true, "[::]:9470": true, "[::ffff:0.0.0.0]:9470": true, "192.0.2.7:80": true, "10.0.0.1:9470": true,
		"[fe80::1%lo]:9470": true, "dam.example:9470": true, "host:9470": true, "localhost.example:9470": true, "127.1:9470": true, "0:9470": true,
		"2130706433:9470": true, "127.0.0.1.nip.example:9470": true,
	} {
		text := minimal + "listen: \"" + listen + "\"\n"
		cfg, err := parse("c.yaml", []byte(text), lookup(nil))
		invalid, refused := errors.AsType[*Invalid](err)
		if refused != public {
			t.Errorf("%s: %v", listen, err)
			continue
		}
		if !public && (cfg.Listen.Public || cfg.Listen.Address != listen) {
			t.Errorf("%s: %+v", listen, cfg.Listen)
		}
		if !public {
			continue
		}
		if p := invalid.Problems[0]; len(invalid.Problems) != 1 || p.Pos != (yamltree.Pos{Line: 7, Column: 9}) || !strings.Contains(p.Message, "listen_auth") || p.Hint == "" {
			t.Errorf("%s: %v", listen, err)
		}
		cfg, err = parse("c.yaml", []byte(text+"listen_auth: {token_file: "+token+"}\n"), lookup(nil))
		if err != nil || !cfg.Listen.Public || cfg.Listen.Token == "" {
			t.Errorf("%s, with a login: %v, %+v", listen, err, cfg.Listen)
		}
	}
}

// TestListenAuth reads logins, and refuses those that nobody, or everybody, could log in with.
func TestListenAuth(t *testing.T) {
	good := hashOf(t, 10)
	for _, c := range []struct{ name, auth, file, want string }{
		{"a password", "{user: ops, password_hash_file: FILE}", good + "\n", ""},
		{"of htpasswd", "{user: ops, password_hash_file: FILE}", "$2y$" + good[4:], ""},
		{"a line of htpasswd", "{user: ops, password_hash_file: FILE}", "ops:" + good, "with the user in front"},
		{"the password itself", "{user: ops, password_hash_file: FILE}", "open sesame", "no bcrypt hash"},
		{"another hash", "{user: ops, password_hash_file: FILE}", "$apr1$abcdefgh$abcdefghijklmnopqrstuv", "no bcrypt hash"},
		{"half a hash", "{user: ops, password_hash_file: FILE}", good[:40], "no bcrypt hash"},
		{"more than a hash", "{user: ops, password_hash_file: FILE}", good + "x", "no bcrypt hash"},
		{"a hash that takes hours", "{user: ops, password_hash_file: FILE}", "$2a$31$" + good[7:], "many seconds"},
		{"an empty file", "{user: ops, password_hash_file: FILE}", "", "is empty"},
		{"a file that is not there", "{user: ops, password_hash_file: FILE.no}", "", "no such file"},
		{"no user", "{password_hash_file: FILE}", good, "no user"},
		{"an empty user", "{user: '', password_hash_file: FILE}", good, "user is empty"},
		{"a user with a colon", "{user: 'a:b', password_hash_file: FILE}", good, "colon"},
		{"no password", "{user: ops}", "", "no password_hash_file"},
		{"nothing", "{}", "", "no user and no token_file"},
		{"no mapping", "ops", "", "listen_auth must hold keys"},
		{"a password in the file", "{user: ops, password: x}", "", "unknown key"},
		{"a token", "{token_file: FILE}", "0123456789abcdef\n", ""},
		{"a token that is short", "{token_file: FILE}", "0123456789abcde", "15 characters"},
		{"a token with a space", "{token_file: FILE}", "0123456789 abcdef", "no header can carry"},
		{"a token in another alphabet", "{token_file: FILE}", "пароль-пароль-пароль", "no header can carry"},
		{"both", "{user: ops, token_file: FILE}", "0123456789abcdef", "both"},
	} {
		name := secretOf(t, c.file)
		for _, listen := range []string{"127.0.0.1:9470", "0.0.0.0:9470"} {
			text := minimal + "listen: " + listen + "\nlisten_auth: " + strings.ReplaceAll(c.auth, "FILE", name) + "\n"
			cfg, err := parse("c.yaml", []byte(text), lookup(nil))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s: %v", c.name, err)
			case c.want == "" && cfg.Listen.PasswordHash == "" && cfg.Listen.Token == "":
				t.Errorf("%s: no login is in force", c.name)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
			if err != nil && c.file != "" && (strings.Contains(err.Error(), c.file) || strings.Contains(err.Error(), good)) {
				t.Errorf("%s: the secret stands in the error: %v", c.name, err)
			}
		}
	}
}

// TestListenAuthIsReadAgain tells two configurations apart by what the file of a login holds.
func TestListenAuthIsReadAgain(t *testing.T) {
	name := secretOf(t, "0123456789abcdef")
	sum := func() string {
		cfg, err := parse("c.yaml", []byte(minimal+"listen_auth: {token_file: "+name+"}\n"), lookup(nil))
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Sums["listen_auth"]
	}
	before := sum()
	if err := os.WriteFile(name, []byte("fedcba9876543210"), 0o600); err != nil {
		t.Fatal(err)
	}
	if sum() == before {
		t.Error("another token is the same configuration")
	}
}

// TestListenNames reads the names of a proxy.
func TestListenNames(t *testing.T) {
	for names, ok := range map[string]bool{
		"[ingest.example.com, ingest]": true, "[]": true,
		"[https://ingest.example.com]": false, "[ingest.example.com:443]": false, "['']": false, "['*.example.com']": false, "ingest.example.com": false,
	} {
		if _, err := parse("c.yaml", []byte(minimal+"listen_names: "+names+"\n"), lookup(nil)); (err == nil) != ok {
			t.Errorf("%s: %v", names, err)
		}
	}
}
