package reasons

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Form is what the reason of a file has in common with those that say the same of other
// files: its own path and name, what stands in quotes, and each word with a digit or a
// slash in it (a number, a path, an id) are left out.
func Form(message, of string) string {
	for _, own := range []string{of, path.Base(of)} {
		if len(own) > 1 && strings.Contains(message, own) {
			message = leaveOut(message, own)
		}
	}
	var b strings.Builder
	b.Grow(len(message))
	for message != "" {
		if end := quoted(message); end > 0 {
			b.WriteString(`"…"`)
			message = message[end:]
			continue
		}
		end := strings.IndexAny(message[1:], " \"") + 1
		if end == 0 {
			end = len(message)
		}
		word := message[:end]
		if lead := strings.TrimLeft(word, " "); strings.ContainsAny(lead, "0123456789/") {
			b.WriteString(word[:len(word)-len(lead)])
			b.WriteString("…")
			if last := lead[len(lead)-1]; strings.IndexByte(",;:.)", last) >= 0 {
				b.WriteByte(last)
			}
		} else {
			b.WriteString(word)
		}
		message = message[end:]
	}
	return b.String()
}

// quoted is the length of the quoted text that a message begins with, or 0.
func quoted(message string) int {
	if message[0] != '"' {
		return 0
	}
	for i := 1; i < len(message); i++ {
		switch message[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// leaveOut leaves a name out of a text, where it is not a part of a longer word.
func leaveOut(text, name string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, name)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		if inWord(last) || inWord(next) {
			b.WriteString(name)
		} else {
			b.WriteString("…")
		}
		text = after
	}
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_' }
