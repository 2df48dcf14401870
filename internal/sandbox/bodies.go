package sandbox

import "io"

// stallingBody stalls once after some bytes.
type stallingBody struct {
	io.ReadCloser
	left  int64
	stall func() bool
}

func (b *stallingBody) Read(p []byte) (int, error) {
	if b.stall != nil {
		if b.left <= 0 {
			goOn := b.stall()
			b.stall = nil
			if !goOn {
				return 0, io.ErrUnexpectedEOF
			}
		} else if int64(len(p)) > b.left {
			p = p[:b.left]
		}
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}

// damagedBody flips a bit of the first byte.
type damagedBody struct {
	io.ReadCloser
	done bool
}

func (b *damagedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && !b.done {
		p[0] ^= 1
		b.done = true
	}
	return n, err
}
