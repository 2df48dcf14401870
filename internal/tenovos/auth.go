package tenovos

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
)

// Login logs in by password, whether or not there is a session. Calls log in by
// themselves; this is for checking an account. A refusal is ErrCredentials and
// must not be answered by trying again soon: accounts get locked.
func (c *Client) Login(ctx context.Context) error {
	release, err := c.slots.take(ctx, "log in")
	if err != nil {
		return err
	}
	defer release()
	if err := c.auth.take(ctx); err != nil {
		return err
	}
	_, err = c.login(ctx)
	c.auth.leave(ctx, err)
	return err
}

// Refresh renews the session by its refresh token, and by password where there
// is none or it is refused.
func (c *Client) Refresh(ctx context.Context) error {
	release, err := c.slots.take(ctx, "refresh the session")
	if err != nil {
		return err
	}
	defer release()
	_, err = c.renew(ctx, c.auth.load())
	return err
}

// Ready makes sure of a session that lives at least until its margin, which is
// five minutes or a tenth of its life. Call it before the step that ends an
// upload: while parts travel to the content store nothing else touches the
// session.
func (c *Client) Ready(ctx context.Context) error {
	release, err := c.slots.take(ctx, "prepare the session")
	if err != nil {
		return err
	}
	defer release()
	if _, err = c.token(ctx); err != nil {
		return &sessionError{err}
	}
	return nil
}

// ExpireToken ends the session on the server. It does nothing where there is no
// session. The service may end all sessions of the account with it, so another
// program that uses the account may have to log in again; so does this client at
// its next call.
func (c *Client) ExpireToken(ctx context.Context) (err error) {
	const op = "expire the token"
	release, err := c.slots.take(ctx, op)
	if err != nil {
		return err
	}
	defer release()
	if err := c.auth.take(ctx); err != nil {
		return err
	}
	// What becomes of it says nothing about the next renewal.
	defer c.auth.leave(ctx, nil)
	t := c.auth.load()
	if t == nil {
		return nil
	}
	body := struct {
		EndpointURL string       `json:"endpointUrl"`
		ClientID    string       `json:"clientId"`
		UserPoolID  string       `json:"userPoolId"`
		Username    string       `json:"username"`
		Session     sessionToken `json:"session"`
	}{
		cmp.Or(t.EndpointURL, c.base), cmp.Or(t.ClientID, c.cfg.ClientID), t.UserPoolID, cmp.Or(t.Username, c.cfg.Username),
		sessionToken{t.Authorization.Reveal(), t.AccessToken.Reveal(), t.RefreshToken.Reveal()},
	}
	r := request{op: op, method: http.MethodDelete, path: "/auth/token", body: body, repeatable: true, ack: true, accessToken: true}
	if err := c.send(ctx, r, t, acknowledged); err != nil {
		return err
	}
	c.auth.store(nil)
	return nil
}

// Impersonate returns a session of another user. It cannot be refreshed, and the
// client itself goes on as the account that it was made for. The vendor has
// deprecated the operation.
func (c *Client) Impersonate(ctx context.Context, username string) (Session, error) {
	r := request{
		op: "impersonate", method: http.MethodPost, path: "/auth/impersonate", repeatable: true, accessToken: true,
		body: struct {
			Username string `json:"username"`
		}{username},
	}
	var s Session
	err := c.call(ctx, r, func(raw json.RawMessage) error {
		t, err := decodeSession(raw, nil, c.clock(), c.Ahead())
		if err == nil {
			s = t.Session
		}
		return err
	})
	return s, err
}
