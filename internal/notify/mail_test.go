package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/smtp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/follow"
)

// mailServer speaks as much SMTP as a relay does, over TCP.
type mailServer struct {
	t        *testing.T
	addr     string
	listener net.Listener
	auth     string      // mechanisms that it offers; "" is none
	tls      *tls.Config // nil: it has none

	mu     sync.Mutex
	refuse map[string]string // what is said of a command or address instead of yes
	mails  []string          // as they were sent
	rcpts  []string
	logins []string
}

func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	s := &mailServer{t: t, refuse: map[string]string{}}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener, s.addr = l, l.Addr().String()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

func (s *mailServer) said(command string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for what, reply := range s.refuse {
		if strings.Contains(command, what) {
			return reply, true
		}
	}
	return "", false
}

func (s *mailServer) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	say := func(text string) { fmt.Fprintf(c, "%s\r\n", text) }
	line := func() string {
		text, err := in.ReadString('\n')
		if err != nil {
			return "QUIT"
		}
		return strings.TrimRight(text, "\r\n")
	}
	secure := false
	say("220 test")
	for {
		command := line()
		if reply, no := s.said(command); no {
			say(reply)
			continue
		}
		switch verb, rest, _ := strings.Cut(command, " "); strings.ToUpper(verb) {
		case "EHLO":
			say("250-test")
			if s.tls != nil && !secure {
				say("250-STARTTLS")
			}
			if s.auth != "" {
				say("250-AUTH " + s.auth)
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			over := tls.Server(c, s.tls)
			c, in, secure = over, bufio.NewReader(over), true
		case "AUTH":
			login := rest
			if rest == "LOGIN" {
				for _, ask := range []string{"Username:", "Password:"} {
					say("334 " + base64.StdEncoding.EncodeToString([]byte(ask)))
					text, _ := base64.StdEncoding.DecodeString(line())
					login += " " + string(text)
				}
			}
			s.mu.Lock()
			s.logins = append(s.logins, login)
			s.mu.Unlock()
			say("235 welcome")
		case "RCPT":
			s.mu.Lock()
			s.rcpts = append(s.rcpts, rest)
			s.mu.Unlock()
			say("250 fine")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				l := line()
				if l == "." || l == "QUIT" {
					break
				}
				text.WriteString(strings.TrimPrefix(l, ".") + "\r\n")
			}
			s.mu.Lock()
			s.mails = append(s.mails, text.String())
			s.mu.Unlock()
			say("250 queued")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

func (s *mailServer) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.mails...)
}

func (s *mailServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func mailTo(s *mailServer) Receiver {
	return Receiver{On: Events(), SMTP: s.addr, From: "ingestd <ingestd@example.com>", To: []string{"Zoë <zoe@example.com>", "ops@example.com"}}
}

// readMail returns the subject and the text of a mail.
func readMail(t *testing.T, raw string) (subject, text string, h mail.Header) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return subject, string(body), m.Header
}

// TestManyEventsAreOneMail has more files fail than a mail lists.
func TestManyEventsAreOneMail(t *testing.T) {
	s, o := newMailServer(t), newOutbox().begin()
	o.add(failures(0, 249)...)
	held := failures(249, 1)[0]
	held.Status, held.Path = Held, "last.jpg"
	o.add(held)
	f := run(t, o, mailTo(s), io.Discard)
	f.stop(t)
	mails := s.received()
	if len(mails) != 1 {
		t.Fatalf("there are %d mails", len(mails))
	}
	subject, text, h := readMail(t, mails[0])
	if subject != "ingestd on here: 249 files failed, 1 file held" {
		t.Errorf("the subject is %q", subject)
	}
	if n := strings.Count(text, "failed: "); n != listed || !strings.Contains(text, "... and 150 more.") || !strings.Contains(text, "Why: because\r\n  What helps: do\r\n") {
		t.Errorf("%d files are listed in\n%s", n, text)
	}
	if to, err := h.AddressList("To"); err != nil || len(to) != 2 || to[0].Name != "Zoë" {
		t.Errorf("it is to %v (%v)", to, err)
	}
	if n := o.mostAtOnce(); n > 100 {
		t.Errorf("%d events were read at once", n)
	}
	o.add(failures(251, 1)...)
	f = run(t, o, mailTo(s), io.Discard)
	f.stop(t)
	if subject, _, _ := readMail(t, s.received()[1]); subject != "ingestd on here: failed: 251.jpg in folder in" {
		t.Errorf("the subject of one is %q", subject)
	}
}

