package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/follow"
	"github.com/tenovos-ingest/ingestd/internal/secret"
)

const (
	// patience is how long the answer of a receiver is waited for. One that answers later gets
	// the event again.
	patience = time.Minute
	// refusals is how often one event is offered to a receiver that says it is wrong, before it
	// is passed over: it would keep all others from it.
	refusals = 5
	// maxAnswer bounds what is read of an answer, in bytes, to use its connection again.
	maxAnswer = 64 << 10
)

// webhook posts each event by itself, in order.
type webhook struct {
	common
	receiver Receiver
	words    words
	// transport makes the requests by itself, without a client around it: a redirect could lead
	// anywhere, with names of files that are nobody's business there, and what the receiver says
	// of it, its own URL with the token perhaps, gets into no error.
	transport http.RoundTripper
	log       zerolog.Logger

	refused string // the key of the event that was refused last,
	times   int    // and how often
}

func newWebhook(r Receiver, c common, w words, log zerolog.Logger) *webhook {
	return &webhook{common: c, receiver: r, words: w, log: log, transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: maxAnswer,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConnsPerHost:    1,
		ForceAttemptHTTP2:      true,
	}}
}

// Take implements follow.Taker.
func (w *webhook) Take(ctx context.Context, events []follow.Event, _ bool) (bool, error) {
	for _, e := range events { // it is one
		err := w.post(ctx, e)
		if refused, ok := errors.AsType[*refusedError](err); ok && w.refuse(e.Key()) {
			w.log.Error().Str("receiver", w.receiver.Title()).Str("event", e.Key()).Str("kind", kindOf(e)).Err(refused).
				Msg("an event was refused again and again, and is passed over")
			err = nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// refuse reports that an event was refused too often.
func (w *webhook) refuse(key string) bool {
	if key != w.refused {
		w.refused, w.times = key, 0
	}
	w.times++
	return w.times >= refusals
}

// refusedError is the answer of a receiver that says that the event is wrong.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// Sign is the signature of a body, as X-Ingestd-Signature has it.
func Sign(key secret.Text, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(body) // it cannot fail
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func (w *webhook) post(ctx context.Context, e follow.Event) error {
	body, err := w.body(e)
	if err != nil {
		return &refusedError{err}
	}
	timed, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(timed, http.MethodPost, w.receiver.URL.Reveal(), bytes.NewReader(body))
	if err != nil {
		return w.failed(err)
	}
	req.Header.Set("Content-Type", or(w.receiver.ContentType, "application/json"))
	req.Header.Set("User-Agent", "ingestd")
	req.Header.Set("X-Ingestd-Event", e.Key())
	if w.receiver.Secret != "" {
		req.Header.Set("X-Ingestd-Signature", Sign(w.receiver.Secret, body))
	}
	if user := req.URL.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	resp, err := w.transport.RoundTrip(req)
	if err != nil {
		if timed.Err() != nil && ctx.Err() == nil {
			return fmt.Errorf("%s has not answered within %s", Place(w.receiver.URL), patience)
		}
		return w.failed(err)
	}
	defer resp.Body.Close()                                          // what it says is not asked for
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // so that its connection can be used again
	return w.answered(resp)
}

func (w *webhook) body(e follow.Event) ([]byte, error) {
	if w.words.body == nil {
		return json.Marshal(messageOf(e))
	}
	return fill(w.words.body, messageOf(e))
}

// failed is why a request did not get through. The error of a URL that is none has all of it in
// it, which is kept back.
func (w *webhook) failed(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return fmt.Errorf("%s cannot be reached: %w", Place(w.receiver.URL), err)
}

// answered says what an answer means.
func (w *webhook) answered(resp *http.Response) error {
	place := Place(w.receiver.URL)
	err := fmt.Errorf("%s answers %d", place, resp.StatusCode)
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return fmt.Errorf("%s answers %d, a redirect, which is not followed: name the address that it leads to in notify", place, code)
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound || code == http.StatusGone:
		return fmt.Errorf("%w: check the url in notify, and the token in it", err)
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code == http.StatusTooManyRequests ||
		code == http.StatusProxyAuthRequired || code == http.StatusMisdirectedRequest || code >= 500:
		if s, bad := strconv.Atoi(resp.Header.Get("Retry-After")); bad == nil && s > 0 {
			return &follow.Later{After: time.Duration(min(s, 1<<20)) * time.Second, Err: err}
		}
		return err
	}
	return &refusedError{err}
}
