package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
)

// Secret is the random key of one process. It tells pages of this process from others, and
// outlives a reload.
type Secret [32]byte

// NewSecret returns a key that nobody can guess.
func NewSecret() (s Secret) {
	_, _ = rand.Read(s[:]) // it never fails
	return s
}

// sum is a keyed hash of texts. Without the key nothing can be found out from it by trying.
func (s Secret) sum(texts ...string) (out [sha256.Size]byte) {
	h := hmac.New(sha256.New, s[:])
	for _, text := range texts {
		one := sha256.Sum256([]byte(text)) // so that no two lists are the same text
		h.Write(one[:])
	}
	h.Sum(out[:0])
	return out
}

// csrf is the token that actions need: of this process and this login. Only who may read
// a page has it, and a page of another site cannot read this one, neither from another
// host nor from another port of this machine. It stands in no cookie: cookies are shared by
// all ports of a host, so that whoever serves another port would be sent one, and could set
// one. A user of this machine who asks for the page outside of a browser has the token
// where there is no login, and may then act without anybody's browser; in the browser of
// somebody else it is of no use to a page of theirs, whose Origin is refused.
func (s Secret) csrf(l Login) string {
	sum := s.sum("csrf", l.User, l.PasswordHash.Reveal(), l.Token.Reveal())
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Token returns what a page hands on with each action, in the header X-CSRF-Token or in the
// field csrf of a form. It is void when the process ends, or when the login changes.
func (a *Access) Token(*http.Request) string { return a.csrf }

// knows reports whether a POST has the token.
func (a *Access) knows(req *http.Request) bool {
	token := req.Header.Get("X-CSRF-Token")
	if token == "" {
		token = req.PostFormValue("csrf")
	}
	return subtle.ConstantTimeCompare([]byte(token), []byte(a.csrf)) == 1
}
