package proof

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// Content reads what the content store holds of an asset; as uploader.ContentMD5 does, it
// tells the MD5 of an answer that need not be the store's own with uploader.ErrIntermediary.
type Content interface {
	ContentMD5(ctx context.Context, link secret.URL, size int64) ([]byte, error)
}

// API is what Tenovos is asked of an asset.
type API interface {
	Asset(ctx context.Context, id string) (tenovos.Asset, error)
	ContentLink(ctx context.Context, objectID string) (secret.URL, error)
}

// Journal keeps what of an attempt is proved. Its errors are returned as they are.
type Journal interface {
	Proven(ctx context.Context, attempt int64) error
}

// Reader finds the attempts of entries, and the entries that have the content of one.
type Reader interface {
	LastAttempt(ctx context.Context, e journal.Entry) (journal.Entry, bool, error)
	Previous(ctx context.Context, e journal.Entry) (journal.Entry, bool, error)
	SameContent(ctx context.Context, e journal.Entry) ([]journal.Entry, error)
}

// Prover finds out whether Tenovos holds the bytes of a file, before that is moved or
// deleted. The MD5 that a store gave as a part's ETag proves it. An ETag that is none
// proves nothing: then Tenovos' own checksum does, or the content, which is read back.
// What was proved is kept in the journal. Safe for concurrent use.
type Prover struct{ Deps }

// Deps are the parts that a Prover works with.
type Deps struct {
	API     API
	Content Content // nil: no content can be read back
	Journal Journal
	Reader  Reader
	MD5     func(context.Context, journal.Entry) ([]byte, error) // of an entry's file
	SHA256  func(context.Context, journal.Entry) ([]byte, error) // of an entry's file; it is stored too
	// Seen asks Tenovos whether it holds what was ingested as an entry as it did, and if not,
	// what it holds instead.
	Seen func(ctx context.Context, e journal.Entry) (same bool, instead string, err error)
}

// New makes a Prover.
func New(d Deps) *Prover { return &Prover{d} }

// UnprovenError is a file that stays because nothing proves that its bytes are in Tenovos.
type UnprovenError struct{ err error }

func (e *UnprovenError) Error() string {
	return "the file stays, because nothing proves that Tenovos holds its bytes: " + e.err.Error()
}
func (e *UnprovenError) Unwrap() error { return e.err }

// Proven reports whether the bytes of an attempt are known to be stored, each of them.
func Proven(a *journal.Attempt) bool {
	return a != nil && len(a.Parts) > 0 && !slices.ContainsFunc(a.Parts, func(p journal.Part) bool { return !p.Proven })
}

// Contradicted reports that the store gave a part an ETag that looks like the MD5 of
// other bytes: then nothing but a proof will do, whatever becomes of the file.
func Contradicted(a *journal.Attempt) bool {
	return a != nil && a.Unconfirmed && slices.ContainsFunc(a.Parts, func(p journal.Part) bool {
		sum, is := uploader.AsMD5(p.ETag)
		return is && !p.Proven && !bytes.Equal(sum, p.MD5)
	})
}

// ReadBack reads the content of an asset and compares it with a file's bytes. That they
// differ is known only where the store itself answered.
func (p *Prover) ReadBack(ctx context.Context, objectID string, file journal.Entry) (same bool, sum []byte, err error) {
	if p.Content == nil {
		return false, nil, errors.New("the content cannot be read back here")
	}
	link, err := p.API.ContentLink(ctx, objectID)
	if err != nil {
		return false, nil, err
	}
	theirs, between := p.Content.ContentMD5(ctx, link, file.Size)
	if between != nil && !errors.Is(between, uploader.ErrIntermediary) {
		return false, nil, between
	}
	ours, err := p.MD5(ctx, file)
	if err == nil && bytes.Equal(theirs, ours) {
		return true, theirs, nil
	}
	return false, theirs, cmp.Or(err, between)
}

