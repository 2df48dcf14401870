package uploader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
)

// put sends one part: once more without a question that was refused (417), once more if
// the signature turns out to want a header, and again where a kept-alive connection was
// none any more.
func (u *Uploader) put(ctx context.Context, job Job, part Part) (Done, error) {
	host := hostOf(part.URL)
	how := manner{expect: u.expect.from(host, part.Size), anyETag: job.AnyETag}
	for stales := 0; ; {
		done, err := u.send(ctx, job, part, how)
		refused, _ := errors.AsType[*StoreError](err)
		_, stale := errors.AsType[*staleError](err)
		switch {
		case stale && stales < maxStales:
			stales++
		case refused == nil:
			return done, err
		case refused.Status == http.StatusExpectationFailed && how.expect:
			u.expect.drop(host)
			how.expect = false
		case refused.Code == "SignatureDoesNotMatch" && how.objectID == "":
			if how.objectID, _ = signedObjectID(part.URL); how.objectID == "" {
				return done, err
			}
		default:
			return done, err
		}
	}
}

// manner is how a part is sent.
type manner struct {
	expect   bool   // the store is asked before the bytes leave
	objectID string // goes into objectIDHeader, if not empty
	anyETag  bool   // as in Job
}

// send makes one request.
func (u *Uploader) send(ctx context.Context, job Job, part Part, how manner) (done Done, err error) {
	began, url := u.now(), u.lifetimeOf(part)
	if url.left(began) <= url.margin(u.margin) {
		return Done{}, fmt.Errorf("part %d: %w", part.Number, url.expired(began, part.Size))
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := newWatchdog(u.stall, cancel)
	defer watch.stop()
	body := newBody(inner, job.Source, part, u.limit, watch, job.Progress)
	defer func() {
		if sent, _ := body.end(); err != nil && sent > 0 {
			job.Progress(-sent)
		}
	}()

	// expired is the error of a URL that died under its part, nil while it lives.
	expired := func(cause error, certain bool) error {
		now := u.now()
		if !certain && url.left(now) > 0 {
			return nil
		}
		e := url.expired(began, part.Size)
		e.Sent, _ = body.end()
		e.Took, e.Cause = max(now.Sub(began), 1), cause
		return fmt.Errorf("part %d: %w", part.Number, e)
	}

	req, err := newRequest(inner, part, body)
	if err != nil {
		return Done{}, err
	}
	if how.objectID != "" {
		req.Header.Set(objectIDHeader, how.objectID)
	}
	var x exchange
	req = req.WithContext(httptrace.WithClientTrace(inner, x.trace()))
	host := hostOf(part.URL)
	if how.expect {
		req.Header.Set("Expect", "100-continue")
		body.begun = func() {
			if !x.answered.Load() {
				u.expect.drop(host)
			}
		}
	}
	resp, err := u.http.RoundTrip(req)
	if err != nil {
		return Done{}, u.broken(ctx, inner, body, &x, expired, err)
	}
	defer resp.Body.Close()
	if !resp.ProtoAtLeast(1, 1) {
		u.expect.drop(host)
	}
	sent, unread := body.end()
	switch {
	case unread != nil:
		return Done{}, fmt.Errorf("part %d: %w", part.Number, unread)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		refused, own := readStoreError(resp, part.Number, u.now())
		if !own {
			return Done{}, intermediary(req, refused)
		}
		return Done{}, typed(refused, expired)
	case strings.Trim(StrongETag(resp.Header.Get("ETag")), `"`) == "":
		return Done{}, intermediary(req, &StoreError{Status: resp.StatusCode, Part: part.Number, Message: "its reply has no ETag, so it is not a content store's"})
	case sent != part.Size:
		return Done{}, fmt.Errorf("part %d: %w: it said %s after %d of %d bytes", part.Number, ErrChecksum, resp.Status, sent, part.Size)
	}
	// What little follows is read so that the connection can be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody))
	return body.confirmed(resp, how.anyETag)
}

func newRequest(ctx context.Context, part Part, body *body) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, part.URL.Reveal(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("part %d: its URL cannot be used: %w", part.Number, bare(err))
	}
	// A part may be sent twice without harm. Transport reads this off a key
	// without a value, which it does not send.
	req.Header["Idempotency-Key"] = nil
	if part.Size == 0 {
		return req, nil // with NoBody, for any other body would lose Content-Length: 0
	}
	req.Body, req.GetBody, req.ContentLength = body, body.again, part.Size
	return req, nil
}

// broken says why a request has no answer, expired whether its URL died. outer is the context of the upload,
// inner that of the request, which the watchdog cancels.
func (u *Uploader) broken(outer, inner context.Context, b *body, x *exchange, expired func(error, bool) error, err error) error {
	number := b.part.Number
	sent, unread := b.end()
	switch {
	case unread != nil:
		return fmt.Errorf("part %d: %w", number, unread)
	case outer.Err() != nil:
		return fmt.Errorf("part %d: %w", number, context.Cause(outer))
	case errors.Is(context.Cause(inner), ErrStalled):
		return fmt.Errorf("part %d: %w after %d of %d bytes", number, ErrStalled, sent, b.part.Size)
	case errors.Is(err, ErrForeignHost):
		return fmt.Errorf("part %d: %w", number, bare(err))
	}
	if refused, ok := errors.AsType[*IntermediaryError](err); ok {
		return refused
	}
	if late := expired(bare(err), false); late != nil { // stores like to reset the connection instead of saying so
		return late
	}
	err = fmt.Errorf("part %d: %w: %w", number, ErrUnreachable, bare(err))
	if x.reused.Load() && !x.answered.Load() && sent <= maxStale {
		return &staleError{err}
	}
	return err
}

// confirmed compares the store's checksum with ours, if it has one, and says what
// is known of the part. anyETag is as in Job.
func (b *body) confirmed(resp *http.Response, anyETag bool) (Done, error) {
	number, etag := b.part.Number, StrongETag(resp.Header.Get("ETag"))
	d := Done{Number: number, ETag: etag, MD5: b.md5.Sum(nil)}
	if b.whole != nil {
		d.SHA256 = b.whole.Sum(nil)
	}
	theirs, ok := AsMD5(etag)
	switch encrypted := resp.Header.Get("x-amz-server-side-encryption"); {
	case !ok, encrypted != "" && encrypted != "AES256":
		// With other keys than the store's own, as with KMS, it is something else that may
		// look alike.
	case bytes.Equal(theirs, d.MD5):
		d.Comparable = true
	case !anyETag:
		return Done{}, fmt.Errorf("part %d: %w: MD5 %x there, %x here", number, ErrChecksum, theirs, d.MD5)
	default:
		d.Contradicts = true
	}
	return d, nil
}
