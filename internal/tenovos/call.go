package tenovos

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// maxRetryAfter is the longest wait that a Retry-After can ask for.
const maxRetryAfter = 24 * time.Hour

// request is one call of the API.
type request struct {
	op           string // in words, for errors
	method, path string // path below the base, its ids escaped
	body         any    // nil: none
	contentType  bool   // the documents want a Content-Type in spite of no body
	repeatable   bool   // if the reply is lost, sending it again does no harm
	ack          bool   // the reply is only asked whether the call worked
	accessToken  bool   // send the AccessToken header even where it is switched off
	limit        int64  // bytes that the reply may have; 0: maxWordsReply
}

// decoder takes the reply's substance. Its error means that the reply is not
// what it should be.
type decoder func(json.RawMessage) error

// pathID escapes an id for a path. An empty id would address another resource.
func pathID(op, id string) (string, error) {
	if id == "" {
		return "", &Error{Op: op, Kind: Rejected, Err: errors.New("the id is empty")}
	}
	return url.PathEscape(id), nil
}

// acknowledged is the decoder of calls that return nothing: any object that is
// no error will do, except one that says nothing at all.
func acknowledged(raw json.RawMessage) error {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || len(fields) == 0 {
		return errors.New("it says nothing")
	}
	return nil
}

// call sends r with the session's tokens. A 401 renews the session, and r is
// replayed once.
func (c *Client) call(ctx context.Context, r request, decode decoder) error {
	release, err := c.slots.take(ctx, r.op)
	if err != nil {
		return err
	}
	defer release()
	t, err := c.token(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", r.op, &sessionError{err})
	}
	err = c.send(ctx, r, t, decode)
	if !sessionRefused(err) {
		return err
	}
	if t, err = c.renew(ctx, t); err != nil {
		return fmt.Errorf("%s: %w", r.op, &sessionError{err})
	}
	return c.send(ctx, r, t, decode)
}

// slots bound the calls in flight: one token for each.
type slots chan struct{}

// take waits for one of the MaxConcurrentCalls. Whoever asks for a session holds
// one, so that a login is counted too and cannot be starved by those who wait
// for it.
func (s slots) take(ctx context.Context, op string) (release func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-ctx.Done():
		return nil, &Error{Op: op, Kind: Unavailable, Err: ctx.Err()}
	}
}

// sessionRefused reports whether a new session may cure err. A 403 is about the
// API key and is not cured so.
func sessionRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == Unauthorized && e.Status != http.StatusForbidden
}

// send makes one request with the tokens of t, which is nil at login, and reads
// the reply. All its errors are *Error.
func (c *Client) send(ctx context.Context, r request, t *token, decode decoder) error {
	began := c.clock()
	err := c.exchange(ctx, r, t, decode)
	c.cfg.Observe(r.op, err, c.clock().Sub(began))
	return err
}

// exchange is send, which tells of it.
func (c *Client) exchange(ctx context.Context, r request, t *token, decode decoder) error {
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	// Whether a connection was ever there to write to; true until the transport
	// says that it is only looking for one. A transport that starts over on a new
	// connection has written nothing to the one before.
	var connected atomic.Bool
	connected.Store(true)
	req, err := r.build(httptrace.WithClientTrace(timed, &httptrace.ClientTrace{
		GetConn: func(string) { connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}), c.base, &c.cfg, t)
	if err != nil {
		return &Error{Op: r.op, Kind: Rejected, Err: err}
	}

	// lost is for a reply that did not arrive or cannot be used.
	lost := func(status int, err error) error {
		if timed.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w within %s", ErrTimeout, c.timeout)
		}
		e := &Error{Op: r.op, Kind: Unavailable, Status: status, Err: c.secrets.scrubError(secret.Error(err))}
		switch ue := (*url.Error)(nil); {
		case !connected.Load():
			if errors.As(e.Err, &ue) {
				e.Err = ue.Err // the method and the path are of no use
			}
			e.Err = &unreachedError{url: c.base, cause: e.Err}
		case !r.repeatable:
			e.Kind = Ambiguous
		}
		return e
	}

	if err := ctx.Err(); err != nil {
		return &Error{Op: r.op, Kind: Unavailable, Err: err}
	}
	sent := c.clock()
	resp, err := c.http.Do(req)
	if err != nil {
		return lost(0, err)
	}
	received := c.clock()
	defer resp.Body.Close()
	body, err := readReply(resp, cmp.Or(r.limit, maxWordsReply))
	if err != nil {
		return lost(resp.StatusCode, err)
	}

	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refusal(r, resp, describe(body))
	}
	payload, p, err := unwrap(body, r.ack)
	if err != nil {
		if len(body) > 0 && describe(body).foreign() { // a page instead of a reply
			err = fmt.Errorf("%w: %w", err, intermediary(req.URL.Host))
		}
		return lost(resp.StatusCode, err)
	}
	if p != nil {
		return c.refusal(r, resp, *p)
	}
	c.skew.note(resp.Header, sent, received)
	if err := decode(payload); err != nil {
		return lost(resp.StatusCode, fmt.Errorf("the reply is not understood: %w", err))
	}
	return nil
}

// build makes the HTTP request, below base. It is the only place where API headers are set.
func (r request) build(ctx context.Context, base string, cfg *Config, t *token) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, base+r.path, body)
	if err != nil {
		return nil, secret.Error(err)
	}
	h := req.Header
	h.Set("Accept", "application/json")
	h.Set("User-Agent", "ingestd")
	h.Set("X-API-Key", cfg.APIKey.Reveal())
	if r.body != nil || r.contentType {
		h.Set("Content-Type", "application/json")
	}
	switch {
	case t != nil:
		h.Set("Authorization", t.Authorization.Reveal())
		if t.AccessToken != "" && (r.accessToken || !cfg.OmitAccessToken) {
			h.Set("AccessToken", t.AccessToken.Reveal())
		}
	case cfg.BasicLogin:
		req.SetBasicAuth(cfg.Username, cfg.Password.Reveal())
	}
	return req, nil
}

// refusal makes an Error of a reply that reports one.
func (c *Client) refusal(r request, resp *http.Response, p problem) error {
	status := resp.StatusCode
	if p.status != 0 && status < 300 {
		status = p.status // what a Lambda meant and its gateway dropped
	}
	e := &Error{
		Op:         r.op,
		Kind:       classify(status, p, r.repeatable),
		Status:     status,
		Message:    c.secrets.scrub(p.message),
		Detail:     c.secrets.scrub(p.detail),
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), c.clock()),
		Err:        storeError(p),
	}
	if e.Message == "" {
		e.Message = http.StatusText(status)
	}
	if e.Err == nil && (p.foreign() || status == http.StatusProxyAuthRequired || status >= 300 && status < 400) {
		e.Err = intermediary(resp.Request.URL.Host)
	}
	if strings.EqualFold(e.Message, gatewayNoRoute) {
		e.Err = errors.New("the gateway knows no such address; check tenovos.url")
	}
	if e.Err == nil && forbids(status, e.Kind, e.Message) {
		e.Err = ErrForbidden
	}
	if status >= 300 && status < 400 {
		e.Message = "the API answers with a redirect, which is not followed; check tenovos.url"
		if to, err := resp.Location(); err == nil {
			e.Detail = "it points to " + to.Scheme + "://" + to.Host
		}
	}
	return e
}

// retryAfter reads the header's two forms, seconds and a date.
func retryAfter(header string, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	if s, err := strconv.ParseFloat(header, 64); err == nil {
		if !(s > 0) { // NaN included
			return 0
		}
		return time.Duration(min(s, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
