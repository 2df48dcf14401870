package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/smtp"
	"strings"
	"time"
)

// send hands a mail to the server of a receiver. What goes over the network is encrypted,
// unless Receiver.Plain says otherwise; a login never goes in the clear. The recipients that
// the server refuses while it takes others are refused; it is an error if it takes none.
func send(ctx context.Context, r Receiver, host string, message []byte) (refused []error, err error) {
	server, port, err := net.SplitHostPort(r.SMTP)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := dial(ctx, r.SMTP, server, port == "465")
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // net/smtp knows no context
	c, err := smtp.NewClient(conn, server)
	if err != nil {
		_ = conn.Close() // nothing was sent
		return nil, err
	}
	defer func() { _ = c.Close() }() // Quit has told
	if err := c.Hello(host); err != nil {
		return nil, err
	}
	if err := encrypt(c, server, port == "465" || r.Plain || loopback(server)); err != nil {
		return nil, err
	}
	if r.Username != "" {
		if err := login(c, r, server); err != nil {
			return nil, err
		}
	}
	if err := c.Mail(bare(r.From)); err != nil {
		return nil, fmt.Errorf("it refuses the sender %s: %w", r.From, err)
	}
	for _, to := range r.To {
		if err := c.Rcpt(bare(to)); err != nil {
			refused = append(refused, fmt.Errorf("it refuses the recipient %s: %w", to, err))
		}
	}
	if len(refused) == len(r.To) {
		return nil, errors.Join(refused...)
	}
	w, err := c.Data()
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(message); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	_ = c.Quit() // the mail is accepted
	return refused, nil
}

// dial connects to a server, wrapped in TLS if it is one that begins with that.
func dial(ctx context.Context, address, server string, wrapped bool) (net.Conn, error) {
	plain, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	plain = &patient{Conn: plain, left: mostSaid}
	if !wrapped {
		return plain, nil
	}
	secure := tls.Client(plain, &tls.Config{ServerName: server, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = plain.Close() // nothing was sent
		return nil, err
	}
	return secure, nil
}

// mostSaid bounds what a server may say about one mail, in bytes, its certificates included.
const mostSaid = 256 << 10

// patient is a connection that is given up when too much was said on it: net/smtp would keep
// all of an answer that does not end.
type patient struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (p *patient) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, fmt.Errorf("it says more than %d KiB, which no mail server does: check smtp in notify", mostSaid>>10)
	}
	n, err := p.Conn.Read(b[:min(len(b), p.left)])
	p.left -= n
	return n, err
}

// encrypt turns TLS on where the server has it. A server on this machine is talked to in the
// clear: its certificate is its own as a rule, and there is nobody to hide from.
func encrypt(c *smtp.Client, server string, optional bool) error {
	if _, is := c.TLSConnectionState(); is || loopback(server) {
		return nil
	}
	if has, _ := c.Extension("STARTTLS"); !has {
		if optional {
			return nil
		}
		return errors.New("it has no TLS, and the names of files would go over the network for all to read: use a server that has it, or set insecure: true where the network in between is your own")
	}
	return c.StartTLS(&tls.Config{ServerName: server, MinVersion: tls.VersionTLS12})
}

// login logs in by what the server offers.
func login(c *smtp.Client, r Receiver, server string) error {
	has, offered := c.Extension("AUTH")
	if !has {
		return errors.New("it takes no login: leave username out")
	}
	auth := smtp.PlainAuth("", r.Username, r.Password.Reveal(), server)
	if !strings.Contains(" "+offered+" ", " PLAIN ") {
		auth = &loginAuth{PlainName: r.Username, secret: r.Password.Reveal(), server: server}
	}
	if err := c.Auth(auth); err != nil {
		return fmt.Errorf("it refuses the login of %s: %w", r.Username, err)
	}
	return nil
}

// loginAuth is the older LOGIN, the only one that some large mail services offer.
type loginAuth struct {
	PlainName string
	secret    string
	server    string
}

func (a *loginAuth) Start(info *smtp.ServerInfo) (string, []byte, error) {
	if !info.TLS && !loopback(a.server) {
		return "", nil, errors.New("the connection is not encrypted, and the password is not sent in the clear")
	}
	return "LOGIN", nil, nil
}

func (a *loginAuth) Next(asked []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	if strings.HasPrefix(strings.ToLower(string(asked)), "user") {
		return []byte(a.PlainName), nil
	}
	return []byte(a.secret), nil
}

// loopback reports that a host is this machine.
func loopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

// bare is an address without a name before it.
func bare(address string) string {
	a, err := mail.ParseAddress(address)
	if err != nil {
		return address
	}
	return a.Address
}
