package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// Entry is one generation of one path.
type Entry struct {
	ID         int64
	file.File      // as it was when it was found
	Generation int // 1 for the first content found at the path
	Status     Status

	Kind     Kind   // what it is if it has no file
	SHA256   []byte // nil until it is known
	Asset    []byte // JSON of the asset to create; nil until mapped
	Filename string // name of the asset; "" until mapped, but for SetFilename
	Outcome  Status // what follows cancelling; "" otherwise
	Reason   Reason // why it is in its status
	Failures int    // counted against the file
	Expiries int    // attempts that ended because their URLs died
	AsNew    bool   // it is to become an asset of its own where it would be a version
	InDrop   bool   // it must not be created before its drop is released

	// Aside is the hidden name that its file gets before it is moved or deleted,
	// MovedTo its place in the end, "" where it is deleted; both are below the
	// folder, and intents until the entry is filed. Without an Aside it stays.
	Aside, MovedTo string

	// The ids of its asset; "" until created and after a cancel.
	ObjectID, FileID, OriginalFileID string

	NotBefore    time.Time // not to be run earlier; zero is at once
	SeenAt       time.Time // when it was admitted
	MappedAt     time.Time // when the facts for Asset were gathered, or a companion told that they are to be; see Move
	Since        time.Time // when it came to its status
	Tries        int       // how often it was deferred in that status
	Updated      time.Time // when its status or reason was last set
	Attempt      *Attempt  // see the method that returns the entry
	AttemptCount int
	Sent         int64 // bytes of the stored parts of the last attempt
}

// Kind says what an entry is that has no file of its own.
type Kind string

// The kinds of entries without a file.
const (
	File        Kind = ""            // it has one
	Federated   Kind = "federated"   // its content lies elsewhere
	Placeholder Kind = "placeholder" // it is metadata only
)

// Taken reports that the file was moved away or deleted, or is to be.
func (e Entry) Taken() bool { return e.Aside != "" }

// Reason says why an entry is where it is. Its texts are shown to operators and
// must hold no secret.
type Reason struct {
	Class   string // a constant of the caller; the journal knows ClassUnverified
	Message string
	Hint    string // what the operator can do
}

// Attempt is one creation of an asset and the upload into it.
type Attempt struct {
	ID                               int64
	Number                           int // 1 for an entry's first
	IntentAt                         time.Time
	ObjectID, FileID, OriginalFileID string    // "" until created
	UploadID                         string    // "" for a single PUT
	Expires                          time.Time // when the first of its URLs dies; zero if unknown
	PartSize                         int64     // bytes of each part but the last
	Completing                       bool      // the complete call may have happened
	Unconfirmed                      bool      // handed over, but nobody answered for it, or not for these bytes
	Parts                            []Part    // by number
}

// sent is how many bytes are stored of an attempt, which may be none.
func (a *Attempt) sent() (n int64) {
	if a == nil {
		return 0
	}
	for _, p := range a.Parts {
		if !p.DoneAt.IsZero() {
			n += p.Size
		}
	}
	return n
}

// Part is one range of the file and where it goes.
type Part struct {
	Number       int
	Offset, Size int64      // bytes
	URL          secret.URL // "" once the attempt has ended
	ETag         string     // as the store gave it; "" until the part is stored
	MD5          []byte     // of the bytes sent; nil until the part is stored
	Proven       bool       // its bytes are known to be stored: the ETag is their MD5, or see Learned.Proven
	Contradicted bool       // only in Learned: the ETag looks like the MD5 of other bytes
	DoneAt       time.Time  // zero until the part is stored
}

// entryColumns are the columns that scanEntry reads, of a table called e.
const entryColumns = `e.id, e.folder, e.path, e.generation, e.status, e.size, e.mod_time, e.change_time,
	e.dev, e.ino, e.sha256, e.asset, e.filename, e.outcome, e.class, e.message, e.hint, e.failures, e.expiries, e.as_new,
	e.object_id, e.file_id, e.original_file_id, coalesce((SELECT w.not_before FROM work w WHERE w.entry_id = e.id), 0), e.seen_at, e.since, e.tries, e.updated,
	e.aside, e.moved_to, e.kind, e.batch IS NOT NULL, e.mapped_at,
	(SELECT count(*) FROM attempts a WHERE a.entry_id = e.id),
	(SELECT coalesce(sum(p.size), 0) FROM parts p WHERE p.done_at IS NOT NULL AND p.attempt_id =
		(SELECT a.id FROM attempts a WHERE a.entry_id = e.id ORDER BY a.number DESC LIMIT 1))`

