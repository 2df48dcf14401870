package uploader

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// ContentMD5 reads what a URL of the content store holds and returns its MD5. The
// content should have size bytes: of one that is longer no more than one byte beyond
// that is read, so that its MD5 is another. Like a part it may take as long as it
// moves, and nothing is followed or tried again.
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
	return sum.Sum(nil), nil
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
