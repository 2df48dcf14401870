package tenovos

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what an error means for the caller. The zero Kind is no kind.
type Kind int

const (
	// Unauthorized says that the session, the API key or the account was refused,
	// even after the session was renewed. It can also mean a missing permission for
	// this one asset; CurrentUser tells the two apart.
	Unauthorized Kind = iota + 1
	// Rejected says that the request was understood and refused. Sending it again
	// unchanged is of no use.
	Rejected
	// NotFound says that the asset, template or vocabulary is not there, or that
	// this account may not see it.
	NotFound
	// Throttled says that nothing was done; come back after RetryAfter.
	Throttled
	// Unavailable says that there was no usable answer, and either nothing was
	// done or doing it again does no harm.
	Unavailable
	// Ambiguous says that there was no usable answer to a call that must not be
	// repeated blindly. It may have been carried out: look before sending it again.
	Ambiguous
)

// The kinds as errors, for errors.Is.
var (
	ErrUnauthorized = errors.New("unauthorized")
	ErrRejected     = errors.New("rejected")
	ErrNotFound     = errors.New("not found")
	ErrThrottled    = errors.New("throttled")
	ErrUnavailable  = errors.New("unavailable")
	ErrAmbiguous    = errors.New("outcome unknown")
)

// Finer distinctions, for errors.Is. Each comes with a kind.
var (
	// ErrCredentials: user name, password or API key were refused at login
	// (Unauthorized). Nobody can go on until an operator has acted.
	ErrCredentials = errors.New("the credentials were refused")
	// ErrSession: no session could be had, for whatever reason, so that the call
	// itself was never sent. It comes around the error of the login or refresh.
	ErrSession = errors.New("no session")
	// ErrTimeout: the call took longer than Config.CallTimeout (Unavailable or Ambiguous).
	ErrTimeout = errors.New("no complete reply")
	// ErrIntermediary: the reply is not the service's own, which speaks JSON: a proxy,
	// a firewall or a login page on the way answered in its place. It comes with the
	// kind that the status makes it. Whether the call got through nobody knows: what was
	// to be created may be there, whatever the kind.
	ErrIntermediary = errors.New("this is not Tenovos' own answer")
	// ErrForbidden: the refusal names no fault of the request, so that the account may
	// lack a right that others of its requests need as well. The service refuses an
	// asset that is not valid with the same status, but says so.
	ErrForbidden = errors.New("the account may lack a right")
	// ErrInvalidPart: CompleteUpload named a part that the store does not have,
	// or has with another ETag.
	ErrInvalidPart = errors.New("the store does not know one of the parts by this ETag")
	// ErrNoSuchUpload: the multipart upload is gone, because it was completed,
	// cancelled or cleaned away.
	ErrNoSuchUpload = errors.New("the multipart upload is not open (any more)")
)

var kindErrors = map[Kind]error{
	Unauthorized: ErrUnauthorized,
	Rejected:     ErrRejected,
	NotFound:     ErrNotFound,
	Throttled:    ErrThrottled,
	Unavailable:  ErrUnavailable,
	Ambiguous:    ErrAmbiguous,
}

// String returns the kind as it appears in error texts.
func (k Kind) String() string {
	if err, ok := kindErrors[k]; ok {
		return err.Error()
	}
	return "unknown kind"
}

// Error is a failed call. Its texts hold no secret.
type Error struct {
	// Op is the operation in words, "create asset".
	Op string
	// Kind says what the caller may do; errors.Is with ErrRejected and its
	// siblings asks for it.
	Kind Kind
	// Status is the HTTP status of the reply, 0 where there was none. It may be
	// 200: the service reports some errors so.
	Status int
	// Message and Detail are the service's own words, shortened.
	Message, Detail string
	// RetryAfter is how long the service asks to wait; 0 where it does not say.
	RetryAfter time.Duration
	// Err is the cause, or one of ErrCredentials, ErrInvalidPart and
	// ErrNoSuchUpload, or nil.
	Err error
}

