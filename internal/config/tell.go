package config

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// tell reads whether people are told of files that are held, by a note beside them, and who
// to ask. Files that are moved or deleted when they are in leave those behind that are not:
// there a person looks for a word. An archive is not to be littered.
func (l *loader) tell(f map[string]*yaml.Node, d *Folder) {
	d.Tell, d.TellGiven = d.After != "keep", f["tell"] != nil
	l.flag(f["tell"], "tell", &d.Tell)
	if at := f["contact"]; at != nil {
		d.Contact, _ = l.Text(at, "contact")
		d.Contact = strings.TrimSpace(d.Contact)
	}
}

// Afterwards is the folder with another After: what its file says of Tell stays.
func (f Folder) Afterwards(after string) Folder {
	f.After = after
	if !f.TellGiven {
		f.Tell = after != "keep"
	}
	return f
}
