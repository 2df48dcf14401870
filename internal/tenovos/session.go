package tenovos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

const (
	// tokenLife is how long a token lives by the documents. It is used where a
	// reply does not say, or says a time that has passed already, which can only
	// mean that a clock is wrong.
	tokenLife = time.Hour
	// maxMargin is how long before its end a session is renewed, at most.
	maxMargin = 5 * time.Minute
	// refusalHold is how long a refused login answers for the next ones: workers
	// that come one after another must not each send the wrong password.
	refusalHold = 5 * time.Second
	// maxRefreshFaults is after how many server errors in a row a refresh token
	// counts as broken. The API answers some permanent faults with a 5xx.
	maxRefreshFaults = 3
)

// Session is what a login yields. Its tokens print redacted.
type Session struct {
	Authorization, AccessToken, RefreshToken secret.Text
	// Expires is when the tokens end, by this machine's clock.
	Expires                                     time.Time
	EndpointURL, ClientID, UserPoolID, Username string
}

// token is a session with the time from which on it should be renewed. It never
// changes, so that a pointer tells whether a newer one is there.
type token struct {
	Session
	renewAt time.Time
}

// auth keeps the client's session.
type auth struct {
	turn chan struct{} // held by the one that renews

	mu      sync.Mutex
	current *token
	rounds  int   // renewals that have ended
	failed  error // what the last of them ended with

	// Only the holder of turn touches these.
	refused       error     // the last refused login
	refusedAt     time.Time // and when it was
	refreshFaults int
}

func (a *auth) load() *token {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.current
}

func (a *auth) store(t *token) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current = t
}

// take waits for the turn. It returns the error of a renewal that ended while it
// waited: asking again at once would only repeat it, caller by caller.
func (a *auth) take(ctx context.Context) error {
	a.mu.Lock()
	seen := a.rounds
	a.mu.Unlock()
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return &Error{Op: "wait for the session", Kind: Unavailable, Err: ctx.Err()}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rounds != seen && a.failed != nil {
		<-a.turn
		return a.failed
	}
	return nil
}

// leave ends a renewal. A failure that is only the end of the caller's own
// context is not passed on to those who wait.
func (a *auth) leave(ctx context.Context, err error) {
	if ctx.Err() != nil {
		err = nil
	}
	a.mu.Lock()
	a.rounds++
	a.failed = err
	a.mu.Unlock()
	<-a.turn
}

// token returns tokens that live at least until their margin.
func (c *Client) token(ctx context.Context) (*token, error) {
	t := c.auth.load()
	if t != nil && c.clock().Before(t.renewAt) {
		return t, nil
	}
	return c.renew(ctx, t)
}

// renew replaces the session old, or returns the one that has replaced it
// already. One caller renews and the others wait for what it gets.
func (c *Client) renew(ctx context.Context, old *token) (t *token, err error) {
	if err := c.auth.take(ctx); err != nil {
		return nil, err
	}
	defer func() { c.auth.leave(ctx, err) }()
	if t := c.auth.load(); t != nil && t != old && c.clock().Before(t.renewAt) {
		return t, nil
	} else if t != nil {
		old = t
	}
	if old != nil && old.RefreshToken != "" {
		t, err := c.refresh(ctx, old)
		if err == nil || !c.auth.refreshIsOver(err) {
			return t, err
		}
		// Never try this refresh token again, whatever becomes of the login.
		spent := *old
		spent.RefreshToken = ""
		spent.renewAt = time.Time{}
		c.auth.store(&spent)
	}
	if c.auth.refused != nil && c.clock().Sub(c.auth.refusedAt) < refusalHold {
		return nil, c.auth.refused
	}
	return c.login(ctx)
}

// refreshIsOver reports whether a failed refresh leaves only the password. The caller holds
// the turn.
func (a *auth) refreshIsOver(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch {
	case e.Kind == Unauthorized && e.Status == http.StatusForbidden:
		return false // about the API key: a login would be refused as well
	case e.Kind == Unauthorized, e.Kind == Rejected:
		return true
	case e.Status == 500, e.Status == 502:
		a.refreshFaults++
		return a.refreshFaults >= maxRefreshFaults
	}
	return false
}

// tokenRequest is the body of POST /auth/token: the account, or the session to
// refresh. Its fields are plain because a secret.Text would redact itself.
type tokenRequest struct {
	Username string        `json:"username,omitempty"`
	Password string        `json:"password,omitempty"`
	ClientID string        `json:"clientId,omitempty"`
	Session  *sessionToken `json:"session,omitempty"`
}

type sessionToken struct {
	Authorization string `json:"authorization,omitempty"`
	AccessToken   string `json:"accessToken"`
	RefreshToken  string `json:"refreshToken"`
}