// Error returns one sentence: operation, kind, status, what the service said,
// and the cause. Where Tenovos was not reached, or refused the login, that is all: it
// is not about the call.
func (e *Error) Error() string {
	if whole := wholeOf(e.Err); whole != nil {
		return whole.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Op, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ", retry after %s", e.RetryAfter.Round(time.Millisecond))
	}
	for _, part := range []string{e.Message, e.Detail} {
		if part != "" {
			b.WriteString(": ")
			b.WriteString(part)
		}
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the error of e's kind.
func (e *Error) Is(target error) bool { return target == kindErrors[e.Kind] }

// unreachedError is a call for which no connection was to be had.
type unreachedError struct {
	url   string
	cause error
}

func (e *unreachedError) Error() string {
	return fmt.Sprintf("Tenovos cannot be reached at %s (check tenovos.url, network and proxy): %v", e.url, e.cause)
}

func (e *unreachedError) Unwrap() error { return e.cause }

// wholeOf returns the cause that is a sentence by itself; nil where there is none.
func wholeOf(err error) error {
	if u, ok := errors.AsType[*unreachedError](err); ok {
		return u
	}
	if r, ok := errors.AsType[*refusedLogin](err); ok {
		return r
	}
	return nil
}

// sessionError is a call that was not sent for want of a session.
type sessionError struct{ cause error }

func (e *sessionError) Error() string {
	if whole := wholeOf(e.cause); whole != nil {
		return whole.Error()
	}
	return fmt.Sprintf("%v: %v", ErrSession, e.cause)
}

func (e *sessionError) Unwrap() []error { return []error{ErrSession, e.cause} }

// classify turns a reply that is an error into a kind. A 403 and an error inside
// a 200 are told apart by their text, because the API uses them for everything.
// A text that is no JSON comes from a gateway, not from the API.
func classify(status int, p problem, repeatable bool) Kind {
	lost := Ambiguous
	if repeatable {
		lost = Unavailable
	}
	switch {
	case status >= 300 && status < 400:
		return Unavailable // never followed
	case status == 401 && !repeatable && p.foreign() && p.message != "":
		return Unavailable // a page: the call may have got there, and a new session would repeat it
	case status == 401:
		return Unauthorized
	case status == 404 && !p.foreign():
		return NotFound
	case status == 429:
		return Throttled
	case status == 407:
		return Unavailable // a proxy's
	case status == 408, status >= 500:
		return lost
	case status == 403 && p.gateway:
		return Unauthorized
	case status >= 400 && p.foreign():
		return Unavailable // it may have got there all the same
	}
	switch m := strings.ToLower(strings.TrimRight(p.message, ". ")); {
	case m == "forbidden", m == "unauthorized",
		strings.HasPrefix(m, "user is not authorized to access this resource"):
		return Unauthorized
	case m == gatewayNoRoute:
		return Unavailable
	case m == "asset not found", m == "metadata template not found", m == "controlled vocabulary not found":
		return NotFound
	case m == "too many requests", m == "rate exceeded", m == "limit exceeded":
		return Throttled
	case m == "endpoint request timed out", m == "internal server error", m == "service unavailable":
		return lost
	}
	return Rejected
}

// namesFault reports that a refusal says in the service's documented words what is not
// valid about the request.
func namesFault(m string) bool {
	for _, fault := range []string{"failed to parse", "invalid ", "unexpected end of json", "missing "} {
		if strings.HasPrefix(m, fault) {
			return true
		}
	}
	return false
}

// forbids reports whether a refusal may be for want of a right: one that speaks of it,
// or a 403 without the words in which the service refuses what is not valid.
func forbids(status int, kind Kind, message string) bool {
	if kind != Rejected && kind != Unauthorized {
		return false
	}
	m := strings.ToLower(message)
	for _, word := range []string{"permission", "privilege", "not authorized", "not allowed", "forbidden", "access denied", "security template id"} {
		if strings.Contains(m, word) && !strings.HasPrefix(m, "invalid asset") {
			return true
		}
	}
	return status == 403 && !namesFault(m)
}

// gatewayNoRoute is how an AWS gateway answers, with a 403, for a path that it
// does not know. In spite of its words it is about the URL.
const gatewayNoRoute = "missing authentication token"

// storeError finds the content store's own error code in what the API passes on.
func storeError(p problem) error {
	text := strings.ToLower(p.message + " " + p.detail)
	switch {
	case strings.Contains(text, "nosuchupload"), strings.Contains(text, "specified upload does not exist"):
		return ErrNoSuchUpload
	case strings.Contains(text, "invalidpart"), strings.Contains(text, "entity tag"):
		return ErrInvalidPart
	}
	return nil
}
