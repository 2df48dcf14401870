package journal

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Forget says what may be pruned. What somebody still needs stays whatever it says; see
// docs/pruning.md for the table.
type Forget struct {
	Before time.Time // entries that came to rest before
	// Folders are those whose files become no versions by their path: of a file that was
	// moved away or deleted there, the last generation may go.
	Folders []string
	// Names keeps what gives an asset its filename, for versions by filename.
	Names bool
	// Contents keeps what could not be recognised as a duplicate afterwards.
	Contents bool
}

// Pruned is how many entries of a folder in a status were pruned, or would be.
type Pruned struct {
	Folder  string
	Status  Status
	Entries int
}

// forgettable are the conditions of an entry e, or o: it rests for long enough in a
// status that ends something, and nobody has business with it.
const forgettable = `(@.since < :before AND @.kind = ''
	AND @.status IN ({filed}, {duplicate}, {superseded}, {cancelled}, {failed}, {ignored}, {withdrawn})
	AND NOT EXISTS (SELECT 1 FROM chores c WHERE c.entry_id = @.id)
	AND NOT EXISTS (SELECT 1 FROM edits d WHERE d.entry_id = @.id)
	AND @.id NOT IN (SELECT n.value FROM requests q, {ids q.args} n WHERE q.answered_at IS NULL)
	AND NOT (@.status = {filed} AND :names AND @.filename <> ''))`

// rememberable is true of an entry whose content can be told by what the table pruned
// keeps of it, or need not be.
const rememberable = `(NOT :contents OR @.size = 0 OR @.sha256 IS NOT NULL
	OR (SELECT count(*) = 1 AND max(length(p.md5)) > 0 FROM parts p
		WHERE p.attempt_id = (SELECT a.id FROM attempts a WHERE a.entry_id = @.id ORDER BY a.number DESC LIMIT 1)))`

// ingested is true of a generation whose content reached Tenovos.
const ingested = `(@.status IN ({verified}, {filed}, {withdrawn}) OR @.status = {held} AND @.class = '` + ClassUnverified + `')`

// prunable is true of an entry e that nothing needs: one that is neither the last
// generation of its path nor the last that was ingested of it; or any of a path of which
// nothing is left to know, because its file vanished before it was ingested, or was taken
// away afterwards. The last ingested one is what a file that is still there, or comes
// back, is recognised by; versions continue it.
var prunable = `(` + of("e", forgettable) + ` AND (
	(EXISTS (SELECT 1 FROM entries l WHERE l.folder = e.folder AND l.path = e.path AND l.generation > e.generation)
		AND (NOT ` + of("e", ingested) + ` OR EXISTS (SELECT 1 FROM entries l
			WHERE l.folder = e.folder AND l.path = e.path AND l.generation > e.generation AND ` + of("l", ingested) + `))
		AND (e.status <> {filed} OR e.replaced OR ` + of("e", rememberable) + `))
	OR NOT EXISTS (SELECT 1 FROM entries o WHERE o.folder = e.folder AND o.path = e.path AND NOT (` + of("o", forgettable) + `
		AND CASE WHEN ` + of("o", ingested) + `
			THEN o.status = {filed} AND o.folder IN {list :folders}
				AND (o.replaced OR o.aside <> x'' AND ` + of("o", rememberable) + `)
			ELSE o.status = {superseded} OR o.status = {duplicate} AND o.aside <> x''
				OR EXISTS (SELECT 1 FROM entries l WHERE l.folder = o.folder AND l.path = o.path AND l.generation > o.generation)
			END))))`

// of is a condition about the table called alias.
func of(alias, condition string) string { return strings.ReplaceAll(condition, "@", alias) }

func (f Forget) args() []any {
	return []any{sql.Named("before", ms(f.Before)), sql.Named("folders", list(f.Folders)), sql.Named("names", f.Names), sql.Named("contents", f.Contents)}
}

var (
	countPrunable = `SELECT e.folder, e.status, count(*) FROM entries e {unindexed} WHERE ` + prunable + ` GROUP BY e.folder, e.status ORDER BY e.folder, e.status`
	// By id, so that each batch reads on where the one before ended.
	nextPrunable = `SELECT e.id FROM entries e {unindexed} WHERE e.id > :after AND ` + prunable + ` ORDER BY e.id LIMIT :limit`

	// The generations of a path go together: at no time is one replaced by another that
	// is not there.
	choosePruned = strings.Join([]string{`INSERT INTO temp.chosen SELECT DISTINCT e.id
		FROM {list :ids} g CROSS JOIN entries a ON a.id = g.value CROSS JOIN entries e ON e.folder = a.folder AND e.path = a.path
		WHERE`, prunable}, " ")
)

