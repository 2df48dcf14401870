package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// Login is what a request has to know: a user with a password, or a token. The zero value is
// no login.
type Login struct {
	User         string
	PasswordHash secret.Text // bcrypt
	Token        secret.Text // programs send it as Bearer, browsers as the password of any user
}

// Needed reports whether there is a login.
func (l Login) Needed() bool { return l.PasswordHash != "" || l.Token != "" }

// doorman looks at logins.
type doorman struct {
	login   Login
	secret  Secret
	guesses *guesses
	good    atomic.Pointer[[sha256.Size]byte] // keyed hash of the user and password that were right: bcrypt is slow on purpose
}

func newDoorman(l Login, s Secret, log zerolog.Logger) *doorman {
	return &doorman{login: l, secret: s, guesses: newGuesses(log)}
}

// refuse returns why a request may not see what needs a login; nil where it may.
func (d *doorman) refuse(w http.ResponseWriter, req *http.Request) *refusal {
	if !d.login.Needed() {
		return nil
	}
	verdict := none
	user, password, basic := req.BasicAuth()
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	bearer := strings.EqualFold(scheme, "Bearer") // the case of a scheme does not count in HTTP
	switch {
	case bearer && d.login.Token != "":
		verdict = d.token(token)
	case basic && d.login.Token != "":
		verdict = d.token(password)
	case basic:
		verdict = d.password(req, user, password)
	case req.Header.Get("Authorization") != "":
		verdict = wrong
	}
	if verdict == wrong {
		verdict = d.guesses.slow(req.Context(), sourceOf(req))
	}
	switch verdict {
	case right:
		return nil
	case busy:
		w.Header().Set("Retry-After", "5")
		w.Header().Set("Connection", "close")
		return &refusal{http.StatusTooManyRequests, "there are too many wrong logins at once: try again in a moment"}
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="ingestd", charset="UTF-8"`)
	return &refusal{http.StatusUnauthorized, "a login is needed, see `listen_auth`"}
}

// verdict is what comes of a login.
type verdict int

const (
	none  verdict = iota // there was none
	right                //
	wrong                //
	busy                 // too many are being looked at
)

func (d *doorman) token(token string) verdict {
	if same(token, d.login.Token.Reveal()) {
		return right
	}
	return wrong
}

// password compares with the hash, or with what was right before.
func (d *doorman) password(req *http.Request, user, password string) verdict {
	sum := d.secret.sum("login", user, password)
	if good := d.good.Load(); good != nil && subtle.ConstantTimeCompare(good[:], sum[:]) == 1 {
		return right
	}
	v := d.guesses.try(req.Context(), sourceOf(req), sum, func() bool { // which takes as long for another user
		ok := bcrypt.CompareHashAndPassword([]byte(d.login.PasswordHash.Reveal()), []byte(password)) == nil
		return same(user, d.login.User) && ok
	})
	if v == right {
		d.good.Store(&sum)
	}
	return v
}

// same compares texts in a time that tells nothing of where they differ, or how long they are.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// sourceOf is who asks: an address, or of IPv6 the network that one customer has. What a
// proxy says of its clients anybody can say.
func sourceOf(req *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(req.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is6() {
		net, _ := addr.Prefix(64) // it has as many bits
		addr = net.Addr()
	}
	return addr
}
