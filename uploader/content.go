package uploader

import (
	"cmp"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// ContentMD5 reads what a URL of the content store holds and returns its MD5. The
// content should have size bytes: of one that is longer no more than one byte beyond
// that is read, so that its MD5 is another. Like a part it may take as long as it
// moves, and nothing is followed or tried again. With ErrIntermediary the MD5 is that of
// an answer that need not be the store's own: it may show that the store holds the
// wanted bytes, but never that it holds others.
func (u *Uploader) ContentMD5(ctx context.Context, link secret.URL, size int64) ([]byte, error) {
	if err := u.handed.check(ctx, link); err != nil {
		return nil, err
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := newWatchdog(u.stall, cancel)
	defer watch.stop()
	req, err := http.NewRequestWithContext(inner, http.MethodGet, link.Reveal(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("the link to the content cannot be used: %w", bare(err))
	}
	req.Header.Set("Accept-Encoding", "identity")
	broken := func(err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, ErrForeignHost):
			return bare(err)
		case errors.Is(context.Cause(inner), ErrStalled):
			return fmt.Errorf("read the content back: %w", ErrStalled)
		}
		return fmt.Errorf("read the content back: %w: %w", ErrUnreachable, bare(err))
	}
	resp, err := u.http.RoundTrip(req)
	if err != nil {
		return nil, broken(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		refused, _ := readStoreError(resp, 0, u.now())
		return nil, typed(refused, func(cause error, certain bool) error {
			if !certain {
				return nil
			}
			return fmt.Errorf("%w: %w", ErrURLExpired, cause)
		})
	}
	sum := md5.New()
	n, err := io.Copy(sum, &kicking{io.LimitReader(resp.Body, size+1), watch})
	if err == nil && n < size && resp.ContentLength != n { // nothing says that this was all
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, broken(err)
	}
	return sum.Sum(nil), notContent(resp, n, size)
}

// notContent is the error of an answer, of which n bytes were read, that need not be what
// the store holds: the page of a proxy or of a login comes with 200 as well. A store
// gives an ETag, and the length, of what it sends as it is; where that is not the wanted
// size, it has to show itself by the id that S3 gives each request, and be no page.
func notContent(resp *http.Response, n, size int64) error {
	h := resp.Header
	etag := strings.Trim(h.Get("ETag"), `"`)
	s3 := h.Get("X-Amz-Request-Id") != "" || h.Get("X-Amz-Id-2") != ""
	page := strings.Contains(strings.ToLower(h.Get("Content-Type")), "html")
	altered := strings.HasPrefix(etag, "W/") || h.Get("Content-Encoding") != "" && h.Get("Content-Encoding") != "identity"
	if etag != "" && !altered && resp.ContentLength >= 0 && (n == size || s3) && (!page || n == size && s3) {
		return nil
	}
	length := "some bytes"
	if resp.ContentLength >= 0 {
		length = fmt.Sprintf("%d bytes", resp.ContentLength)
	}
	return fmt.Errorf("read the content back: %w: %s of %s, without the signs of the store's own answer, came for a content of %d bytes: look at the proxy or firewall between this host and %s",
		ErrIntermediary, length, clean(cmp.Or(h.Get("Content-Type"), "no type")), size, resp.Request.URL.Hostname())
}

// kicking tells the watchdog of each read.
type kicking struct {
	io.Reader
	watch *watchdog
}

func (k *kicking) Read(p []byte) (int, error) {
	n, err := k.Reader.Read(p)
	if n > 0 {
		k.watch.kick()
	}
	return n, err
}
