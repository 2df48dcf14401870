package uploader

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// Expiry returns when a presigned URL dies by its own dates, X-Amz-Date plus
// X-Amz-Expires. It is false when they are absent or make no sense. A URL that
// was signed with temporary credentials may die earlier.
func Expiry(u secret.URL) (time.Time, bool) {
	signed, life := signedFor(u)
	return signed.Add(life), life > 0
}

// signedFor returns when a presigned URL was signed, and for how long; 0 where it
// does not say, or nothing that makes sense.
func signedFor(u secret.URL) (signed time.Time, life time.Duration) {
	q, ok := query(u)
	if !ok {
		return time.Time{}, 0
	}
	signed, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	if err != nil {
		return time.Time{}, 0
	}
	// 32 bits of seconds are 136 years and fit a Duration.
	seconds, err := strconv.ParseUint(q.Get("X-Amz-Expires"), 10, 32)
	if err != nil {
		return time.Time{}, 0
	}
	return signed, time.Duration(seconds) * time.Second
}

// lifetime is how long a presigned URL is good, as its own dates and the time when it
// was handed out tell.
type lifetime struct {
	signed time.Time     // by the signer's clock
	life   time.Duration // 0: it does not say
	handed time.Time     // by this host's clock; zero if unknown
	ahead  time.Duration // of this host's clock before the signer's
}

// lifetimeOf returns what is known of a part's URL now.
func (u *Uploader) lifetimeOf(part Part) lifetime {
	l := lifetime{handed: part.Handed, ahead: u.ahead()}
	l.signed, l.life = signedFor(part.URL)
	return l
}

// age is how long ago the URL was handed out, or signed where that is not known.
func (l lifetime) age(now time.Time) time.Duration {
	if l.handed.IsZero() || now.Before(l.handed) { // a clock was set back
		return now.Add(-l.ahead).Sub(l.signed)
	}
	return now.Sub(l.handed)
}

// left is how long the URL will live. Its dates and its age must agree that it is
// dead: a clock that is wrong, or was put right meanwhile, deceives one of them, and
// the store tells at the price of one request.
func (l lifetime) left(now time.Time) time.Duration {
	if l.life == 0 {
		return math.MaxInt64
	}
	return max(l.signed.Add(l.life).Sub(now.Add(-l.ahead)), l.life-l.age(now))
}

// margin is how much life a URL must have left for a part to begin: the store looks
// when a request begins, so this is only for its way there.
func (l lifetime) margin(most time.Duration) time.Duration { return min(most, l.life/10) }

// ExpiredError says how a URL died. It is ErrURLExpired.
type ExpiredError struct {
	Life  time.Duration // by the URL's own dates; 0 if it has none
	Until time.Time     // by the signer's clock; zero if unknown
	Age   time.Duration // when the part began, or would have begun
	Took  time.Duration // what the part had taken by then; 0: it had not begun
	Sent  int64         // bytes of it that had left
	Size  int64         // of the part, in bytes
	Cause error         // the store's answer, or what became of the connection; nil if it was not asked
}

// Early reports that the store called a URL dead which was young: some clock is wrong,
// the store's or the signer's, and not this file or the bandwidth.
func (e *ExpiredError) Early() bool {
	young := time.Minute
	if e.Life > 0 {
		young = min(young, e.Life/2)
	}
	_, answered := errors.AsType[*StoreError](e.Cause)
	return answered && e.Age+e.Took < young
}

// Error tells what happened.
func (e *ExpiredError) Error() string {
	s := ErrURLExpired.Error()
	if e.Life > 0 {
		s += fmt.Sprintf(": it was signed for %s, until %s, and %s old when its part was to begin", e.Life, e.Until.Format(time.RFC3339), e.Age.Round(time.Millisecond))
	}
	if e.Cause != nil {
		s += fmt.Sprintf(": after %s, with %d of %d bytes sent: %s", e.Took.Round(time.Millisecond), e.Sent, e.Size, secret.Sentence(e.Cause))
	}
	return s
}

// Unwrap returns the kind and the cause.
func (e *ExpiredError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrURLExpired}
	}
	return []error{ErrURLExpired, e.Cause}
}

// expired makes the error of a part of size bytes that was to begin at a time.
func (l lifetime) expired(began time.Time, size int64) *ExpiredError {
	e := &ExpiredError{Life: l.life, Age: max(l.age(began), 0), Size: size}
	if l.life > 0 {
		e.Until = l.signed.Add(l.life)
	}
	return e
}

// objectIDHeader is the one header that the API's URLs may have signed, with
// its value in the query.
const objectIDHeader = "x-amz-meta-objectid"

// signedObjectID returns the value for objectIDHeader if the signature covers
// that header.
func signedObjectID(u secret.URL) (string, bool) {
	q, ok := query(u)
	if !ok || !slices.Contains(strings.Split(q.Get("X-Amz-SignedHeaders"), ";"), objectIDHeader) {
		return "", false
	}
	return q.Get(objectIDHeader), q.Has(objectIDHeader)
}

func query(u secret.URL) (url.Values, bool) {
	parsed, err := url.Parse(u.Reveal())
	if err != nil {
		return nil, false
	}
	return parsed.Query(), true
}
