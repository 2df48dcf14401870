package metrics

import "sync"

// flight lets those who ask at the same time share one answer, of which no more than one is
// worked out at once. An answer is never older than the question: who comes while one is
// worked out shares the next.
type flight[T any] struct {
	turn sync.Mutex // held while an answer is worked out

	mu   sync.Mutex
	next *answer[T] // waits for its turn; nil: none does
}

type answer[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// do returns what work returned, begun after the call of do.
func (f *flight[T]) do(work func() (T, error)) (T, error) {
	f.mu.Lock()
	a := f.next
	if a != nil {
		f.mu.Unlock()
		<-a.done
		return a.value, a.err
	}
	a = &answer[T]{done: make(chan struct{})}
	f.next = a
	f.mu.Unlock()

	f.turn.Lock()
	defer f.turn.Unlock()
	f.mu.Lock()
	f.next = nil // who comes from here on came too late for this one
	f.mu.Unlock()
	defer close(a.done)
	a.value, a.err = work()
	return a.value, a.err
}
