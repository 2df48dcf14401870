package main

import (
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/display"
)

// consoleLog is a log for people, in colours on a terminal: these are written raw, and
// so what comes of names is escaped before. The fields that are text zerolog quotes.
func consoleLog(out io.Writer) io.Writer {
	return zerolog.ConsoleWriter{
		Out: out, TimeFormat: time.TimeOnly, NoColor: !isTerminal(out) || !takesControls(),
		FormatPrepare: func(event map[string]any) error {
			for name, value := range event {
				if _, text := value.(string); !text || name == zerolog.MessageFieldName {
					event[name] = harmless(value)
				}
			}
			return nil
		},
	}
}

// harmless is a value with the texts in it escaped.
func harmless(value any) any {
	switch v := value.(type) {
	case string:
		return display.Text(v)
	case []any:
		for i := range v {
			v[i] = harmless(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = harmless(v[name])
		}
	}
	return value
}
