package telling

import (
	"fmt"
	"path"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/notes"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Words are what the notes of a folder say besides what the journal knows.
type Words struct {
	Folder  string // its name
	Contact string // who to ask, in the operator's words; "" where nobody is named
	Limit   int64  // bytes; a larger file is not taken
}

// edition goes up when the words change, so that notes which lie about are written anew.
const edition = 1

// sum is what tells these words from others.
func (w Words) sum() string { return fmt.Sprintf("%d %d %s", edition, w.Limit, w.Contact) }

// saying is what is said for one class of reasons, in sentences.
type saying struct {
	what []string // happened
	do   []string // each is one way to help it, of the person who dropped the file; none: there is none
	keep bool     // the file must stay: it may be the only good copy
	asks bool     // what can be done does not have the file go on by itself
}

// Note is the note on the file of an entry that is held or has failed.
func (w Words) Note(e journal.Entry) (notes.Kind, string) {
	kind := notes.Held
	if e.Status == journal.Failed {
		kind = notes.Failed
	}
	s := w.saying(e)
	var b strings.Builder
	b.WriteString("What happened:\n")
	for _, sentence := range s.what {
		fmt.Fprintf(&b, "  %s\n", display.Text(sentence))
	}
	b.WriteString("\nWhat you can do:\n")
	for _, way := range s.do {
		fmt.Fprintf(&b, "  - %s\n", display.Text(way))
	}
	moved := kind == notes.Failed && e.MovedTo != ""
	switch {
	case len(s.do) == 0 && s.keep:
		b.WriteString("  Nothing by yourself. Please leave the file where it is, and do not delete it: it may be the only good copy.\n")
	case len(s.do) == 0:
		b.WriteString("  Nothing by yourself: it is not your mistake. The person named below can see to it.\n")
	}
	switch back := display.Text(w.home(e.Path)); {
	case moved && len(s.do) > 0:
		fmt.Fprintf(&b, "  - Then put the file back into %s.\n", back)
	case moved && !s.keep:
		fmt.Fprintf(&b, "  To have it tried again later, put the file back into %s.\n", back)
	}
	b.WriteByte('\n')
	switch {
	case len(s.do) > 0 && moved:
		b.WriteString("There it is tried again by itself.\n\n")
	case len(s.do) > 0 && !s.asks:
		b.WriteString("Then the file goes on by itself, and this note disappears.\n\n")
	case !moved:
		b.WriteString("When that is solved, this note disappears.\n\n")
	}
	b.WriteString(w.whoToAsk())
	return kind, notes.Write(kind, display.Text(path.Base(e.Path)), b.String(), e.ID, string(e.Status)+", "+e.Reason.Class)
}

// home is where a file was dropped, for people, who may know the folder by another path.
func (w Words) home(rel string) string {
	if dir := path.Dir(rel); dir != "." {
		return fmt.Sprintf("%q of the folder %q", dir, w.Folder)
	}
	return fmt.Sprintf("the folder %q", w.Folder)
}

func (w Words) whoToAsk() string {
	if w.Contact == "" {
		return "Who to ask: whoever looks after this folder.\n"
	}
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(w.Contact), "\n") {
		if i == 0 {
			b.WriteString("Who to ask: ")
		} else {
			b.WriteString("            ")
		}
		b.WriteString(display.Text(strings.TrimSpace(line)) + "\n")
	}
	return b.String()
}

