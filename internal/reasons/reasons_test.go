package reasons

import (
	"io"
	"net"
	"testing"
)

// TestSameTroubleIsOneReason has connections break, each from a port of its own.
func TestSameTroubleIsOneReason(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	broken := func() string {
		t.Helper()
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		other, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		_, err = io.WriteString(c, "x")
		return Of(ClassNetwork, err, "").Message
	}
	first := broken()
	if want := "write tcp " + l.Addr().String() + ": use of closed network connection"; first != want {
		t.Errorf("the reason is %q, want %q", first, want)
	}
	if again := broken(); again != first {
		t.Errorf("the same trouble is %q and %q", first, again)
	}
}
