package tenovos

import (
	"errors"
	"regexp"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

var (
	urlQuery = regexp.MustCompile(`(https?://[^\s"'<>?#]+)[?#][^\s"'<>]*`)
	jwt      = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*`)
)

// scrub removes from a text of the service what must not be printed: the
// client's own secrets, anything that looks like a token, and the queries of
// URLs, which sign them.
func (c *Client) scrub(s string) string {
	if s == "" {
		return s
	}
	own := []secret.Text{c.cfg.APIKey, c.cfg.Password}
	if t := c.auth.load(); t != nil {
		own = append(own, t.Authorization, t.AccessToken, t.RefreshToken)
	}
	for _, t := range own {
		// One of three letters would be found in every other word.
		if len(t) > 3 {
			s = strings.ReplaceAll(s, t.Reveal(), secret.Redacted)
		}
	}
	s = urlQuery.ReplaceAllString(s, "$1?"+secret.Redacted)
	return jwt.ReplaceAllString(s, secret.Redacted)
}

// scrubError is scrub for an error. The chain stays as it is where its text is
// clean, so that causes can be asked for; otherwise only the text is left.
func (c *Client) scrubError(err error) error {
	if text := err.Error(); c.scrub(text) != text {
		return errors.New(c.scrub(text))
	}
	return err
}
