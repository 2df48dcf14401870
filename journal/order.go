package journal

import (
	"context"
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

// SetOrder sets the order of a folder's queue. What is queued already is
// rearranged if the order was another one: some 10 µs an entry.
func (fs Folders) SetOrder(ctx context.Context, folder string, o Order) error {
	switch {
	case o == OrderArrival:
		o = ""
	case o != "" && !slices.Contains(Orders(), o):
		return fmt.Errorf("order the queue of folder %s: %w: there is no order %q", folder, ErrIllegal, o)
	}
	var now Order
	op := "order the queue of folder " + folder
	err := fs.j.reader.ask(ctx, op, func(tx *session) error {
		return tx.row(ctx, `SELECT coalesce((SELECT sort FROM folders WHERE name = ?), '')`, folder).Scan(&now)
	})
	if err != nil || now == o {
		return err
	}
	return fs.j.write(ctx, op, func(tx *session) error {
		_, err := tx.exec(ctx, `INSERT INTO folders (name, sort) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET sort = excluded.sort`, folder, o)
		if err != nil {
			return err
		}
		ids, err := idsOf(ctx, tx, `SELECT entry_id FROM work WHERE folder = ?`, folder)
		if err != nil {
			return err
		}
		return refresh(ctx, tx, ids...)
	})
}
