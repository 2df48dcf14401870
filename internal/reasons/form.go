package reasons

import "strings"

// Form is what a message has in common with those that say the same of other files: what
// stands in quotes, and each word with a digit or a slash in it (a number, a name, a path,
// an id) is left out.
func Form(message string) string {
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
			b.WriteByte('#')
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
