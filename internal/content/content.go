package content

import (
	"bytes"
	"context"

	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// Content is an open file whose hashes are computed when they are asked for, and
// only once: comparing it with many others reads it no more often than with one.
type Content struct {
	src    *uploader.Source
	sha256 []byte
	md5    map[span][]byte
}

// Of returns the content of an open file.
func Of(src *uploader.Source) *Content { return &Content{src: src} }

// span is a range of bytes.
type span struct{ offset, size int64 }

// SHA256 is that of the whole file.
func (c *Content) SHA256(ctx context.Context) (sum []byte, err error) {
	if c.sha256 == nil {
		c.sha256, err = c.src.SHA256(ctx)
	}
	return c.sha256, err
}

// holds reports whether the file still holds the bytes that were sent as part.
func (c *Content) holds(ctx context.Context, part journal.Part) (bool, error) {
	if len(part.MD5) == 0 {
		return false, nil
	}
	at := span{part.Offset, part.Size}
	if c.md5[at] == nil {
		sum, err := c.src.MD5(ctx, part.Offset, part.Size)
		if err != nil {
			return false, err
		}
		if c.md5 == nil {
			c.md5 = make(map[span][]byte)
		}
		c.md5[at] = sum
	}
	return bytes.Equal(c.md5[at], part.MD5), nil
}

// Same compares the file with what an entry sent: by its SHA-256 where that is
// known, else by the MD5 of each part. Without either it answers false: to send
// the same bytes again is a smaller harm than to take new ones for old.
func (c *Content) Same(ctx context.Context, e journal.Entry) (bool, error) {
	if e.Size != c.src.Hint().Size {
		return false, nil
	}
	if len(e.SHA256) > 0 {
		sum, err := c.SHA256(ctx)
		return bytes.Equal(sum, e.SHA256), err
	}
	if e.Attempt == nil {
		return false, nil
	}
	for _, part := range e.Attempt.Parts {
		same, err := c.holds(ctx, part)
		if !same || err != nil {
			return false, err
		}
	}
	return len(e.Attempt.Parts) > 0, nil
}

// SentWhole reports whether an entry's last attempt stored all of its parts.
func SentWhole(e journal.Entry) bool {
	if e.Attempt == nil || len(e.Attempt.Parts) == 0 {
		return false
	}
	for _, part := range e.Attempt.Parts {
		if len(part.MD5) == 0 {
			return false
		}
	}
	return true
}
