package tenovos

import (
	"fmt"
	"net/http"
	"strings"
)

// refusedLogin is the cause of an Error whose login was refused: which account of which
// host, what was wrong about it as far as that is known, and where that stands in the
// configuration. It is ErrCredentials.
type refusedLogin struct {
	url, user string
	status    int
	message   string // the service's own words
	check     string // the keys to check, with their places
}

func (e *refusedLogin) Error() string {
	said := fmt.Sprintf("HTTP %d", e.status)
	if m := strings.TrimRight(e.message, ". "); m != "" && m != http.StatusText(e.status) {
		said += ": " + m
	}
	return fmt.Sprintf("log in to %s as %q: %v (%s); check %s", e.url, e.user, ErrCredentials, said, e.check)
}

func (e *refusedLogin) Unwrap() error { return ErrCredentials }

// refusedLogin is how a refused login is told.
func (c *Client) refusedLogin(e *Error, check string) *refusedLogin {
	return &refusedLogin{url: c.cfg.URL, user: c.cfg.Username, status: e.Status, message: e.Message, check: check}
}
