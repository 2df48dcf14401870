package journal

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"path"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// A mark stands for a path and everything that hints at its content, a place for
// the directory that the path is in. A restart's scan compares the marks of whole
// directories, which costs a tenth of comparing the columns they stand for. An
// entry has a mark while its path is as it describes; one without is compared
// column by column, so that a mark too few costs time and no file.

func markOf(f file.File) int64 {
	b := make([]byte, 0, 256)
	b = append(append(b, f.Folder...), 0)
	b = append(append(b, f.Path...), 0)
	for _, n := range []int64{f.Size, f.ModTime, f.ChangeTime, int64(f.Dev), int64(f.Ino)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return hash(b)
}

func placeOf(folder, file string) int64 {
	b := make([]byte, 0, 256)
	b = append(append(b, folder...), 0)
	return hash(append(b, path.Dir(file)...))
}

func hash(b []byte) int64 {
	sum := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// What the marks of a place are asked of.
const (
	entryMarks     = `SELECT mark FROM entries {using entries_mark} WHERE place = ? AND mark IS NOT NULL`
	companionMarks = `SELECT mark FROM companions {using companions_mark} WHERE place = ?`
)

// unmarked returns those of the files whose marks the query does not find.
func unmarked(ctx context.Context, tx *session, found []file.File, query string) ([]file.File, error) {
	var rest []file.File
	marks := make(map[int64]struct{}, len(found))
	var last int64
	for i, f := range found {
		if at := placeOf(f.Folder, f.Path); i == 0 || at != last {
			last = at
			clear(marks)
			if err := marksAt(ctx, tx, query, at, marks); err != nil {
				return nil, err
			}
		}
		if _, ok := marks[markOf(f)]; !ok {
			rest = append(rest, f)
		}
	}
	return rest, nil
}

func marksAt(ctx context.Context, tx *session, query string, place int64, to map[int64]struct{}) error {
	rows, err := tx.query(ctx, query, place)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err has told what there is to tell
	for rows.Next() {
		var mark int64
		if err := rows.Scan(&mark); err != nil {
			return err
		}
		to[mark] = struct{}{}
	}
	return rows.Err()
}
