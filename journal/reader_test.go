package journal

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// A context that ends while a read begins leaves no transaction behind on its
// connection: there nobody could read any more, or saw the state of that moment for ever.
func TestReadGivenUpAsItBegins(t *testing.T) {
	r := newRig(t)
	r.admit(fileAt("a", 1))
	// The driver looks at a context in a goroutine of its own, which is to be quick.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var over atomic.Bool
	var spinning sync.WaitGroup
	for range 2 {
		spinning.Go(func() {
			for !over.Load() {
				runtime.Gosched()
			}
		})
	}
	defer spinning.Wait()
	defer over.Store(true)
	for i := range 30_000 {
		ctx := &endsWhenAsked{Context: t.Context(), done: make(chan struct{})}
		ctx.left.Store(int64(3 + i%3))
		err := r.Reader().read(ctx, "look", func(tx *session) error {
			var n int
			return tx.row(context.WithoutCancel(ctx), `SELECT count(*) FROM entries`).Scan(&n)
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

// endsWhenAsked is a context that ends when somebody looks at it for the n-th time.
type endsWhenAsked struct {
	context.Context
	done chan struct{}
	left atomic.Int64
}

func (c *endsWhenAsked) Done() <-chan struct{} {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
	return c.done
}

func (c *endsWhenAsked) Err() error {
	select {
	case <-c.done:
		return context.Canceled
	default:
		return nil
	}
}
