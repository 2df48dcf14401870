package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"gopkg.in/yaml.v3"
)

func TestNothingPrintsASecret(t *testing.T) {
	const key, signed = "k-3f9a", "https://bucket.example/masters/1/a.jpg?X-Amz-Signature=5f7e#frag"
	v := struct {
		Key  Text
		URL  URL
		Ptr  *Text
		List []URL
	}{Key: key, URL: signed, List: []URL{signed}}
	p := Text(key)
	v.Ptr = &p

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", v)
		fmt.Fprintf(&out, verb+verb+"\n", v.Key, v.URL)
	}
	for _, enc := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		b, err := enc(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	log := zerolog.New(&out)
	log.Info().Interface("v", v).Stringer("key", v.Key).Any("url", v.URL).Msg("")
	for _, bad := range []string{key, fmt.Sprintf("%x", key), "5f7e", "frag"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q was printed:\n%s", bad, out.String())
		}
	}
	if !strings.Contains(out.String(), "bucket.example/masters/1/a.jpg") {
		t.Error("a signed URL should still name its object")
	}
	if v.Key.Reveal() != key || v.URL.Reveal() != signed {
		t.Error("Reveal must return the secret itself")
	}
}

func TestErrorKeepsTheCauseAndDropsTheQuery(t *testing.T) {
	inner := &url.Error{Op: "Put", URL: "https://u:pw@h/x?X-Amz-Signature=5f7e", Err: io.ErrUnexpectedEOF}
	err := Error(fmt.Errorf("part 3: %w", inner))
	if s := err.Error(); strings.Contains(s, "5f7e") || strings.Contains(s, "pw") {
		t.Errorf("the error shows a secret: %s", s)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if plain := errors.New("plain"); Error(plain) != plain {
		t.Error("an error without a URL must stay as it is")
	}
}

func TestSentenceKeepsTheContext(t *testing.T) {
	inner := &url.Error{Op: "Put", URL: "https://h/x?X-Amz-Signature=5f7e", Err: io.ErrUnexpectedEOF}
	got := Sentence(fmt.Errorf("part 3: %w", inner))
	if strings.Contains(got, "5f7e") || !strings.HasPrefix(got, "part 3: ") || !strings.Contains(got, "unexpected EOF") {
		t.Errorf("got %q", got)
	}
	if got := Sentence(io.EOF); got != "EOF" {
		t.Errorf("got %q", got)
	}
}