// login logs in by password. The caller holds the turn.
func (c *Client) login(ctx context.Context) (*token, error) {
	t, err := c.authorize(ctx, "log in", tokenRequest{
		Username: c.cfg.Username,
		Password: c.cfg.Password.Reveal(),
		ClientID: c.cfg.ClientID,
	}, nil)
	if e := (*Error)(nil); errors.As(err, &e) && (e.Kind == Rejected || e.Kind == Unauthorized && e.Status != http.StatusForbidden) && !isPage(e) {
		e.Kind = Unauthorized
		check := c.cfg.UsernameFrom + " and " + c.cfg.PasswordFrom
		if c.cfg.Version == "1.0" {
			check += ", and " + c.cfg.ClientIDFrom + ", which API 1.0 needs"
		}
		e.Err = c.refusedLogin(e, check)
	}
	c.auth.refused = nil
	if errors.Is(err, ErrCredentials) {
		c.auth.refused, c.auth.refusedAt = err, c.clock()
	}
	return t, err
}

// isPage reports a refusal by somebody on the way, who has words of his own: a proxy
// that wants a login itself. One without a word is taken for the service's.
func isPage(e *Error) bool {
	return errors.Is(e, ErrIntermediary) && e.Message != http.StatusText(e.Status)
}

// refresh trades the refresh token of old for a new session. The caller holds
// the turn. The access token is sent even when it has ended: the service reads
// the client from it.
func (c *Client) refresh(ctx context.Context, old *token) (*token, error) {
	return c.authorize(ctx, "refresh the session", tokenRequest{Session: &sessionToken{
		AccessToken:  old.AccessToken.Reveal(),
		RefreshToken: old.RefreshToken.Reveal(),
	}}, old)
}

// authorize posts body to /auth/token and keeps the session that comes back. What
// the reply leaves out is taken from old, which may be nil.
func (c *Client) authorize(ctx context.Context, op string, body tokenRequest, old *token) (*token, error) {
	asked := c.clock()
	var t *token
	err := c.send(ctx, request{op: op, method: http.MethodPost, path: "/auth/token", body: body, repeatable: true}, nil,
		func(raw json.RawMessage) (err error) {
			t, err = decodeSession(raw, old, asked, c.Ahead())
			return err
		})
	if e := (*Error)(nil); errors.As(err, &e) && !errors.Is(err, ErrIntermediary) && e.Status == http.StatusForbidden && strings.EqualFold(e.Message, "Forbidden") {
		e.Err = c.refusedLogin(e, c.cfg.APIKeyFrom+": it is the API key that was refused")
	}
	if e := (*Error)(nil); errors.As(err, &e) && e.Status == http.StatusNotFound {
		// There is nothing to be found: the service is not where it should be.
		e.Kind, e.Err = Unavailable, errors.New("the service knows no login here; check tenovos.url")
	}
	if err != nil {
		return nil, err
	}
	c.auth.refreshFaults = 0
	c.auth.store(t)
	return t, nil
}

// decodeSession reads a session that was asked for at a time by our clock, which is
// ahead of the service's.
func decodeSession(raw json.RawMessage, old *token, asked time.Time, ahead time.Duration) (*token, error) {
	var reply struct {
		EndpointURL word `json:"endpointUrl"`
		ClientID    word `json:"clientId"`
		UserPoolID  word `json:"userPoolId"`
		Username    word `json:"username"`
		Session     struct {
			Authorization word   `json:"authorization"`
			AccessToken   word   `json:"accessToken"`
			RefreshToken  word   `json:"refreshToken"`
			ExpireEpoch   number `json:"expireEpoch"`
		} `json:"session"`
	}
	if err := json.Unmarshal(raw, &reply); err != nil {
		return nil, errors.New("the session cannot be read") // the cause may quote a token
	}
	s := reply.Session
	if s.Authorization == "" {
		return nil, errors.New("it holds no authorization token")
	}
	if old == nil {
		old = new(token)
	}
	t := &token{Session: Session{
		Authorization: secret.Text(s.Authorization),
		AccessToken:   or(secret.Text(s.AccessToken), old.AccessToken),
		RefreshToken:  or(secret.Text(s.RefreshToken), old.RefreshToken),
		Expires:       time.UnixMilli(int64(s.ExpireEpoch)).Add(ahead),
		EndpointURL:   or(string(reply.EndpointURL), old.EndpointURL),
		ClientID:      or(string(reply.ClientID), old.ClientID),
		UserPoolID:    or(string(reply.UserPoolID), old.UserPoolID),
		Username:      or(string(reply.Username), old.Username),
	}}
	if !t.Expires.After(asked) {
		t.Expires = asked.Add(tokenLife)
	}
	t.renewAt = t.Expires.Add(-min(maxMargin, t.Expires.Sub(asked)/10))
	return t, nil
}

// or returns what the service sent, or what was known before.
func or[S ~string](sent, known S) S {
	if sent != "" {
		return sent
	}
	return known
}