// pruneSteps forget what is in the table chosen.
var pruneSteps = []string{
	`INSERT INTO pruned (id, folder, path, size, sha256, md5, object_id, file_id, current)
		SELECT e.id, e.folder, e.path, e.size, e.sha256,
			(SELECT CASE WHEN count(*) = 1 THEN max(p.md5) END FROM parts p
				WHERE p.attempt_id = (SELECT a.id FROM attempts a WHERE a.entry_id = e.id ORDER BY a.number DESC LIMIT 1)),
			e.object_id, e.file_id, e.status = {filed} AND NOT e.replaced
		FROM entries e WHERE e.id IN (SELECT id FROM temp.chosen) AND e.object_id <> ''`,
	`UPDATE folders SET seen = seen - g.n, pruned = pruned + g.n
		FROM (SELECT folder, count(*) AS n FROM entries WHERE id IN (SELECT id FROM temp.chosen) GROUP BY folder) g WHERE folders.name = g.folder`,
	`DELETE FROM entries WHERE id IN (SELECT id FROM temp.chosen)`,
	`DELETE FROM events WHERE entry_id IN (SELECT id FROM temp.chosen)`,
	`DELETE FROM temp.chosen`,
}

// prunePauses forgets the waits of folders that are as old, but for the last word on each.
const prunePauses = `DELETE FROM events WHERE entry_id IS NULL AND kind IN ` + pauseKinds + ` AND at < ?
	AND id NOT IN (SELECT max(id) FROM events {using events_folder} WHERE entry_id IS NULL AND kind IN ` + pauseKinds + ` GROUP BY folder)`

// Prunable counts what Prune would forget.
func (r *Reader) Prunable(ctx context.Context, f Forget) (out []Pruned, err error) {
	err = r.ask(ctx, "count what can be pruned", func(tx *session) error {
		return eachPruned(ctx, tx, &out, countPrunable, f.args()...)
	})
	return out, err
}

func eachPruned(ctx context.Context, tx *session, out *[]Pruned, query string, args ...any) error {
	return each(ctx, tx, func(rows *sql.Rows) error {
		var p Pruned
		err := rows.Scan(&p.Folder, &p.Status, &p.Entries)
		*out = append(*out, p)
		return err
	}, query, args...)
}

// Prune forgets a batch of entries, in one transaction: up to some limit of those with
// ids above after, and the other generations of their paths that can go. Of each folder
// the entries seen become fewer by as many. It returns what was forgotten, and the id to
// go on after; 0 where no more are left.
func Prune(ctx context.Context, j *Journal, f Forget, after int64, limit int) (out []Pruned, next int64, err error) {
	var ids []int64
	err = j.reader.ask(ctx, "look for entries to prune", func(tx *session) (err error) {
		ids, err = idsOf(ctx, tx, nextPrunable, append(f.args(), sql.Named("after", after), sql.Named("limit", limit))...)
		return err
	})
	if err != nil || len(ids) == 0 {
		return nil, 0, err
	}
	err = j.write(ctx, fmt.Sprintf("prune up to %d entries", len(ids)), func(tx *session) error {
		if _, err := tx.exec(ctx, `CREATE TEMP TABLE IF NOT EXISTS chosen (id INTEGER PRIMARY KEY)`); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, choosePruned, append(f.args(), sql.Named("ids", list(ids)))...); err != nil {
			return err
		}
		err := eachPruned(ctx, tx, &out, `SELECT folder, status, count(*) FROM entries WHERE id IN (SELECT id FROM temp.chosen) GROUP BY folder, status`)
		if err != nil {
			return err
		}
		for _, step := range pruneSteps {
			if _, err := tx.exec(ctx, step); err != nil {
				return err
			}
		}
		_, err = tx.exec(ctx, prunePauses, ms(f.Before))
		return err
	})
	return out, ids[len(ids)-1], err
}

// rememberedCopy finds what was pruned of the content that an entry has, its own path
// included: the path holds nothing that was ingested after it.
const rememberedCopy = ` FROM pruned p {using pruned_content} WHERE p.current = 1 AND p.size = ?1
	AND NOT EXISTS (SELECT 1 FROM entries n WHERE n.folder = p.folder AND n.path = p.path AND n.status = {filed})`

// rememberedCopies finds what was pruned by its hash, and what has none but an MD5.
// Neither costs more where many have the size.
const (
	rememberedColumns = `SELECT p.id, p.folder, p.path, p.sha256, p.md5, p.object_id, p.file_id` + rememberedCopy
	rememberedCopies  = `SELECT * FROM (` + rememberedColumns + ` AND p.sha256 = ?2 ORDER BY p.id LIMIT ?3)
		UNION ALL SELECT * FROM (` + rememberedColumns + ` AND p.sha256 IS NULL AND p.md5 IS NOT NULL ORDER BY p.id LIMIT ?3)`
)

// remembered returns what was pruned of the size of an entry and may hold its content, as
// the filed entries that they were.
func remembered(ctx context.Context, tx *session, e Entry) (out []Entry, err error) {
	scan := func(rows *sql.Rows) error {
		var path, md5 []byte
		o := Entry{Status: Filed, File: file.File{Stat: file.Stat{Size: e.Size}}}
		err := rows.Scan(&o.ID, &o.Folder, &path, &o.SHA256, &md5, &o.ObjectID, &o.FileID)
		o.Path = string(path)
		if o.SHA256 == nil && md5 != nil {
			o.Attempt = &Attempt{Parts: []Part{{Number: 1, Size: e.Size, MD5: md5}}}
		}
		out = append(out, o)
		return err
	}
	return out, each(ctx, tx, scan, rememberedCopies, e.Size, e.SHA256, maxUnhashed)
}
