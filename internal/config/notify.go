package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/notify"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

var (
	webhookKeys = yamltree.Keys{Known: []string{"url", "on", "secret_file", "body", "content_type"}}
	mailKeys    = yamltree.Keys{Known: []string{"smtp", "from", "to", "on", "username", "password_file", "digest", "subject", "body"}}
)

// mailDigest is how long a mail waits for more events, unless the configuration says otherwise.
const mailDigest = time.Minute

// notifyLoader reads who is told of what.
type notifyLoader struct{ *loader }

// read returns the secrets that it met.
func (l notifyLoader) read(n *yaml.Node) (secrets []string) {
	if n == nil {
		return nil
	}
	nodes, _ := l.List(n, "notify")
	names := make(map[string]int)
	for _, node := range nodes {
		var r notify.Receiver
		var f map[string]*yaml.Node
		if valueOf(node, "smtp") != nil && valueOf(node, "url") == nil {
			r, f = l.mail(node)
		} else {
			r, f = l.webhook(node)
		}
		if f == nil {
			continue
		}
		r.On = notify.Events()
		if at := f["on"]; at != nil {
			r.On = l.on(at)
		}
		l.template(f, &r)
		name := r.Name()
		if names[name]++; names[name] > 1 { // several of one address are told each by itself
			name = fmt.Sprintf("%s#%d", name, names[name])
		}
		l.config.Notify = append(l.config.Notify, Notify{Receiver: r, Name: name})
		secrets = append(secrets, r.Secret.Reveal(), r.Password.Reveal())
	}
	return secrets
}

// on reads what a receiver is told of.
func (l notifyLoader) on(n *yaml.Node) (on []string) {
	for _, node := range l.oneOrMore(n, "on") {
		if event := l.Choice(node, "on", notify.Events(), nil); event != "" {
			on = append(on, event)
		}
	}
	return on
}

// oneOrMore returns the elements of a list that must not be empty, or a single value.
func (l notifyLoader) oneOrMore(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		return []*yaml.Node{n}
	}
	nodes, ok := l.List(n, what)
	if ok && len(nodes) == 0 {
		l.Add(yamltree.At(n), "leave it out, or name what is meant", "%s is an empty list", what)
	}
	return nodes
}

func (l notifyLoader) webhook(n *yaml.Node) (r notify.Receiver, f map[string]*yaml.Node) {
	if f = l.Fields(n, "a receiver of notify", webhookKeys); f == nil {
		return r, nil
	}
	if at := f["url"]; at == nil {
		l.Add(yamltree.At(n), "", "a receiver of notify has neither url nor smtp")
	} else {
		r.URL = l.webhookURL(at)
	}
	if at := f["secret_file"]; at != nil {
		l.credentials = append(l.credentials, yamltree.At(at))
		r.Secret = l.secretFile(at, "secret_file")
	}
	if at := f["content_type"]; at != nil {
		r.ContentType = l.filled(at, "content_type")
		if f["body"] == nil || strings.ContainsAny(r.ContentType, "\r\n") {
			l.Add(yamltree.At(at), "", "content_type is that of a body, which the receiver does not have, and stands on one line")
		}
	}
	return r, f
}

// webhookURL reads the address of a webhook, which is never quoted: a token may stand in it.
func (l notifyLoader) webhookURL(n *yaml.Node) secret.Text {
	text := l.filled(n, "url")
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.Fragment != "" {
		l.Add(yamltree.At(n), "such as https://hooks.example.com/ingest", "url: it is no address of a webhook")
		return ""
	}
	if u.Scheme == "http" && !Loopback(u.Hostname()) {
		if !l.config.Insecure {
			l.Add(yamltree.At(n), "write https://, or insecure: true at the top of the file where the network in between is your own",
				"url: notify would carry names of files to http://%s over the network for all to read", u.Host)
			return ""
		}
		l.warn(n, "write https:// where the server has it", "url: what notify tells over http:// can be read on the network")
	}
	return secret.Text(text)
}

func (l notifyLoader) mail(n *yaml.Node) (r notify.Receiver, f map[string]*yaml.Node) {
	if f = l.Fields(n, "a receiver of notify", mailKeys); f == nil {
		return r, nil
	}
	r.Plain, r.Digest = l.config.Insecure, mailDigest
	r.SMTP = l.smtp(f["smtp"])
	if at := l.need(n, f, "from", "a mail of notify"); at != nil {
		r.From = l.mailAddress(at, "from")
	}
	if at := l.need(n, f, "to", "a mail of notify"); at != nil {
		for _, node := range l.oneOrMore(at, "to") {
			r.To = append(r.To, l.mailAddress(node, "to"))
		}
	}
	if at := f["username"]; at != nil {
		r.Username = l.filled(at, "username")
	}
	if at := f["password_file"]; at != nil {
		l.credentials = append(l.credentials, yamltree.At(at))
		r.Password = l.secretFile(at, "password_file")
	}
	if (f["username"] == nil) != (f["password_file"] == nil) {
		l.Add(yamltree.At(n), "", "a login for mail has both username and password_file")
	}
	l.duration(f["digest"], "digest", &r.Digest, 0)
	return r, f
}

// smtp reads the address of a mail server. Port 465 is talked to by TLS from the start, any
// other by STARTTLS.
func (l notifyLoader) smtp(n *yaml.Node) string {
	text := l.filled(n, "smtp")
	if text == "" {
		return ""
	}
	if !strings.Contains(text, ":") {
		text += ":587"
	}
	host, port, err := net.SplitHostPort(text)
	number, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || number == 0 || host == "" || strings.ContainsAny(host, "/@ ") {
		l.Add(yamltree.At(n), "such as smtp.example.com:587", "smtp: %s is no address of a mail server", l.Quote(n))
		return ""
	}
	return text
}

func (l notifyLoader) mailAddress(n *yaml.Node, what string) string {
	text := l.filled(n, what)
	if text == "" {
		return ""
	}
	if a, err := mail.ParseAddress(text); err != nil || strings.ContainsAny(a.Address, "\r\n <>") {
		l.Add(yamltree.At(n), "such as ingest@example.com", "%s: %s is no mail address", what, l.Quote(n))
	}
	return text
}

// template reads the words of a receiver, and tries them.
func (l notifyLoader) template(f map[string]*yaml.Node, r *notify.Receiver) {
	if at := f["subject"]; at != nil {
		r.Subject = l.filled(at, "subject")
	}
	if at := f["body"]; at != nil {
		r.Body = l.filled(at, "body")
	}
	if key, err := notify.Check(*r); err != nil {
		l.Add(yamltree.At(f[key]), "the fields are listed in docs/notify.md", "%s is no template: %v", key, err)
	}
}
