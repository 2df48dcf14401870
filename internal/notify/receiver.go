package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/follow"
	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// What there is to be told of, as `on` names it.
const (
	Failed   = "failed"
	Held     = "held"
	DropDone = "drop_done"
	Paused   = "paused"
	Resumed  = "resumed"
)

// Test is the event by which an operator tries a receiver.
const Test = "test"

// Events are all that there is to be told of.
func Events() []string { return []string{Failed, Held, DropDone, Paused, Resumed} }

// Receiver is one that is told: a webhook if it has a URL, else a mail.
type Receiver struct {
	On []string // what it is told of
	// Subject and Body are templates; "" is the usual words. Only a mail has a subject.
	Subject, Body string

	URL         secret.Text // its path and query may hold a token
	Secret      secret.Text // signs what is sent; "" is no signature
	ContentType string      // of what Body makes; "" is JSON

	SMTP     string // host:port
	From     string
	To       []string
	Username string // "" logs in nowhere
	Password secret.Text
	Plain    bool          // also where the server has no TLS
	Digest   time.Duration // how long the first event waits for others to be one mail with
}

// IsMail reports that the receiver gets mail.
func (r Receiver) IsMail() bool { return r.URL == "" }

// Title says who it is, with nothing of a URL but scheme and host.
func (r Receiver) Title() string {
	if r.IsMail() {
		return "mail to " + strings.Join(r.To, ", ") + " by " + r.SMTP
	}
	return "webhook " + Place(r.URL)
}

// Place is what may be told of a secret URL: its scheme and host.
func Place(u secret.Text) string {
	parsed, err := url.Parse(u.Reveal())
	if err != nil || parsed.Host == "" {
		return secret.Redacted
	}
	return parsed.Scheme + "://" + parsed.Host
}

// Name tells it from others, the same for as long as it is where it is. Nobody can find its
// URL by it.
func (r Receiver) Name() string {
	text, kind := r.URL.Reveal(), "webhook"
	if r.IsMail() {
		text, kind = strings.Join(append([]string{r.SMTP, r.From}, r.To...), "\n"), "mail"
	}
	sum := sha256.Sum256([]byte(text))
	return kind + ":" + hex.EncodeToString(sum[:4])
}

// Deps are what a receiver's taker works with.
type Deps struct {
	// Again reports that an event says of an entry what was said last: that it came back to
	// the rest it had left, for the same reason.
	Again func(ctx context.Context, e follow.Event) (bool, error)
	Host  string // of this machine, for mails
	Log   zerolog.Logger
}

// New returns what takes events for a receiver.
func New(r Receiver, d Deps) (follow.Taker, error) {
	words, err := parse(r)
	if err != nil {
		return nil, err
	}
	c := common{on: r.On, again: d.Again}
	if r.IsMail() {
		return &mailer{common: c, receiver: r, words: words, host: d.Host, log: d.Log}, nil
	}
	return newWebhook(r, c, words, d.Log), nil
}

// common is what webhooks and mails have in common.
type common struct {
	on    []string
	again func(ctx context.Context, e follow.Event) (bool, error)
}

// Wants implements follow.Taker.
func (c common) Wants(ctx context.Context, e follow.Event) (bool, error) {
	if !slices.Contains(c.on, kindOf(e)) {
		return false, nil
	}
	if kindOf(e) != Held || c.again == nil {
		return true, nil
	}
	again, err := c.again(ctx, e)
	return !again, err
}

// kindOf is how `on` names an event; "" for what nobody is told of.
func kindOf(e follow.Event) string {
	switch {
	case e.Kind != "":
		return e.Kind
	case e.Status == Failed || e.Status == Held:
		return e.Status
	}
	return ""
}

// Try tells a receiver of an event of no meaning, once.
func Try(ctx context.Context, r Receiver, host string, now time.Time) error {
	r.On = []string{Test}
	taker, err := New(r, Deps{Host: host, Log: zerolog.Nop()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = taker.Take(ctx, []follow.Event{{ID: 0, Time: now, Kind: Test, Reason: "`ingestd notify --test` was run on " + host}}, false)
	return err
}

// AtOnce is how many events a receiver's taker takes at once; 0 is as many as there are.
func AtOnce(r Receiver) int {
	if r.IsMail() {
		return 0
	}
	return 1
}
