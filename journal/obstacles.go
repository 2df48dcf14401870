package journal

import (
	"context"
	"database/sql"
)

// Obstacle is what is in the way of what is to be done in the folder of an entry that
// rests; "" is nothing. Both are tried again.
type Obstacle struct {
	Moving  string // why its file could not be moved yet
	Telling string // why no note could be left beside its file yet
}

const (
	movingObstacles  = `SELECT entry_id, message, '' FROM chores`
	tellingObstacles = `SELECT entry_id, '', message FROM notes`

	allObstacles = movingObstacles + ` WHERE kind = 'file' AND message <> ''
		UNION ALL ` + tellingObstacles + ` {using notes_message} WHERE message <> ''`

	obstaclesOf = movingObstacles + ` {using chores_entry} WHERE entry_id IN {list ?1} AND kind = 'file' AND message <> ''
		UNION ALL ` + tellingObstacles + ` WHERE entry_id IN {list ?1} AND message <> ''`
)

// Obstacles tells what is in the way of entries that rest, by their ids.
func (r *Reader) Obstacles(ctx context.Context) (map[int64]Obstacle, error) {
	return r.obstacles(ctx, allObstacles)
}

// Obstacles is Reader.Obstacles for some entries.
func (l Listing) Obstacles(ctx context.Context, ids []int64) (map[int64]Obstacle, error) {
	return l.r.obstacles(ctx, obstaclesOf, list(ids))
}

func (r *Reader) obstacles(ctx context.Context, query string, args ...any) (map[int64]Obstacle, error) {
	out := make(map[int64]Obstacle)
	err := r.ask(ctx, "read what is in the way of files", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var id int64
			var moving, telling string
			err := rows.Scan(&id, &moving, &telling)
			o := out[id]
			o.Moving, o.Telling = o.Moving+moving, o.Telling+telling
			out[id] = o
			return err
		}, query, args...)
	})
	return out, err
}
