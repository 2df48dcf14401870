package config

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// loader reads the sections of a plain tree into a Config.
type loader struct {
	*yamltree.Reader
	config       *Config
	env          func(string) (string, bool)
	shown        map[*yaml.Node]string // the text before variables
	accountKnown bool                  // the tenovos section has no mistake
	credentials  []yamltree.Pos        // where those are read that only a login needs
}

var (
	fileKeys = yamltree.Keys{Known: []string{
		"tenovos", "insecure", "journal", "journal_keep", "workers", "upload", "retry", "manifests", "listen", "listen_auth", "listen_names", "asset_url", "notify", "log", "shutdown_grace", "folders"}}
	tenovosKeys = yamltree.Keys{Known: []string{
		"url", "version", "api_key", "api_key_file", "username", "password", "password_file", "client_id",
		"max_concurrent_calls", "send_access_token", "basic_login"}}
	uploadKeys = yamltree.Keys{Known: []string{"parts", "max_file_size", "bandwidth", "verify", "verify_timeout"}}
	retryKeys  = yamltree.Keys{Known: []string{"max_attempts", "initial", "max"}}
	tableKeys  = yamltree.Keys{Known: []string{"memory", "rows_without_files"}}
	logKeys    = yamltree.Keys{Known: []string{"level", "format"}}
	folderKeys = yamltree.Keys{
		Known: []string{
			"name", "path", "previously", "include", "exclude", "settle", "patience", "ready", "watch", "poll_interval", "rescan", "marker", "shared",
			"order", "workers", "hours", "batch", "after", "done", "failed", "tell", "contact", "receipt", "prune", "resume", "versions", "duplicates", "empty",
			"levels", "manifests", "manifest_file_column", "encoding", "match_case", "languages", "wait_for", "rules"},
		Later: []string{"unknown", "sidecars"},
	}
)

// file reads the whole file.
func (l *loader) file(n *yaml.Node) {
	f := l.Fields(n, "the file", fileKeys)
	if f == nil {
		return
	}
	c := l.config
	l.flag(f["insecure"], "insecure", &c.Insecure) // before the URL, which is judged by it
	if at := l.need(n, f, "tenovos", "the file"); at != nil {
		before := len(l.Problems())
		l.tenovos(at)
		l.accountKnown = len(l.Problems()) == before
	}
	journal := l.need(n, f, "journal", "the file")
	if journal != nil {
		c.Journal = l.path(journal, "journal")
	}
	l.duration(f["journal_keep"], "journal_keep", &c.JournalKeep, 0)
	l.number(f["workers"], "workers", &c.Workers, 1, 256)
	l.upload(f["upload"])
	l.retry(f["retry"])
	l.manifests(f["manifests"])
	l.log(f["log"])
	listenLoader{l}.read(f)
	l.assetURL(f["asset_url"])
	secrets := notifyLoader{l}.read(f["notify"])
	l.duration(f["shutdown_grace"], "shutdown_grace", &c.ShutdownGrace, 0)
	if at := l.need(n, f, "folders", "the file"); at != nil {
		l.folders(at)
	}
	l.apart(journal)
	for key, at := range f {
		if key != "folders" {
			c.Sums[key] = sum(at)
		}
	}
	if at := f["notify"]; at != nil {
		c.Sums["notify"] = sum(at, secrets...)
	}
	if at := f["tenovos"]; at != nil { // the files that it names may say something else the next time
		c.Sums["tenovos"] = sum(at, c.Tenovos.APIKey.Reveal(), c.Tenovos.Password.Reveal())
	}
	if at := f["listen_auth"]; at != nil {
		c.Sums["listen_auth"] = sum(at, c.Listen.PasswordHash.Reveal(), c.Listen.Token.Reveal())
	}
}

