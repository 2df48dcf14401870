package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/notify"
)

// withNotify is a configuration with receivers.
func withNotify(receivers string) string {
	return strings.Replace(minimal, "journal:", "notify:\n"+receivers+"\njournal:", 1)
}

func TestNotify(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("k3y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const url = "https://user:pw@hooks.example.com/T0/x?y=${TOKEN}"
	text := withNotify(`  - {url: "` + url + `", on: [failed, held], secret_file: ` + secret + `}
  - {url: "http://127.0.0.1:9/x", body: '{"text": {{json .What}}}'}
  - {url: "http://127.0.0.1:9/x", on: paused}
  - {smtp: localhost, from: "Ingest <in@example.com>", to: kim@example.com, on: [failed], username: u, password_file: ` + secret + `, digest: 0s, subject: "{{.Summary}}"}`)
	c, err := parse("c.yaml", []byte(text), lookup(map[string]string{"TOKEN": "t0ken"}))
	if err != nil {
		t.Fatal(err)
	}
	want := []notify.Receiver{
		{URL: "https://user:pw@hooks.example.com/T0/x?y=t0ken", On: []string{"failed", "held"}, Secret: "k3y"},
		{URL: "http://127.0.0.1:9/x", On: notify.Events(), Body: `{"text": {{json .What}}}`},
		{URL: "http://127.0.0.1:9/x", On: []string{"paused"}},
		{SMTP: "localhost:587", From: "Ingest <in@example.com>", To: []string{"kim@example.com"}, On: []string{"failed"}, Username: "u", Password: "k3y", Subject: "{{.Summary}}"},
	}
	var got []notify.Receiver
	names := map[string]bool{}
	for _, n := range c.Notify {
		got = append(got, n.Receiver)
		names[n.Name] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(names) != len(want) {
		t.Errorf("two receivers have one name: %v", names)
	}
	if title := c.Notify[0].Title(); title != "webhook https://hooks.example.com" {
		t.Errorf("it is called %s", title)
	}
	if !slices.ContainsFunc(c.Secrets, func(s SecretFile) bool { return s.Path == secret }) {
		t.Error("nobody looks who can read its secret")
	}

	// Another secret in the file is another configuration, and the same receiver.
	if err := os.WriteFile(secret, []byte("other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := parse("c.yaml", []byte(text), lookup(map[string]string{"TOKEN": "t0ken"}))
	if err != nil || d.Sums["notify"] == c.Sums["notify"] || d.Notify[0].Name != c.Notify[0].Name {
		t.Errorf("another secret: %v, %q, %q", err, d.Notify[0].Name, c.Notify[0].Name)
	}
}

func TestNotifyMistakes(t *testing.T) {
	for receiver, want := range map[string]string{
		`{on: [failed]}`:                                             "neither url nor smtp",
		`{url: "ftp://h/t0ken"}`:                                     "no address of a webhook",
		`{url: "https://"}`:                                          "no address of a webhook",
		`{url: "http://hooks.example.com/t0ken"}`:                    "http://hooks.example.com over the network",
		`{url: "https://h", on: [filed]}`:                            `on cannot be "filed"`,
		`{url: "https://h", on: []}`:                                 "on is an empty list",
		`{url: "https://h", on: failled}`:                            `on cannot be "failled"`,
		`{url: "https://h", secret: x}`:                              `"secret"`,
		`{url: "https://h", secret_file: /nowhere/t}`:                "/nowhere/t",
		`{url: "https://h", body: "{{.Nothing}}"}`:                   "body is no template",
		`{url: "https://h", body: "plain"}`:                          "it makes is no JSON",
		`{url: "https://h", content_type: text/plain}`:               "content_type",
		`{url: "https://h", smtp: h}`:                                `"smtp"`,
		`{smtp: h, to: a@b}`:                                         "no from",
		`{smtp: h, from: a@b}`:                                       "no to",
		`{smtp: "h:x", from: a@b, to: a@b}`:                          "no address of a mail server",
		`{smtp: h, from: nobody, to: a@b}`:                           "no mail address",
		`{smtp: h, from: a@b, to: []}`:                               "to is an empty list",
		`{smtp: h, from: a@b, to: a@b, username: u}`:                 "both username and password_file",
		`{smtp: h, from: a@b, to: a@b, subject: "{{.Path}}"}`:        "subject is no template",
		`{smtp: h, from: a@b, to: a@b, secret_file: x}`:              `"secret_file"`,
		"{url: \"https://h\", body: \"x\", content_type: \"a\\nb\"}": "one line",
	} {
		_, err := parse("c.yaml", []byte(withNotify("  - "+receiver)), lookup(nil))
		var invalid *Invalid
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", receiver, err, want)
			continue
		}
		if strings.Contains(err.Error(), "t0ken") {
			t.Errorf("%s: the message shows the token: %v", receiver, err)
		}
	}
	c, err := parse("c.yaml", []byte(strings.Replace(withNotify(`  - {url: "http://hooks.example.com/t0ken"}`), "journal:", "insecure: true\njournal:", 1)), lookup(nil))
	if err != nil || len(c.Warnings) == 0 || strings.Contains(c.Warnings[0].String(), "t0ken") {
		t.Errorf("with insecure: true: %v, %v", err, c.Warnings)
	}
}

// TestReceiptIsNoFileOfTheFolder holds that the list is never taken for a file that was
// dropped, wherever it lies.
func TestReceiptIsNoFileOfTheFolder(t *testing.T) {
	for keys, want := range map[string]string{
		"receipt: csv":            "_ingested",
		"receipt: csv, done: out": "_ingested",
		"receipt: csv, after: move, done: \"out/x/{date}\"":    "out/x",
		"receipt: csv, after: move, done: \"out/a-{date}/b\"":  "out",
		"receipt: csv, after: delete, done: out, failed: fail": "_ingested",
		"receipt: \"\"": "",
	} {
		lines := "    " + strings.ReplaceAll(keys, ", ", "\n    ") + "\n"
		c, err := parse("c.yaml", []byte(strings.Replace(minimal, "path: drop\n", "path: drop\n"+lines, 1)), lookup(nil))
		if err != nil {
			t.Fatal(err)
		}
		f := c.Folders[0]
		if got := f.ReceiptDir(); got != want || want != "" && !slices.Contains(f.Kept(), want) {
			t.Errorf("%s: it lies in %q, want %q; never looked into are %q", keys, got, want, f.Kept())
		}
	}
}

func TestDefaultDigest(t *testing.T) {
	c, err := parse("c.yaml", []byte(withNotify(`  - {smtp: "h:25", from: a@b, to: [c@d]}`)), lookup(nil))
	if err != nil || c.Notify[0].Digest != time.Minute {
		t.Errorf("%v, %v", err, c.Notify)
	}
}
