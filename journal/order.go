package journal

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// Order says which of a folder's queued entries goes first.
type Order string

// The orders. Where two entries are equal, the one that was found first goes first.
const (
	OrderArrival Order = "arrival"    // as found; also ""
	OrderMixed   Order = "size,mixed" // as OrderSize; who hands out takes some from the end
	OrderSize    Order = "size"       // small files first
	OrderOldest  Order = "oldest"     // by modification time
	OrderNewest  Order = "newest"     // by modification time, reversed
	OrderPath    Order = "path"       // by the bytes of the path, which keeps directories together
)

// Orders returns all orders, the default first.
func Orders() []Order {
	return []Order{OrderArrival, OrderMixed, OrderSize, OrderOldest, OrderNewest, OrderPath}
}

// sortKey is the place of an entry in its folder's order, of the columns folder,
// path, size and mod_time of whatever it stands in. Numbers become big-endian
// bytes, because those compare as the numbers do; a time, which may be before
// 1970, has its sign bit turned over first.
const sortKey = `CASE (SELECT sort FROM folders WHERE name = folder)
	WHEN 'size' THEN unhex(printf('%016x', size))
	WHEN 'size,mixed' THEN unhex(printf('%016x', size))
	WHEN 'oldest' THEN unhex(printf('%016x', (mod_time & 0x7fffffffffffffff) | (~mod_time & ~0x7fffffffffffffff)))
	WHEN 'newest' THEN unhex(printf('%016x', (~mod_time & 0x7fffffffffffffff) | (mod_time & ~0x7fffffffffffffff)))
	WHEN 'path' THEN path
	ELSE x'' END`

// SetOrder sets the order of a folder's queue. What is queued already is
// rearranged if the order was another one: some 10 µs an entry.
func (j *Journal) SetOrder(ctx context.Context, folder string, o Order) error {
	switch {
	case o == OrderArrival:
		o = ""
	case o != "" && !slices.Contains(Orders(), o):
		return fmt.Errorf("order the queue of folder %s: %w: there is no order %q", folder, ErrIllegal, o)
	}
	var now Order
	op := "order the queue of folder " + folder
	err := j.reader.read(ctx, op, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT coalesce((SELECT sort FROM folders WHERE name = ?), '')`, folder).Scan(&now)
	})
	if err != nil || now == o {
		return err
	}
	return j.write(ctx, op, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO folders (name, sort) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET sort = excluded.sort`, folder, o)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE entries SET sort_key = `+sortKey+`
			WHERE id IN (SELECT id FROM entries WHERE folder = ? AND `+queuedSQL+`)`, folder)
		return err
	})
}