// nothingToDo are classes of which the person who dropped the file needs to know no more
// than that somebody else has to act.
var nothingToDo = map[string]string{
	reasons.ClassExpired:      "The file could not be sent to Tenovos in the time that is given for it, although it was tried several times.",
	reasons.ClassSkew:         "The file could not be sent to Tenovos, because a clock is wrong.",
	reasons.ClassPlan:         "Tenovos gave no place for the content of the file.",
	reasons.ClassStore:        "Tenovos did not take the content of the file.",
	reasons.ClassNetwork:      "The connection to Tenovos broke off again and again while the file was sent.",
	reasons.ClassThrottled:    "Tenovos was too busy to take the file.",
	reasons.ClassUnavailable:  "Tenovos could not be reached for this file.",
	reasons.ClassAmbiguous:    "Tenovos gave no clear answer when the file was sent.",
	reasons.ClassRejected:     "Tenovos refused the file.",
	reasons.ClassForeign:      "The file was not sent, because it would have gone to a place that is not known.",
	reasons.ClassIntermediary: "Something in the network on the way to Tenovos refused the file.",
	reasons.ClassForbidden:    "Tenovos refused the file: a right is missing that only an administrator can give.",
	reasons.ClassHeldUp:       "Tenovos refused this file and others after it.",
	reasons.ClassInternal:     "Something went wrong with the file that was not foreseen.",
	reasons.ClassNoFolder:     "The folder could not be read for a while.",
	reasons.ClassTwins:        "It is not certain whether an earlier try with this file has reached Tenovos, and it must not end up there twice.",
	reasons.ClassRemoval:      "What an earlier try with this file left in Tenovos could not be cleared away.",
}

// leaveIt are classes in which the content may be in Tenovos, or not: the file is what
// tells, and must stay.
var leaveIt = map[string]string{
	journal.ClassUnverified: "The file was sent to Tenovos, but it is not certain yet that it arrived there whole.",
	reasons.ClassMismatch:   "What Tenovos has is not what this file holds.",
	reasons.ClassChecksum:   "What arrived in Tenovos was not what was sent: it was damaged on the way.",
	journal.ClassFiling:     "The file is in Tenovos, but it could not be moved away from here.",
}

// saying is what is said of an entry. Of a class that is not known here nothing is
// promised.
func (w Words) saying(e journal.Entry) saying {
	if what, ok := nothingToDo[e.Reason.Class]; ok {
		return saying{what: []string{what}}
	}
	if what, ok := leaveIt[e.Reason.Class]; ok {
		return saying{what: []string{what}, keep: true}
	}
	switch e.Reason.Class {
	case reasons.ClassMetadata:
		return ofMetadata(e.Reason)
	case reasons.ClassEmpty:
		return saying{
			what: []string{"The file is empty: there is nothing in it. Most often copying it was interrupted."},
			do:   []string{"Copy the file here once more.", "If you do not need it, delete it."},
		}
	case reasons.ClassTooLarge:
		return saying{
			what: []string{fmt.Sprintf("The file is too large: it has %s, and no more than %s are taken.", humanize.Bytes(uint64(e.Size)), humanize.Bytes(uint64(w.Limit)))},
			do:   []string{"Save a smaller version of it under the same name.", "If it has to be this large, ask the person named below."},
		}
	case reasons.ClassUnreadable:
		return saying{
			what: []string{"The file cannot be opened. Most often it is locked for everybody but the person who made it."},
			do:   []string{"Allow others to read the file.", "If you cannot, copy the file here once more."},
		}
	case reasons.ClassLocked:
		return saying{what: []string{"Another program has locked the file."}, do: []string{"Close the file in every program that has it open."}}
	case reasons.ClassDuplicate:
		return saying{
			what: []string{"Exactly the same content is in Tenovos already" + original(e.Reason.Message) + "."},
			do:   []string{"If one copy is enough, delete this file.", "If it has to be there a second time, ask the person named below."},
			asks: true,
		}
	case reasons.ClassNamesakes:
		return saying{
			what: []string{"Tenovos may have files of this name already, and it is not clear whether this one is a new version of one of them."},
			do:   []string{"If it is a picture, film or document of its own, give it a name that no other has.", "If it is a new version, ask the person named below."},
		}
	case reasons.ClassWithdrawn:
		return saying{
			what: []string{"This file, or the one that it would be a new version of, was taken out of Tenovos on purpose."},
			do:   []string{"If it is not needed any more, delete it here.", "If it has to be in Tenovos, ask the person named below."},
			asks: true,
		}
	}
	return saying{what: []string{"The file could not be brought into Tenovos."}}
}

// original names the file that a duplicate is one of, as its reason tells.
func original(message string) string {
	rest, ok := strings.CutPrefix(message, "duplicate of ")
	name, _, more := strings.Cut(rest, ": the same content")
	if !ok || !more {
		return ""
	}
	return fmt.Sprintf(": it came in as %q", name)
}
