package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// content is an open file whose hashes are computed when they are asked for, and
// only once: comparing it with many others reads it no more often than with one.
type content struct {
	src    *uploader.Source
	sha256 []byte
	md5    map[span][]byte
}

// span is a range of bytes.
type span struct{ offset, size int64 }

func (c *content) sum256(ctx context.Context) (sum []byte, err error) {
	if c.sha256 == nil {
		c.sha256, err = c.src.SHA256(ctx)
	}
	return c.sha256, err
}

// holds reports whether the file still holds the bytes that were sent as part.
func (c *content) holds(ctx context.Context, part journal.Part) (bool, error) {
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

// same compares the file with what an entry sent: by its SHA-256 where that is
// known, else by the MD5 of each part. Without either it answers false: to send
// the same bytes again is a smaller harm than to take new ones for old.
func (c *content) same(ctx context.Context, e journal.Entry) (bool, error) {
	if e.Size != c.src.Hint().Size {
		return false, nil
	}
	if len(e.SHA256) > 0 {
		sum, err := c.sum256(ctx)
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

// original finds the entry of another path that holds e's content, or will once
// it is ingested. The file is hashed only where its size is known already.
func (s *mapping) original(ctx context.Context, e journal.Entry, c *content) (journal.Entry, bool, error) {
	none := journal.Entry{}
	has, err := s.reader.HasSameSize(ctx, e)
	if err != nil || !has {
		return none, false, err
	}
	sum, err := c.sum256(ctx)
	if err != nil {
		return none, false, err
	}
	if !bytes.Equal(e.SHA256, sum) { // another's look may have hashed it already
		if err := s.learn(ctx, e.ID, journal.Learned{SHA256: sum}); err != nil {
			return none, false, err
		}
		e.SHA256 = sum
	}
	others, err := s.reader.SameContent(ctx, e)
	if err != nil {
		return none, false, err
	}
	for _, o := range others {
		if _, ours := s.folders[o.Folder]; !ours && o.Status != journal.Filed {
			continue // nobody would move it on
		}
		same, err := s.holdsContentOf(ctx, e.ID, o, c)
		if same || err != nil {
			return o, same, err
		}
	}
	return none, false, nil
}

// holdsContentOf compares the file of an entry, id, with another entry's content:
// with what was sent, or with the file itself where not all of it was.
func (s *mapping) holdsContentOf(ctx context.Context, id int64, o journal.Entry, c *content) (bool, error) {
	if len(o.SHA256) > 0 || sentWhole(o) {
		return c.same(ctx, o)
	}
	if _, ours := s.folders[o.Folder]; !ours {
		return false, nil
	}
	src, err := s.openFor(id, o)
	if errors.Is(err, file.ErrLocked) {
		return false, err // it may be
	}
	if err != nil {
		return false, nil //nolint:nilerr // a file that cannot be read is not the original of anything
	}
	defer src.Close()
	if !o.Alike(src.Hint()) {
		return false, nil
	}
	if o.SHA256, err = src.SHA256(ctx); errors.Is(err, file.ErrLocked) {
		return false, err
	} else if err != nil {
		return false, nil //nolint:nilerr // as above; the end of ctx shows in the comparison below
	}
	if err := s.learn(ctx, o.ID, journal.Learned{SHA256: o.SHA256}); err != nil {
		return false, err
	}
	return c.same(ctx, o)
}

// rehash hashes the file of an entry, if that is still what was seen, and stores the hash.
func (c *core) rehash(ctx context.Context, e journal.Entry) ([]byte, error) {
	src, err := c.open(e)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if !e.Alike(src.Hint()) {
		return nil, fmt.Errorf("%s: %w", e.Path, uploader.ErrSourceChanged)
	}
	sum, err := src.SHA256(ctx)
	if err != nil {
		return nil, err
	}
	return sum, c.learn(ctx, e.ID, journal.Learned{SHA256: sum})
}

func sentWhole(e journal.Entry) bool {
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
