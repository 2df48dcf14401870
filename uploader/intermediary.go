package uploader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// ErrIntermediary says that somebody on the way to the content store answered in its
// place: a proxy, a firewall, the login page of a network. That is no file's doing, and
// the part may be sent again to the same URL.
var ErrIntermediary = errors.New("something on the way to the content store answers in its place")

// IntermediaryError is an answer that is not the content store's own. It is
// ErrIntermediary, and has the answer as a *StoreError.
type IntermediaryError struct {
	Host string // of the content store
	Err  *StoreError
}

// Error is one sentence, the same for each part and file that meets it.
func (e *IntermediaryError) Error() string {
	what := "refuses uploads"
	switch {
	case e.Err.redirects():
		what = "redirects uploads to " + cmp.Or(e.Err.Location, "nowhere") + ", which is not followed,"
	case e.Err.Status >= 200 && e.Err.Status <= 299:
		what = "answers uploads itself,"
	}
	s := fmt.Sprintf("something between this host and the content store %s %s with %d", e.Host, what, e.Err.Status)
	if text := http.StatusText(e.Err.Status); text != "" {
		s += " " + text
	}
	return s + " (not the store's own answer): look at the proxy or firewall"
}

// Unwrap returns the kind and the answer.
func (e *IntermediaryError) Unwrap() []error { return []error{ErrIntermediary, e.Err} }

// intermediary makes the error of an answer to a part that no content store gives:
// those refuse in XML of their own, and confirm with an ETag.
func intermediary(req *http.Request, answer *StoreError) error {
	return &IntermediaryError{Host: req.URL.Hostname(), Err: answer}
}

// tunnelRefused answers for a proxy that was asked for a connection to a store and
// refuses. net/http would tell only the status line.
func tunnelRefused(_ context.Context, _ *url.URL, asked *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	host := (&url.URL{Host: asked.Host}).Hostname()
	return &IntermediaryError{Host: host, Err: &StoreError{Status: answer.StatusCode, Message: http.StatusText(answer.StatusCode)}}
}
