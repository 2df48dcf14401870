package uploader

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// What can end an upload, to be told apart with errors.Is. An answer of the
// content store is a *StoreError besides, to be had with errors.As.
var (
	// ErrURLExpired: the URL is dead or about to be, by its own dates or by the
	// store's word. URLs cannot be signed again: only a new attempt helps.
	ErrURLExpired = errors.New("the upload URL has expired")
	// ErrClockSkew: the store finds the time of the signature too far from its
	// own (RequestTimeTooSkewed). Some clock is wrong, and not the file.
	ErrClockSkew = errors.New("the content store's clock and the signature's disagree")
	// ErrNoSuchUpload: the multipart upload was completed, cancelled or removed.
	ErrNoSuchUpload = errors.New("the content store does not know this multipart upload")
	// ErrChecksum: the store holds other bytes than were sent. The part counts
	// as not stored and may be sent again.
	ErrChecksum = errors.New("the content store holds other bytes than were sent")
	// ErrStalled: no byte moved, or no answer came, for Config.StallAfter.
	ErrStalled = errors.New("the upload stalled")
	// ErrUnreachable: no connection, or a connection that broke. The part may or
	// may not be stored; sending it again is safe.
	ErrUnreachable = errors.New("the content store cannot be reached")
	// ErrRedirected: the store wants the part at another host. That is not followed: a
	// presigned URL is good for its own host alone, and the file is nobody else's.
	ErrRedirected = errors.New("the content store redirects")
	// ErrStopped: Job.Stop was closed and parts are left. Those that were on
	// their way have been finished and reported.
	ErrStopped = errors.New("the upload was stopped before its last part")

	// ErrSourceChanged: the file is not the one that was opened any more.
	// Parts stored so far must not be completed into an asset.
	ErrSourceChanged = errors.New("the file changed")
	// ErrSourceGone: nothing stands under the file's path any more.
	ErrSourceGone = errors.New("the file is gone")
	// ErrSourceRemoved: it is gone, and has no other path either.
	ErrSourceRemoved = errors.New("it was deleted")
	// ErrNotRegular: the path names a directory, a pipe or a device.
	ErrNotRegular = errors.New("not a regular file")

	// ErrPlan: the URLs do not fit the file, so none of its bytes may be sent.
	ErrPlan = errors.New("the upload URLs do not fit the file")
)

// maxErrorBody bounds what is read of a refusal; S3's are below 2 KiB.
const maxErrorBody = 64 << 10

// StoreError is an answer of the content store other than success.
type StoreError struct {
	Status     int           // HTTP status
	Code       string        // S3's code, such as SlowDown; "" if the reply had none
	Message    string        // S3's message, or what else there is to say; never holds a URL's query
	Part       int           // number of the part; 0 where content was read
	Location   string        // scheme and host that a redirect points to; "" if it says none
	RetryAfter time.Duration // what the store asked for; 0 if it did not
}

// Error names the part, the status, the code and the message.
func (e *StoreError) Error() string {
	s := fmt.Sprintf("the content store answered %d", e.Status)
	if e.redirects() {
		s = fmt.Sprintf("the content store redirects to %s, which is not followed (%d", cmp.Or(e.Location, "nowhere"), e.Status)
		return e.of(strings.TrimSuffix(s+" "+e.Code, " ") + ")")
	}
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return e.of(s)
}

func (e *StoreError) of(s string) string {
	if e.Part == 0 {
		return s
	}
	return fmt.Sprintf("part %d: %s", e.Part, s)
}

func (e *StoreError) redirects() bool { return e.Status >= 300 && e.Status < 400 }

// Is reports ErrRedirected.
func (e *StoreError) Is(target error) bool { return target == ErrRedirected && e.redirects() }

// readStoreError decodes a refusal. A reply that is not S3's XML, such as the
// HTML page of a proxy, is told by its status alone, and is not the store's own.
func readStoreError(resp *http.Response, part int, now time.Time) (e *StoreError, own bool) {
	e = &StoreError{Status: resp.StatusCode, Part: part, RetryAfter: retryAfter(resp.Header, now)}
	if to, err := resp.Location(); err == nil && e.redirects() {
		e.Location = clean(to.Scheme + "://" + to.Host)
	}
	var reply struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
	}
	if err := xml.NewDecoder(io.LimitReader(resp.Body, maxErrorBody)).Decode(&reply); err != nil {
		e.Message = http.StatusText(resp.StatusCode)
		return e, false
	}
	e.Code, e.Message = clean(reply.Code), clean(reply.Message)
	return e, true
}

// clean makes a text of the store fit for a log line: one line, of bounded
// length, and nothing at all if it quotes a signed query.
func clean(s string) string {
	const limit = 300
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if strings.Contains(strings.ToLower(s), "x-amz-") {
		return secret.Redacted
	}
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "…"
	}
	return s
}

// retryAfter reads both forms of the header: seconds and a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// typed adds to a refusal of the store the sentinel that callers act on. expired
// answers for a URL that died by the store's certain word, or by our clock.
func typed(e *StoreError, expired func(cause error, certain bool) error) error {
	denied := e.Status == http.StatusForbidden
	if e.Code == "ExpiredToken" || denied && e.Code == "AccessDenied" && strings.Contains(strings.ToLower(e.Message), "expired") {
		return expired(e, true)
	}
	if denied && e.Code != "RequestTimeTooSkewed" {
		if late := expired(e, false); late != nil {
			return late
		}
	}
	switch {
	case e.Code == "RequestTimeTooSkewed":
		return fmt.Errorf("%w: %w", ErrClockSkew, e)
	case e.Code == "NoSuchUpload":
		return fmt.Errorf("%w: %w", ErrNoSuchUpload, e)
	case e.Code == "RequestTimeout": // the store saw no bytes for too long
		return fmt.Errorf("%w: %w", ErrStalled, e)
	}
	return e
}

// bare returns the cause of an error of net/http without the URL around it.
func bare(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return secret.Error(err)
}
