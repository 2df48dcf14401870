package uploader

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// lastWord is how long a connection that broke under our bytes is listened to.
const lastWord = time.Second

// conn is a connection on which a refusal in the middle of a part is heard. Who
// refuses without reading on answers and closes, and the bytes that still come
// are met with a reset. The answer arrived before the reset, but net/http throws
// it away when it learns of the failed write first. So a failed write waits until
// the other side has been read to its end.
type conn struct {
	net.Conn
	over func()        // closes read
	read chan struct{} // closed when nothing more will be read
}

// hearOut makes a dialer's connections such that they hear a refusal out.
func hearOut(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		read := make(chan struct{})
		return &conn{Conn: c, over: sync.OnceFunc(func() { close(read) }), read: read}, nil
	}
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.over()
	}
	return n, err
}

// Write implements net.Conn. It is as late with the error of a broken connection
// as conn says.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		select {
		case <-c.read:
		case <-time.After(lastWord):
		}
	}
	return n, err
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.over()
	return c.Conn.Close()
}
