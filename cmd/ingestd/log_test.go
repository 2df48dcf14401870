package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/config"
)

// A name cannot end a line of the log, and a program that reads it finds the name.
func TestLogOfNames(t *testing.T) {
	for name, shown := range map[string]string{
		"Hügel – “1” ¢.jpg":                                           "Hügel – “1” ¢.jpg",
		"a\u0080\u0085\u009fb\u00a0\u2027\u2028\u2029\u202ac\x7f\n\r": `a\u0080\u0085\u009fb` + "\u00a0\u2027" + `\u2028\u2029` + "\u202a" + `c\u007f\n\r`,
	} {
		var out bytes.Buffer
		log := newLogger(&config.Config{Log: config.Log{Level: "info", Format: "json"}}, &out)
		log.Info().Str("path", name).Msg(name)
		if n := strings.Count(out.String(), `"`+shown+`"`); n != 2 {
			t.Errorf("%q: the log is %q", name, out.String())
		}
		var line struct{ Path, Message string }
		if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Path != name || line.Message != name {
			t.Errorf("%q: read back: %q, %v", name, line, err)
		}

		out.Reset()
		log = newLogger(&config.Config{Log: config.Log{Level: "info", Format: "console"}}, &out)
		log.Info().Str("path", name).Msg("\u2028")
		if strings.ContainsAny(out.String(), "\u0080\u0085\u009f\u2028\u2029") {
			t.Errorf("%q: the console shows %q", name, out.String())
		}
	}
}
