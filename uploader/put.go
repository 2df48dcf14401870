package uploader

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// put sends one part, twice if the signature turns out to want a header.
func (u *Uploader) put(ctx context.Context, src *Source, part Part, progress func(int64)) (Done, error) {
	done, err := u.send(ctx, src, part, "", progress)
	if refused, ok := errors.AsType[*StoreError](err); ok && refused.Code == "SignatureDoesNotMatch" {
		if id, ok := signedObjectID(part.URL); ok {
			return u.send(ctx, src, part, id, progress)
		}
	}
	return done, err
}

// send makes one request. objectID, if not empty, goes into objectIDHeader.
func (u *Uploader) send(ctx context.Context, src *Source, part Part, objectID string, progress func(int64)) (done Done, err error) {
	began, url := u.now(), u.lifetimeOf(part)
	if url.left(began) <= url.margin(u.margin) {
		return Done{}, fmt.Errorf("part %d: %w", part.Number, url.expired(began, part.Size))
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := newWatchdog(u.stall, cancel)
	defer watch.stop()
	body := newBody(inner, src, part, u.limit, watch, progress)
	defer func() {
		if sent, _ := body.end(); err != nil && sent > 0 {
			progress(-sent)
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
	if objectID != "" {
		req.Header.Set(objectIDHeader, objectID)
	}
	resp, err := u.client.Do(req)
	if err != nil {
		return Done{}, u.broken(ctx, inner, body, expired, err)
	}
	defer resp.Body.Close()
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
	case resp.Header.Get("ETag") == "":
		return Done{}, intermediary(req, &StoreError{Status: resp.StatusCode, Part: part.Number, Message: "its reply has no ETag, so it is not a content store's"})
	case sent != part.Size:
		return Done{}, fmt.Errorf("part %d: %w: it said %s after %d of %d bytes", part.Number, ErrChecksum, resp.Status, sent, part.Size)
	}
	// What little follows is read so that the connection can be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody))
	return body.confirmed(resp)
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
	req.Header.Set("Expect", "100-continue")
	return req, nil
}

// broken says why a request has no answer, expired whether its URL died. outer is the context of the upload,
// inner that of the request, which the watchdog cancels.
func (u *Uploader) broken(outer, inner context.Context, b *body, expired func(error, bool) error, err error) error {
	number := b.part.Number
	sent, unread := b.end()
	switch {
	case unread != nil:
		return fmt.Errorf("part %d: %w", number, unread)
	case outer.Err() != nil:
		return fmt.Errorf("part %d: %w", number, context.Cause(outer))
	case errors.Is(context.Cause(inner), ErrStalled):
		return fmt.Errorf("part %d: %w after %d of %d bytes", number, ErrStalled, sent, b.part.Size)
	}
	if refused, ok := errors.AsType[*IntermediaryError](err); ok {
		return refused
	}
	if late := expired(bare(err), false); late != nil { // stores like to reset the connection instead of saying so
		return late
	}
	return fmt.Errorf("part %d: %w: %w", number, ErrUnreachable, bare(err))
}

// confirmed compares the store's checksum with ours, if it has one, and says what
// is known of the part.
func (b *body) confirmed(resp *http.Response) (Done, error) {
	number, etag := b.part.Number, resp.Header.Get("ETag")
	d := Done{Number: number, ETag: etag, MD5: b.md5.Sum(nil)}
	if b.whole != nil {
		d.SHA256 = b.whole.Sum(nil)
	}
	if theirs, ok := storeMD5(resp.Header); ok {
		if !bytes.Equal(theirs, d.MD5) {
			return Done{}, fmt.Errorf("part %d: %w: MD5 %x there, %x here", number, ErrChecksum, theirs, d.MD5)
		}
		d.Comparable = true
	}
	return d, nil
}

// storeMD5 returns the MD5 that an ETag is. Where the store encrypts with other
// keys than its own, as with KMS, the ETag is something else that may look alike.
func storeMD5(h http.Header) ([]byte, bool) {
	if e := h.Get("x-amz-server-side-encryption"); e != "" && e != "AES256" {
		return nil, false
	}
	sum, err := hex.DecodeString(strings.Trim(h.Get("ETag"), `"`))
	return sum, err == nil && len(sum) == md5.Size
}
