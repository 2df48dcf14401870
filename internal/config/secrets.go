package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// maxSecret bounds a file with a secret, in bytes: a wrong name may be that of
// anything.
const maxSecret = 64 << 10

// credentials is where the service's credentials lie when it does not run.
const credentials = "/etc/ingestd/credentials"

// secret reads a credential from KEY or from the file that KEY_file names; there
// must be one of them. It also returns where that stands.
func (l *loader) secret(n *yaml.Node, fields map[string]*yaml.Node, key string) (_ secret.Text, from string) {
	plain, file := fields[key], fields[key+"_file"]
	switch {
	case plain != nil && file != nil:
		l.Add(yamltree.At(file), "keep one of them", "tenovos has both %s and %s_file", key, key)
	case plain != nil:
		l.inline(plain, key)
		return secret.Text(l.filled(plain, key)), l.origin(plain, key, "")
	case file != nil:
		text, path := l.secretAt(file, key+"_file")
		return text, l.origin(file, key+"_file", path)
	default:
		l.Add(yamltree.At(n), "write "+key+"_file: and the path of a file that holds it alone", "tenovos has no %s and no %s_file", key, key)
	}
	return "", ""
}

// origin says where a credential stands, with the file or the variable that gave it.
func (l *loader) origin(n *yaml.Node, key, path string) string {
	text := fmt.Sprintf("tenovos.%s at %s:%d", key, l.config.File, n.Line)
	switch variables := yamltree.Variables(l.shown[n]); {
	case path != "":
		text += " (the file " + path + ")"
	case len(variables) > 0:
		text += " (the variable " + strings.Join(variables, ", ") + ")"
	}
	return text
}

// SecretFile is a file that holds a secret.
type SecretFile struct {
	Path   string // as the process may open it
	Key    string // password_file; or password, of the configuration file itself
	Handed bool   // the service manager reads it and hands it on: the daemon's user need not
	Pos    yamltree.Pos
}

// inline notes that the configuration file itself holds a secret: one whose text does
// not come from a variable.
func (l *loader) inline(n *yaml.Node, key string) {
	if n.Value == "" || yamltree.HasVariable(l.shown[n]) {
		return
	}
	l.config.Secrets = append(l.config.Secrets, SecretFile{Path: l.config.File, Key: key, Pos: yamltree.At(n)})
}

// secretFile reads a secret from a file. A name without a slash is looked up
// where systemd puts credentials.
func (l *loader) secretFile(n *yaml.Node, what string) secret.Text {
	text, _ := l.secretAt(n, what)
	return text
}

// secretAt is secretFile with the path of the file.
func (l *loader) secretAt(n *yaml.Node, what string) (secret.Text, string) {
	name := l.filled(n, what)
	if name == "" || !l.written(n, what, name) {
		return "", ""
	}
	handed := false
	if !strings.ContainsRune(name, '/') {
		dir, ok := l.env("CREDENTIALS_DIRECTORY")
		if !ok || dir == "" {
			dir = credentials // in an administrator's shell
		}
		handed = true
		name = filepath.Join(dir, name)
	}
	l.config.Secrets = append(l.config.Secrets, SecretFile{Path: name, Key: what, Handed: handed, Pos: yamltree.At(n)})
	text, err := readSecret(name)
	if err != nil {
		l.Add(yamltree.At(n), secretAdvice(err), "%s: %v", what, err)
		return "", ""
	}
	return text, name
}

// secretAdvice says what to try about a file that should hold a secret.
func secretAdvice(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "write the secret alone into that file, readable by the service only"
	case errors.Is(err, fs.ErrPermission):
		return "run the command as root, or give the service's user the right to read it"
	}
	return ""
}

// readSecret returns a file's content without the newline that editors put at the
// end. Other white space around it, or a second line, is a slip of the hand that a
// refused login would not name. Errors name the file, never what it holds.
func readSecret(name string) (secret.Text, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for without end
		return "", fmt.Errorf("%s is no regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	trimmed := strings.TrimSpace(text)
	switch {
	case len(data) > maxSecret:
		return "", fmt.Errorf("%s is too large for a secret", name)
	case trimmed == "":
		return "", fmt.Errorf("%s is empty", name)
	case strings.ContainsAny(trimmed, "\r\n"):
		return "", fmt.Errorf("%s has more than one line: it must hold the secret alone", name)
	case trimmed != text:
		return "", fmt.Errorf("%s has white space before or after the secret: remove it", name)
	}
	return secret.Text(text), nil
}