func scanEntry(scan func(...any) error) (Entry, error) {
	var e Entry
	var path, aside, movedTo []byte
	var dev, ino, notBefore, seenAt, since, updated, mappedAt int64
	err := scan(&e.ID, &e.Folder, &path, &e.Generation, &e.Status, &e.Size, &e.ModTime, &e.ChangeTime,
		&dev, &ino, &e.SHA256, &e.Asset, &e.Filename, &e.Outcome, &e.Reason.Class, &e.Reason.Message, &e.Reason.Hint,
		&e.Failures, &e.Expiries, &e.AsNew, &e.ObjectID, &e.FileID, &e.OriginalFileID, &notBefore, &seenAt, &since, &e.Tries, &updated,
		&aside, &movedTo, &e.Kind, &e.InDrop, &mappedAt, &e.AttemptCount, &e.Sent)
	e.Path, e.Dev, e.Ino = string(path), uint64(dev), uint64(ino)
	e.Aside, e.MovedTo = string(aside), string(movedTo)
	e.NotBefore, e.SeenAt, e.Since, e.Updated, e.MappedAt = at(notBefore), at(seenAt), at(since), at(updated), at(mappedAt)
	if len(e.Asset) == 0 {
		e.Asset = nil
	}
	return e, err
}

// Entry returns one entry with its open attempt, if it has one, and that
// attempt's parts. ErrUnknown if there is no such entry.
func (j *Journal) Entry(ctx context.Context, id int64) (Entry, error) {
	return j.reader.Entry(ctx, id)
}

// Entry is Journal.Entry.
func (r *Reader) Entry(ctx context.Context, id int64) (Entry, error) {
	var e Entry
	op := fmt.Sprintf("read entry %d", id)
	err := r.read(ctx, op, func(tx *session) (err error) {
		e, err = readEntry(ctx, tx, id)
		return err
	})
	return e, err
}

// readEntry is Entry within a transaction.
func readEntry(ctx context.Context, tx *session, id int64) (Entry, error) {
	e, err := scanEntry(tx.row(ctx, `SELECT `+entryColumns+` FROM entries e WHERE e.id = ?`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return e, ErrUnknown
	}
	if err != nil {
		return e, err
	}
	return e, openAttempt(ctx, tx, &e)
}

// openAttempt sets e.Attempt if e has an open one.
func openAttempt(ctx context.Context, tx *session, e *Entry) error {
	if !e.Status.attempting() {
		return nil
	}
	return lastAttempt(ctx, tx, e)
}

// lastAttempt sets e.Attempt to the last attempt, open or ended.
func lastAttempt(ctx context.Context, tx *session, e *Entry) error {
	var a Attempt
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var p Part
		var url []byte
		var intentAt, expires int64
		var number, offset, size, doneAt sql.NullInt64
		var etag sql.NullString
		var proven sql.NullBool
		err := rows.Scan(&a.ID, &a.Number, &intentAt, &a.ObjectID, &a.FileID, &a.OriginalFileID, &a.UploadID, &expires, &a.PartSize,
			&a.Completing, &a.Unconfirmed, &number, &offset, &size, &url, &etag, &p.MD5, &proven, &doneAt)
		if err != nil {
			return err
		}
		e.Attempt = &a
		a.IntentAt, a.Expires = at(intentAt), at(expires)
		if number.Valid {
			p.Number, p.Offset, p.Size, p.ETag, p.Proven = int(number.Int64), offset.Int64, size.Int64, etag.String, proven.Bool
			p.URL, p.DoneAt = secret.URL(url), at(doneAt.Int64)
			a.Parts = append(a.Parts, p)
		}
		return nil
	}, attemptAndParts, e.ID)
	return err
}