func (l *loader) tenovos(n *yaml.Node) {
	f := l.Fields(n, "tenovos", tenovosKeys)
	if f == nil {
		return
	}
	for _, key := range []string{"api_key", "api_key_file", "username", "password", "password_file", "client_id"} {
		if at := f[key]; at != nil {
			l.credentials = append(l.credentials, yamltree.At(at))
		}
	}
	t := &l.config.Tenovos
	if at := l.need(n, f, "url", "tenovos"); at != nil {
		t.URL = l.url(at)
	}
	if at := f["version"]; at != nil {
		t.Version = l.Choice(at, "version", []string{"1.5", "1.0"}, nil)
	}
	t.APIKey, t.APIKeyFrom = l.secret(n, f, "api_key")
	t.Password, t.PasswordFrom = l.secret(n, f, "password")
	if at := l.need(n, f, "username", "tenovos"); at != nil {
		t.Username, t.UsernameFrom = l.filled(at, "username"), l.origin(at, "username", "")
	}
	if at := f["client_id"]; at != nil {
		t.ClientID, _ = l.Text(at, "client_id")
		t.ClientIDFrom = l.origin(at, "client_id", "")
	}
	if t.Version == "1.0" && t.ClientID == "" {
		l.Add(yamltree.At(n), "", "version 1.0 of the API needs a client_id")
	}
	l.number(f["max_concurrent_calls"], "max_concurrent_calls", &t.MaxConcurrentCalls, 1, 256)
	l.flag(f["send_access_token"], "send_access_token", &t.SendAccessToken)
	l.flag(f["basic_login"], "basic_login", &t.BasicLogin)
	if t.Version == "1.0" && !t.SendAccessToken {
		l.warn(f["send_access_token"], "leave the key out", "send_access_token is off, but version 1.0 of the API needs the AccessToken header: the login will work, and every call after it may be refused")
	}
}

func (l *loader) upload(n *yaml.Node) {
	f := l.section(n, "upload", uploadKeys)
	u := &l.config.Upload
	l.number(f["parts"], "parts", &u.Parts, 1, 64)
	l.size(f["max_file_size"], "max_file_size", &u.MaxFileSize, 1)
	timeLoader{l}.bandwidth(f["bandwidth"], &u.Bandwidth)
	if at := f["verify"]; at != nil {
		u.Verify = l.Choice(at, "verify", []string{"etag", "asset"}, nil)
	}
	l.duration(f["verify_timeout"], "verify_timeout", &u.VerifyTimeout, time.Second)
}

func (l *loader) retry(n *yaml.Node) {
	f := l.section(n, "retry", retryKeys)
	r := &l.config.Retry
	l.number(f["max_attempts"], "max_attempts", &r.MaxAttempts, 1, 1000)
	l.duration(f["initial"], "initial", &r.Initial, time.Millisecond)
	l.duration(f["max"], "max", &r.Max, time.Millisecond)
	if r.Initial > r.Max {
		at := f["initial"]
		if at == nil {
			at = f["max"]
		}
		l.Add(yamltree.At(at), "", "retry: the initial pause of %v is longer than the longest, %v", r.Initial, r.Max)
	}
}

func (l *loader) manifests(n *yaml.Node) {
	f := l.section(n, "manifests", tableKeys)
	m := &l.config.Manifests
	l.size(f["memory"], "manifests.memory", &m.Memory, 1<<20)
	l.number(f["rows_without_files"], "manifests.rows_without_files", &m.RowsWithoutFiles, 0, 1_000_000)
}

func (l *loader) log(n *yaml.Node) {
	f := l.section(n, "log", logKeys)
	if at := f["level"]; at != nil {
		l.config.Log.Level = l.Choice(at, "level", []string{"trace", "debug", "info", "warn", "error"}, nil)
	}
	if at := f["format"]; at != nil {
		l.config.Log.Format = l.Choice(at, "format", []string{"auto", "json", "console"}, nil)
	}
}

// section returns the keys of a section that may be left out.
func (l *loader) section(n *yaml.Node, what string, keys yamltree.Keys) map[string]*yaml.Node {
	if n == nil {
		return nil
	}
	return l.Fields(n, what, keys)
}

// need returns the value of a key that must be there, or nil after a complaint.
func (l *loader) need(n *yaml.Node, fields map[string]*yaml.Node, key, what string) *yaml.Node {
	at := fields[key]
	if at == nil {
		l.Add(yamltree.At(n), "", "%s has no %s", what, key)
	}
	return at
}

// filled reads a text that must not be empty.
func (l *loader) filled(n *yaml.Node, what string) string {
	text, ok := l.Text(n, what)
	if ok && text == "" {
		l.Add(yamltree.At(n), "", "%s is empty", what)
	}
	return text
}

// path reads a path and makes it absolute.
func (l *loader) path(n *yaml.Node, what string) string {
	text := l.filled(n, what)
	if text == "" {
		return ""
	}
	if strings.ContainsRune(text, 0) {
		l.Add(yamltree.At(n), "", "%s is no path: it contains a zero byte", what)
		return ""
	}
	if !l.written(n, what, text) {
		return ""
	}
	abs, err := filepath.Abs(text)
	if err != nil {
		l.Add(yamltree.At(n), "write it from the root", "%s: %v", what, err)
		return ""
	}
	return abs
}