// Prove makes sure that the asset of an entry, owner, holds the bytes of a file, which is
// that entry's or a duplicate of it. Its error is an *UnprovenError.
func (p *Prover) Prove(ctx context.Context, owner, file journal.Entry) error {
	last, ok, err := p.Reader.LastAttempt(ctx, owner)
	if err != nil {
		return err
	}
	if ok && Proven(last.Attempt) || owner.Status == journal.Verified && owner.Reason.Class == reasons.ClassAdopted {
		return nil
	}
	if owner.ID == file.ID {
		file = last // with the MD5 of what was sent
	}
	if err := p.look(ctx, owner, file); err != nil {
		return &UnprovenError{err}
	}
	if !ok || len(last.Attempt.Parts) == 0 {
		return nil
	}
	return p.Keep(ctx, last.Attempt)
}

// Keep stores that the bytes of an attempt were proved to be in Tenovos.
func (p *Prover) Keep(ctx context.Context, a *journal.Attempt) error {
	ctx, cancel := journal.Recording(ctx)
	defer cancel()
	return p.Journal.Proven(ctx, a.ID)
}

func (p *Prover) look(ctx context.Context, owner, file journal.Entry) error {
	asset, err := p.API.Asset(ctx, owner.FileID)
	if err != nil {
		return fmt.Errorf("look at asset %s: %w", owner.ObjectID, err)
	}
	if asset.Deleted() {
		return fmt.Errorf("asset %s is in the recycle bin", owner.ObjectID)
	}
	if asset.MD5 == "" {
		same, theirs, err := p.ReadBack(ctx, owner.ObjectID, file)
		if err == nil && !same {
			err = otherBytesIn(owner, hex.EncodeToString(theirs))
		}
		return err
	}
	ours, err := p.MD5(ctx, file)
	if err == nil && hex.EncodeToString(ours) != asset.MD5 {
		err = otherBytesIn(owner, asset.MD5)
	}
	return err
}

func otherBytesIn(owner journal.Entry, sum string) error {
	return fmt.Errorf("asset %s holds other bytes (MD5 %s)", owner.ObjectID, sum)
}

// ProveDuplicate is Prove for a file whose content came in from another. One whose hash
// the journal lacks is hashed: without it nothing tells what the other is.
func (p *Prover) ProveDuplicate(ctx context.Context, e journal.Entry) error {
	if e.SHA256 == nil {
		var err error
		if e.SHA256, err = p.SHA256(ctx, e); err != nil {
			return err
		}
	}
	originals, err := p.Reader.SameContent(ctx, e)
	if err != nil {
		return err
	}
	if prev, ok, err := p.Reader.Previous(ctx, e); err != nil {
		return err
	} else if ok {
		originals = append(originals, prev)
	}
	err = &UnprovenError{errors.New("the file of the same content is not in Tenovos any more")}
	for _, o := range originals {
		if o.Status != journal.Filed || len(e.SHA256) > 0 && len(o.SHA256) > 0 && !bytes.Equal(o.SHA256, e.SHA256) {
			continue
		}
		if err = p.Prove(ctx, o, e); err == nil {
			return nil
		}
	}
	return err
}

// ProveEarlier makes sure before a file is moved or deleted whose content came in earlier.
// What was in Tenovos then may have been removed there since, which is asked before it is
// deleted, and may never have been proved to be there, where the folder kept its files.
func (p *Prover) ProveEarlier(ctx context.Context, e journal.Entry, deleted bool) error {
	if e.Status == journal.Duplicate {
		return p.ProveDuplicate(ctx, e)
	}
	if deleted {
		same, instead, err := p.Seen(ctx, e)
		if err == nil && !same {
			err = fmt.Errorf("the file is not deleted, because Tenovos does not hold its content as it did: %s", instead)
		}
		if err != nil {
			return err
		}
	}
	return p.Prove(ctx, e, e)
}