// attemptAndParts is the last attempt of an entry: a row for each part, or one without.
const attemptAndParts = `SELECT a.id, a.number, a.intent_at, a.object_id, a.file_id, a.original_file_id, a.upload_id, a.expires, a.part_size,
		a.completing_at IS NOT NULL, a.unconfirmed, p.number, p."offset", p.size, p.url, p.etag, p.md5, p.comparable, p.done_at
	FROM attempts a LEFT JOIN parts p ON p.attempt_id = a.id
	WHERE a.id = (SELECT id FROM attempts WHERE entry_id = ? ORDER BY number DESC LIMIT 1) ORDER BY p.number`

// Filter selects entries. Empty lists select everything; a filter with neither
// IDs nor Statuses leaves out filed entries unless All is set.
type Filter struct {
	All      bool
	Folders  []string
	IDs      []int64
	Statuses []Status
	Since    time.Time // only what came to its status then or later
	Below    []PathIn  // only what lies at one of these, or below; with IDs, either
}

// PathIn is a path in a folder; "" is the folder itself.
type PathIn struct{ Folder, Path string }

// where is the filter as SQL and its arguments.
func (f Filter) where() (string, []any) {
	statuses := f.Statuses
	if !f.All && len(f.IDs) == 0 && len(f.Below) == 0 && len(statuses) == 0 {
		for s := range moves {
			if s != Filed {
				statuses = append(statuses, s)
			}
		}
	}
	var terms, which []string
	args := []any{list(f.IDs), list(statuses), list(f.Folders), ms(f.Since)}
	if len(f.IDs) > 0 {
		which = append(which, `@ IN {list ?1}`)
	}
	if len(f.Below) > 0 {
		below, paths := underAny(f.Below, len(args))
		which, args = append(which, below), append(args, paths...)
	}
	if len(which) > 0 {
		terms = append(terms, `(`+strings.Join(which, ` OR `)+`)`)
	}
	if len(statuses) > 0 {
		terms = append(terms, `status IN {list ?2}`)
	}
	if len(f.Folders) > 0 {
		terms = append(terms, `folder IN {list ?3}`)
	}
	var outer []string
	if !f.Since.IsZero() {
		outer = append(outer, `e.since >= ?4`)
	}
	if len(terms) > 0 {
		// The inner query answers from an index and yields ids only, so that sorting
		// them costs eight bytes an entry.
		all := strings.Join(terms, ` AND `)
		inner := `SELECT id FROM entries WHERE ` + strings.ReplaceAll(all, "@", "id")
		if len(statuses) > 0 && len(f.Below) == 0 { // what does not rest is in no index by its status
			inner += ` AND rests = 1 UNION ALL SELECT entry_id FROM work WHERE ` + strings.ReplaceAll(all, "@", "entry_id")
		}
		outer = append(outer, `e.id IN (`+inner+`)`)
	}
	if len(outer) == 0 {
		return "", nil
	}
	return ` WHERE ` + strings.Join(outer, ` AND `), args
}

// underAny is the condition that an entry lies at one of some places, or below, with its
// arguments, which come after as many others.
func underAny(places []PathIn, others int) (string, []any) {
	terms := make([]string, len(places))
	args := make([]any, 0, 4*len(places))
	for i, p := range places {
		n := others + len(args)
		switch {
		case p.Path == "":
			terms[i] = fmt.Sprintf(`folder = ?%d`, n+1)
			args = append(args, p.Folder)
		default:
			terms[i] = fmt.Sprintf(`folder = ?%d AND path >= ?%d AND path < ?%d AND (path = ?%[2]d OR path > ?%[4]d)`, n+1, n+2, n+4, n+3)
			args = append(args, p.Folder, []byte(p.Path), []byte(p.Path+"/"), []byte(p.Path+"0")) // "0" comes after "/"
		}
	}
	return `(` + strings.Join(terms, ` OR `) + `)`, args
}

// Entries calls yield for each entry that the filter selects, by id, without
// its Attempt, and stops with yield's first error. It holds one entry at a
// time. While it runs the journal file cannot shrink, so yield should not
// wait for anything slow.
func (r *Reader) Entries(ctx context.Context, f Filter, yield func(Entry) error) error {
	where, args := f.where()
	return r.ask(ctx, "list entries", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			e, err := scanEntry(rows.Scan)
			if err != nil {
				return err
			}
			return yield(e)
		}, `SELECT `+entryColumns+` FROM entries e`+where+` ORDER BY e.id`, args...)
	})
}
