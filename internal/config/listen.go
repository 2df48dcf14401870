package config

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/crypto/bcrypt"
	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// Listen says where the HTTP server listens, and who may ask it.
type Listen struct {
	Address string   // host:port; "" is off
	Public  bool     // it is no address of this machine alone
	Names   []string // of hosts, in whose name a proxy in front may ask

	// The login: a user with the bcrypt hash of a password, or a token, or none of them.
	User         string
	PasswordHash secret.Text
	Token        secret.Text
}

var loginKeys = yamltree.Keys{Known: []string{"user", "password_hash_file", "token_file"}}

var bcryptHash = regexp.MustCompile(`^\$2[aby]?\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

// What a login has to be like.
const (
	minToken  = 16 // characters
	weakCost  = 10 // of a bcrypt hash; below it, a password is soon found by trying
	worstCost = 14 // above it, one login takes seconds
)

// listenLoader reads the keys of the HTTP server.
type listenLoader struct{ *loader }

func (l listenLoader) read(f map[string]*yaml.Node) {
	if at := f["listen_auth"]; at != nil {
		l.login(at)
	}
	if at := f["listen_names"]; at != nil {
		l.listenNames(at)
	}
	if at := f["listen"]; at != nil {
		l.address(at, f["listen_auth"] != nil)
	}
}

func (l listenLoader) address(n *yaml.Node, login bool) {
	to := &l.config.Listen
	to.Address = ""
	if _, err := strconv.ParseUint(n.Value, 10, 16); err == nil {
		l.Add(yamltree.At(n), "127.0.0.1:"+n.Value+" answers this machine alone", "listen: %s is a port without an address", l.Quote(n))
		return
	}
	text, ok := l.Text(n, "listen")
	if !ok || text == "" {
		return
	}
	host, port, err := net.SplitHostPort(text)
	number, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || number > 65535 || strings.ContainsFunc(host, unicode.IsSpace) {
		l.Add(yamltree.At(n), `such as 127.0.0.1:9470; "" switches it off`, "listen: %s is no address to listen on", l.Quote(n))
		return
	}
	to.Address, to.Public = text, !Loopback(host)
	switch {
	case to.Public && !login:
		l.Add(yamltree.At(n), "add listen_auth: {user: NAME, password_hash_file: FILE} with what `ingestd hash-password` prints, or {token_file: FILE}; 127.0.0.1:"+port+" answers this machine alone, without a login",
			"listen: %s is open to other machines: whoever reaches it would read the names of all files, and cancel uploads; it needs listen_auth", l.Quote(n))
	case to.Public:
		l.warn(n, "a proxy with TLS on this machine, in front of 127.0.0.1:"+port+", or a VPN keeps them to yourself",
			"listen: %s is open to other machines: the login and the names of all files go over the network for all to read", l.Quote(n))
	}
}

func (l listenLoader) login(n *yaml.Node) {
	f := l.Fields(n, "listen_auth", loginKeys)
	if f == nil {
		return
	}
	user, hash, token := f["user"], f["password_hash_file"], f["token_file"]
	for _, at := range []*yaml.Node{hash, token} {
		if at != nil {
			l.credentials = append(l.credentials, yamltree.At(at))
		}
	}
	const either = "write {user: NAME, password_hash_file: FILE}, or {token_file: FILE}"
	switch {
	case token != nil && (user != nil || hash != nil):
		l.Add(yamltree.At(token), either, "listen_auth has both a token and a user with a password")
	case token != nil:
		l.token(token)
	case user == nil:
		l.Add(yamltree.At(n), either, "listen_auth has no user and no token_file")
	case hash == nil:
		l.Add(yamltree.At(n), either, "listen_auth has a user, and no password_hash_file")
	default:
		l.user(user)
		l.passwordHash(hash)
	}
}

func (l listenLoader) user(n *yaml.Node) {
	text := l.filled(n, "user")
	if strings.ContainsRune(text, ':') || strings.ContainsFunc(text, unicode.IsControl) {
		l.Add(yamltree.At(n), "", "user: %s cannot be logged in with: browsers end a name at a colon", l.Quote(n))
	}
	l.config.Listen.User = text
}

func (l listenLoader) passwordHash(n *yaml.Node) {
	text := l.secretFile(n, "password_hash_file")
	if text == "" {
		return
	}
	cost, err := bcrypt.Cost([]byte(text.Reveal()))
	wrong := err != nil || !bcryptHash.MatchString(text.Reveal())
	switch _, behind, colon := strings.Cut(text.Reveal(), ":"); {
	case wrong && colon && bcryptHash.MatchString(behind):
		l.Add(yamltree.At(n), "keep what stands behind the colon", "password_hash_file holds a line of htpasswd, with the user in front of the hash")
		return
	case wrong:
		l.Add(yamltree.At(n), "`ingestd hash-password` asks for a password and prints its hash", "password_hash_file holds no bcrypt hash (such as $2a$10$ and 53 characters more)")
		return
	case cost > worstCost:
		l.Add(yamltree.At(n), "`ingestd hash-password` makes one of a cost that will do", "password_hash_file: with a bcrypt cost of %d each login would take many seconds", cost)
		return
	case cost < weakCost:
		l.warn(n, "`ingestd hash-password` makes a better one", "password_hash_file: whoever gets to read the hash soon finds the password by trying: its bcrypt cost is %d", cost)
	}
	l.config.Listen.PasswordHash = text
}

func (l listenLoader) token(n *yaml.Node) {
	text := l.secretFile(n, "token_file")
	switch plain := text.Reveal(); {
	case text == "":
		return
	case len(plain) < minToken:
		l.Add(yamltree.At(n), "`openssl rand -hex 32` makes one", "token_file: a token of %d characters can be guessed; it needs %d", len(plain), minToken)
		return
	case strings.ContainsFunc(plain, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		l.Add(yamltree.At(n), "`openssl rand -hex 32` makes one", "token_file: the token has a character that no header can carry: it may have letters, digits and signs of ASCII")
		return
	}
	l.config.Listen.Token = text
}

func (l listenLoader) listenNames(n *yaml.Node) {
	nodes, ok := l.List(n, "listen_names")
	if !ok {
		return
	}
	for _, at := range nodes {
		text := l.filled(at, "listen_names")
		if strings.ContainsFunc(text, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-'
		}) {
			l.Add(yamltree.At(at), "such as ingest.example.com, without a scheme and a port", "listen_names: %s is no name of a host", l.Quote(at))
			continue
		}
		l.config.Listen.Names = append(l.config.Listen.Names, text)
	}
}

// Loopback reports that a host, a name or an address, is this machine by itself.
func Loopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