// TestGathersOnce has the feed break off while a mail is gathered: what comes again counts once.
func TestGathersOnce(t *testing.T) {
	s := newMailServer(t)
	taker, err := New(mailTo(s), Deps{Host: "here", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	events := failures(0, 3)
	for i := range events {
		events[i].ID = int64(i + 1)
	}
	for _, given := range []struct {
		events     []follow.Event
		more, done bool
	}{{events[:2], true, false}, {events[:1], true, false}, {events[1:], false, true}} {
		if done, err := taker.Take(t.Context(), given.events, given.more); done != given.done || err != nil {
			t.Fatal(done, err)
		}
	}
	if len(s.received()) != 1 || !strings.Contains(s.received()[0], "3 files failed") {
		t.Errorf("the mails are %q", s.received())
	}
}

// TestGathers has events that come in a short time be one mail.
func TestGathers(t *testing.T) {
	s, o := newMailServer(t), newOutbox().begin()
	f := run(t, o, mailTo(s), io.Discard, func(opt *follow.Options) { opt.Gather = time.Hour })
	eventually(t, "the follower", func() bool { o.mu.Lock(); defer o.mu.Unlock(); return len(o.told) == 1 })
	o.add(failures(0, 1)...)
	o.add(failures(1, 1)...)
	if n := len(s.received()); n != 0 {
		t.Errorf("%d mails were sent at once", n)
	}
	f.stop(t) // ends the hour
	if n := len(s.received()); n != 1 {
		t.Errorf("%d mails were sent", n)
	}
}

// TestMailIsRefused has the server be busy, then refuse a recipient for good.
func TestMailIsRefused(t *testing.T) {
	s, o, log := newMailServer(t), newOutbox().begin(), &syncBuffer{}
	s.set(func() { s.refuse["DATA"] = "451 come back" })
	f := run(t, o, mailTo(s), log)
	o.add(failures(0, 120)...)
	eventually(t, "a refusal", func() bool { return strings.Contains(log.String(), "come back") })
	o.add(failures(120, 1)...)
	s.set(func() { delete(s.refuse, "DATA"); s.refuse["zoe@"] = "550 no such user" })
	eventually(t, "a mail", func() bool { return len(s.received()) > 0 })
	f.stop(t)
	total := 0
	for _, raw := range s.received() { // the last event may have come while the first mail was under way
		subject, _, _ := readMail(t, raw)
		var n int
		if _, err := fmt.Sscanf(subject, "ingestd on here: %d files failed", &n); err != nil {
			n = 1 // of one its name is told
		}
		total += n
	}
	if total != 121 {
		t.Errorf("the mails tell of %d files", total)
	}
	if n := strings.Count(log.String(), "events are not taken"); n != 1 {
		t.Errorf("one outage was said %d times", n)
	}
	if !strings.Contains(log.String(), "no such user") {
		t.Errorf("the log says %s", log)
	}

	s.set(func() { s.refuse["RCPT"] = "550 nobody here" })
	_, err := (&mailer{receiver: mailTo(s), words: must(parse(mailTo(s)))}).Take(t.Context(), failures(0, 1), false)
	if l, ok := err.(*follow.Later); !ok || l.After < time.Minute {
		t.Errorf("a refusal for good is %v", err)
	}
}

func must(w words, err error) words {
	if err != nil {
		panic(err)
	}
	return w
}

// TestMailIsInert has names that would be headers, lines or the end of the mail.
func TestMailIsInert(t *testing.T) {
	s, o := newMailServer(t), newOutbox().begin()
	e := failures(0, 1)[0]
	e.Path = "a\r\nBcc: evil@example.com\r\n\r\n.\r\nQUIT\r\n\u202egpj.ö"
	o.add(e)
	f := run(t, o, mailTo(s), io.Discard)
	f.stop(t)
	subject, text, h := readMail(t, s.received()[0])
	if h.Get("Bcc") != "" || strings.ContainsAny(subject, "\r\n") || len(s.rcpts) != 2 {
		t.Errorf("it has the headers %v", h)
	}
	if !strings.Contains(text, `a\r\nBcc: evil@example.com\r\n\r\n.\r\nQUIT\r\n\u202egpj.ö`) || !strings.Contains(text, "`ingestd status` lists") {
		t.Errorf("the text is\n%s", text)
	}
}

// TestLogin has a server that wants one, by each of the two ways.
func TestLogin(t *testing.T) {
	for offered, want := range map[string]string{"PLAIN LOGIN": "PLAIN AGtpbQBwdw==", "LOGIN XOAUTH2": "LOGIN kim pw"} {
		s := newMailServer(t)
		s.auth = offered
		r := mailTo(s)
		r.Username, r.Password = "kim", "pw"
		if err := Try(t.Context(), r, "here", time.Now()); err != nil {
			t.Fatal(err)
		}
		if len(s.logins) != 1 || s.logins[0] != want {
			t.Errorf("%s: the logins are %q", offered, s.logins)
		}
	}
}

// TestServerWithoutEnd talks to a server whose answer does not end.
func TestServerWithoutEnd(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	said := make(chan int, 1)
	go func() {
		n := 0
		defer func() { said <- n }()
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for {
			more, err := io.WriteString(c, "220-"+strings.Repeat("x", 4096)+"\r\n")
			if n += more; err != nil || n > 1<<30 {
				return
			}
		}
	}()
	err = Try(t.Context(), Receiver{SMTP: l.Addr().String(), From: "a@example.com", To: []string{"b@example.com"}}, "here", time.Now())
	if err == nil || !strings.Contains(err.Error(), "says more than 256 KiB") || len(err.Error()) > 1000 {
		t.Errorf("the error is %.300v", err)
	}
	if n := <-said; n > 100<<20 { // what the kernel's buffers take is not held by us
		t.Errorf("%d bytes of it were taken", n)
	}
}

// TestNothingInTheClear has a server of another machine that has no TLS, or a wrong
// certificate.
func TestNothingInTheClear(t *testing.T) {
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	defer certified.Close()
	connectTo := func(addr string) (net.Conn, error) { return dial(t.Context(), addr, "mail.example.org", true) }
	dial := func(s *mailServer) *smtp.Client {
		c, err := smtp.Dial(s.addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Hello("here"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	s := newMailServer(t)
	s.auth = "LOGIN"
	if err := encrypt(dial(s), "mail.example.com", false); err == nil || !strings.Contains(err.Error(), "insecure: true") {
		t.Errorf("without TLS: %v", err)
	}
	if err := encrypt(dial(s), "mail.example.com", true); err != nil {
		t.Errorf("where that is allowed: %v", err)
	}
	if err := login(dial(s), Receiver{Username: "kim", Password: "pw"}, "mail.example.com"); err == nil || len(s.logins) > 0 {
		t.Errorf("a password was sent in the clear: %v, %q", err, s.logins)
	}
	s.tls = certified.TLS
	if err := encrypt(dial(s), "mail.example.org", true); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("with a foreign certificate: %v", err)
	}
	if _, err := connectTo(certified.Listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("with a foreign certificate from the beginning: %v", err)
	}
}
