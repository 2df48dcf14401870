package receipts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/follow"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
)

// Name is the name of the list.
const Name = "ingestd-receipt.csv"

// Full is how large the list grows, in bytes, before it is put aside under the time of that: a
// spreadsheet takes about a million lines.
const Full = 64 << 20

// statuses are the rests that a row tells of: what became of a file as far as it goes. A
// superseded entry is no file's last word: what took its place gets a row.
var statuses = []string{"filed", "held", "failed", "duplicate", "cancelled", "ignored", "withdrawn"}

// Config describes a receipt and what it works with.
type Config struct {
	Folder string // its name
	Path   string // the directory
	Dir    string // where the list lies, below it
	Full   int64  // 0 is the constant Full
	Mounts *mounts.Mounts
	// Facts tells what a row says beside its event.
	Facts func(ctx context.Context, e follow.Event) (Facts, error)
	// Again reports that an event says of an entry what was said last.
	Again func(ctx context.Context, e follow.Event) (bool, error)
	Now   func() time.Time
}

// Receipt is the list of one folder.
type Receipt struct{ Config }

// New returns the receipt of a folder.
func New(c Config) *Receipt {
	if c.Full == 0 {
		c.Full = Full
	}
	return &Receipt{c}
}

// Wants implements follow.Taker.
func (r *Receipt) Wants(ctx context.Context, e follow.Event) (bool, error) {
	if e.Kind != "" || e.Folder != r.Folder || !slices.Contains(statuses, e.Status) {
		return false, nil
	}
	again, err := r.Again(ctx, e)
	return !again, err
}

// writing holds the lists that are written to at the moment, by path: a call to a share that
// hangs outlives its Receipt, and must not meet the next one's.
var writing sync.Map

// Take implements follow.Taker. It does not wait for a share longer than for ctx.
func (r *Receipt) Take(ctx context.Context, events []follow.Event, _ bool) (bool, error) {
	rows := make([]row, 0, len(events))
	for _, e := range events {
		f, err := r.Facts(ctx, e)
		if err != nil {
			return false, err
		}
		rows = append(rows, rowOf(e, f))
	}
	at := path.Join(r.Path, r.Dir)
	if _, busy := writing.LoadOrStore(at, true); busy {
		return false, fmt.Errorf("the receipt in %s: its file system does not answer", at)
	}
	written := make(chan error, 1)
	go func() {
		err := r.write(rows)
		writing.Delete(at)
		written <- err
	}()
	select {
	case err := <-written:
		if err != nil {
			err = fmt.Errorf("the receipt in %s cannot be written: %w", at, err)
		}
		return err == nil, err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// write adds rows to the list, those that it does not have yet.
func (r *Receipt) write(rows []row) (err error) {
	s, err := shelf.Open(r.Mounts, r.Folder, 0)
	if err != nil {
		return err
	}
	defer s.Close()
	name := path.Join(r.Dir, Name)
	list, err := s.OpenText(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeOnce(list)) }()
	size, tail, err := r.tail(list, rows)
	if err != nil {
		return err
	}
	rows, torn := missing(rows, tail)
	if torn > 0 {
		size -= int64(torn)
		if err := list.Truncate(size); err != nil {
			return err
		}
	} else if size > 0 && !bytes.HasSuffix(tail, []byte("\n")) { // whoever changed it left its last line open
		if _, err := list.WriteString("\n"); err != nil {
			return err
		}
		size++
	}
	if len(rows) == 0 {
		return nil
	}
	if size >= r.Full {
		if err := r.putAside(s, name); err != nil {
			return err
		}
		if err := list.Close(); err != nil {
			return err
		}
		if list, err = s.OpenText(name); err != nil {
			return err
		}
		size = 0
	}
	return add(list, size, rows)
}

// closeOnce closes a file that may have been closed.
func closeOnce(f *os.File) error {
	if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}

// tail reads as much of the end of the list as rows may have been written to before.
func (r *Receipt) tail(list *os.File, rows []row) (size int64, tail []byte, err error) {
	info, err := list.Stat()
	if err != nil {
		return 0, nil, err
	}
	want := int64(64 << 10)
	for _, row := range rows {
		want += 2 * int64(len(row.text))
	}
	size = info.Size()
	tail = make([]byte, min(size, want))
	n, err := list.ReadAt(tail, size-int64(len(tail)))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return size, tail[:n], err
}

// add writes rows at the end of a list, which are durable when it returns nil. A list that is
// empty begins with the names of the columns.
func add(list *os.File, size int64, rows []row) error {
	var text []byte
	if size == 0 {
		text = begin()
	}
	for _, row := range rows {
		text = append(text, row.text...)
	}
	n, err := list.Write(text)
	if err == nil {
		err = list.Sync()
	}
	if err != nil && n > 0 {
		_ = list.Truncate(size) // the full disk tells; what is left of it is found the next time
	}
	return err
}

// putAside gives a list that is full a name of its own.
func (r *Receipt) putAside(s *shelf.Shelf, name string) error {
	full := strings.TrimSuffix(name, ".csv") + "-" + r.Now().Format("20060102-150405") + ".csv"
	if _, err := s.MoveNumbered(name, full, nil); err != nil {
		return fmt.Errorf("put the full list aside: %w", err)
	}
	return nil
}
