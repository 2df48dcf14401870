package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/follow"
)

const (
	listed    = 100     // events that a mail names; the rest it counts
	mostOfOne = 100_000 // events that are one mail
)

// mailer gathers events and sends them as one mail.
type mailer struct {
	common
	receiver Receiver
	words    words
	host     string
	log      zerolog.Logger

	first, last follow.Event // of what was gathered
	gathered    Digest
}

// Take implements follow.Taker. All that is there already becomes one mail.
func (m *mailer) Take(ctx context.Context, events []follow.Event, more bool) (bool, error) {
	if len(events) > 0 && events[0].ID <= m.last.ID { // they come again: the feed could not be read to its end
		m.gathered = Digest{}
	}
	for _, e := range events {
		m.add(e)
	}
	if more && m.gathered.Total < mostOfOne {
		return false, nil
	}
	digest, first, last := m.gathered, m.first, m.last
	m.gathered = Digest{} // after an error the same events come again
	if digest.Total == 0 {
		return true, nil
	}
	message, err := m.write(digest, first, last)
	if err != nil {
		return false, err
	}
	refused, err := send(ctx, m.receiver, m.host, message)
	if err != nil {
		err = fmt.Errorf("%s takes no mail: %w", m.receiver.SMTP, err)
		if reply, ok := errors.AsType[*textproto.Error](err); ok && reply.Code >= 500 { // somebody has to act; logins that fail again and again lock accounts
			err = &follow.Later{After: 10 * time.Minute, Err: err}
		}
		return false, err
	}
	if len(refused) > 0 {
		m.log.Error().Str("receiver", m.receiver.Title()).Err(errors.Join(refused...)).Msg("a mail went to the other recipients only")
	}
	return true, nil
}

func (m *mailer) add(e follow.Event) {
	d := &m.gathered
	if d.Total == 0 {
		m.first = e
	}
	m.last = e
	d.Total++
	kind := kindOf(e)
	i := slices.IndexFunc(d.Counts, func(c Count) bool { return c.Event == kind })
	if i < 0 {
		d.Counts, i = append(d.Counts, Count{Event: kind}), len(d.Counts)
	}
	d.Counts[i].N++
	if len(d.Events) < listed {
		d.Events = append(d.Events, printable(messageOf(e)))
	} else {
		d.More++
	}
}

// write makes the mail of a digest. Whoever sends the same events again names it the same.
func (m *mailer) write(d Digest, first, last follow.Event) ([]byte, error) {
	d.Host = m.host
	order := append(Events(), Test)
	slices.SortFunc(d.Counts, func(a, b Count) int { return slices.Index(order, a.Event) - slices.Index(order, b.Event) })
	subject, err := fill(m.words.subject, d)
	if err != nil {
		return nil, err
	}
	body, err := fill(m.words.body, d)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(m.receiver.Name() + first.Key() + last.Key()))
	to := make([]string, len(m.receiver.To))
	for i, address := range m.receiver.To {
		to[i] = header(address)
	}
	var out bytes.Buffer
	for _, h := range [][2]string{
		{"From", header(m.receiver.From)},
		{"To", strings.Join(to, ",\r\n ")},
		{"Subject", mime.QEncoding.Encode("utf-8", shorten(display.Text(strings.TrimSpace(string(subject)))))},
		{"Date", last.Time.Format(time.RFC1123Z)},
		{"Message-ID", fmt.Sprintf("<%s.%s@%s>", last.Key(), hex.EncodeToString(sum[:8]), domainOf(m.receiver.From))},
		{"X-Ingestd-Event", last.Key()},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&out, "%s: %s\r\n", h[0], h[1])
	}
	out.WriteString("\r\n")
	w := quotedprintable.NewWriter(&out)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	return out.Bytes(), w.Close()
}

// shorten cuts a subject that would fill the screen.
func shorten(text string) string {
	const most = 150
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// header is an address as a header has it, with its name encoded.
func header(address string) string {
	a, err := mail.ParseAddress(address)
	if err != nil {
		return address
	}
	return a.String()
}

// domainOf is where an address is.
func domainOf(address string) string {
	_, domain, _ := strings.Cut(bare(address), "@")
	return or(domain, "localhost")
}