// written refuses a path that only a shell would understand.
func (l *loader) written(n *yaml.Node, what, text string) bool {
	home, err := os.UserHomeDir()
	if err != nil || home == "" {
		home = "/home/NAME"
	}
	switch first, rest, _ := strings.Cut(text, "/"); {
	case first == "~":
		l.Add(yamltree.At(n), "write "+filepath.Join(home, rest), "%s: a shell expands ~, a configuration does not: %s", what, l.Quote(n))
	case homeOf.MatchString(first):
		l.Add(yamltree.At(n), "write "+filepath.Join("/home", first[1:], rest)+", or where that home is", "%s: a shell expands %s, a configuration does not: %s", what, first, l.Quote(n))
	case bareVariable.MatchString(first):
		l.Add(yamltree.At(n), "write ${"+first[1:]+"}", "%s: a variable has braces here: %s", what, l.Quote(n))
	default:
		return true
	}
	return false
}

// What a shell puts in at the beginning of a path: another user's home, and a variable.
var (
	homeOf       = regexp.MustCompile(`^~[a-z_][a-z0-9_-]*$`)
	bareVariable = regexp.MustCompile(`^\$[A-Za-z_][A-Za-z0-9_]*$`)
)

// below reads a slash-separated path below a folder.
func (l *loader) below(n *yaml.Node, what string, to *string) {
	if n == nil {
		return
	}
	text, ok := l.Text(n, what)
	switch {
	case !ok:
	case !l.written(n, what, text):
	case text != "" && (!filepath.IsLocal(text) || filepath.Clean(text) == "." || strings.ContainsRune(text, 0)):
		l.Add(yamltree.At(n), "such as _ingested", "%s must be a path below the folder, not %s", what, l.Quote(n))
	case text != "":
		*to = filepath.ToSlash(filepath.Clean(text))
	default:
		*to = ""
	}
}

func (l *loader) url(n *yaml.Node) string {
	text, ok := l.Text(n, "url")
	if !ok {
		return ""
	}
	if strings.ContainsAny(text, "@?#") { // not to be quoted: a password may stand in it
		l.Add(yamltree.At(n), "put the login into api_key, username and password", "url: a user, a password, a query or a fragment does not belong into it")
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" {
		l.Add(yamltree.At(n), "such as https://api.uat.tenovos.io/v1", "url: %s is no address of an API", l.Quote(n))
		return ""
	}
	if u.Scheme == "http" && !Loopback(u.Hostname()) {
		if !l.config.Insecure {
			l.Add(yamltree.At(n), "write https://, or insecure: true at the top of the file where the network in between is your own",
				"url: %s would carry the password, the token and every file over the network for all to read", l.Quote(n))
			return ""
		}
		l.warn(n, "write https:// where the server has it", "url: over http:// the password, the token and every file can be read on the network")
	}
	return strings.TrimRight(text, "/")
}

// number reads a whole number into to, if there is one.
func (l *loader) number(n *yaml.Node, what string, to *int, low, high int) {
	if n == nil {
		return
	}
	if number, ok := l.Int(n, what, low, high); ok {
		*to = number
	}
}

// flag reads true or false into to, if there is one.
func (l *loader) flag(n *yaml.Node, what string, to *bool) {
	if n == nil {
		return
	}
	if value, ok := l.Bool(n, what); ok {
		*to = value
	}
}

// globs reads a list of patterns into to, if there is one.
func (l *loader) globs(n *yaml.Node, what string, to *[]string) {
	if n == nil {
		return
	}
	nodes, ok := l.List(n, what)
	if !ok {
		return
	}
	patterns := make([]string, 0, len(nodes))
	for _, node := range nodes {
		text, ok := l.Text(node, what)
		if !ok {
			continue
		}
		if pattern := l.Glob(node, text, what); pattern != "" && !slices.Contains(patterns, pattern) {
			patterns = append(patterns, pattern)
		}
	}
	*to = patterns
}

// warn records what is no mistake, but hardly meant.
func (l *loader) warn(n *yaml.Node, hint, format string, args ...any) {
	l.config.Warnings = append(l.config.Warnings, yamltree.Problem{Pos: yamltree.At(n), Message: fmt.Sprintf(format, args...), Hint: hint})
}
