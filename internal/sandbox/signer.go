package sandbox

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// StoreSigner is another S3 server whose URLs the sandbox hands out instead of
// those of its own content store. Keys are "masters/<uuid>/<filename>" with the
// filename as it is, not escaped; lives are whole seconds. The methods must not
// call the Server and may be called at the same time.
type StoreSigner interface {
	// PresignPut returns a URL for a PUT of the whole object.
	PresignPut(ctx context.Context, key, objectID string, life time.Duration) (string, error)
	// CreateUpload begins a multipart upload.
	CreateUpload(ctx context.Context, key, objectID string) (uploadID string, err error)
	// PresignPart returns a URL for a PUT of one part.
	PresignPart(ctx context.Context, key, objectID, uploadID string, part int, life time.Duration) (string, error)
	// CompleteUpload assembles the parts. The client is shown the error's text,
	// which should begin with S3's code: "NoSuchUpload: …".
	CompleteUpload(ctx context.Context, key, uploadID string, parts []CompletedPart) error
	// AbortUpload ends a multipart upload without an object. Errors as above.
	AbortUpload(ctx context.Context, key, uploadID string) error
	// PresignGet returns a URL for a GET of the object.
	PresignGet(ctx context.Context, key string, life time.Duration) (string, error)
	// Head tells whether the object is there, and its raw ETag.
	Head(ctx context.Context, key string) (size int64, etag string, ok bool, err error)
}

// CompletedPart is a part as the client named it in /asset/complete.
type CompletedPart struct {
	PartNumber int    `json:"partNumber"`
	ETag       string `json:"etag"`
}

// signer is who hands out the URLs for this request.
func (c links) signer() interface {
	PresignPut(ctx context.Context, key, objectID string, life time.Duration) (string, error)
	CreateUpload(ctx context.Context, key, objectID string) (string, error)
	PresignPart(ctx context.Context, key, objectID, uploadID string, part int, life time.Duration) (string, error)
	PresignGet(ctx context.Context, key string, life time.Duration) (string, error)
} {
	if c.s.store != nil {
		return c.s.store
	}
	return ownStore{c}
}

// ownStore signs for the content store that the sandbox serves itself.
type ownStore struct{ c links }

func (o ownStore) PresignPut(_ context.Context, key, objectID string, life time.Duration) (string, error) {
	return o.c.presign(http.MethodPut, key, objectID, nil, life), nil
}

func (o ownStore) CreateUpload(context.Context, string, string) (string, error) {
	return "sbx." + uuid.NewString() + "--", nil // the samples end so
}

func (o ownStore) PresignPart(_ context.Context, key, objectID, uploadID string, part int, life time.Duration) (string, error) {
	return o.c.presign(http.MethodPut, key, objectID, map[string]string{"uploadId": uploadID, "partNumber": fmt.Sprint(part), "x-id": "UploadPart"}, life), nil
}

func (o ownStore) PresignGet(_ context.Context, key string, life time.Duration) (string, error) {
	return o.c.presign(http.MethodGet, key, "", nil, life), nil
}

// look asks another S3 server whether the content of a single PUT has arrived:
// nobody tells the sandbox. With its own store there is nothing to do. The
// lock is not held.
func (c links) look(assets ...*Asset) {
	if c.s.store == nil {
		return
	}
	for _, a := range assets {
		c.s.mu.Lock()
		waiting := !a.HasContent && a.UploadID == "" && a.FederatedPath == ""
		c.s.mu.Unlock()
		if waiting {
			c.fetch(a)
		}
	}
}

// fetch takes size, ETag and MD5 of an asset's content from another S3 server,
// reading the object once. When it is not there nothing changes.
func (c links) fetch(a *Asset) {
	ctx := c.r.Context()
	size, etag, ok, err := c.s.store.Head(ctx, a.Key)
	if err != nil || !ok {
		return
	}
	sum, err := c.md5Of(ctx, a.Key)
	if err != nil {
		sum = "" // unknown; the size still says that content is there
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.fill(a, content{size: size, md5: sum, etag: etag})
}

func (c links) md5Of(ctx context.Context, key string) (string, error) {
	url, err := c.s.store.PresignGet(ctx, key, time.Minute)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := c.s.reader.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	h := md5.New()
	if _, err := io.Copy(h, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("read object: %s: %w", res.Status, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// content is what arrived for an asset.
type content struct {
	file      string
	size      int64
	md5, etag string
}

// fill gives an asset its content. The lock is held.
func (c links) fill(a *Asset, x content) {
	a.HasContent, a.ContentFile, a.ContentSize, a.ContentMD5, a.ContentETag = true, x.file, x.size, x.md5, x.etag
	a.ContentAt = c.s.clock()
	c.s.db.flip(a.OriginalFileID, c.o)
}
