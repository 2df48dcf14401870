package notes

import (
	"strings"
	"testing"
)

func TestNoteIsKnownAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Held, Failed} {
		text := Write(kind, "a (1).jpg", "What happened:\n  It is empty.\n", 12, "empty")
		if !strings.HasPrefix(text, "\ufeff") || strings.Count(text, "\n") != strings.Count(text, "\r\n") {
			t.Errorf("Notepad could not read %q", text)
		}
		if m, ok := Read(text); !ok || m != (Mark{Entry: 12, File: "a (1).jpg", Intact: true}) {
			t.Errorf("%q says %+v, %v", text, m, ok)
		}
		// What an editor does by itself is no change.
		for _, same := range []string{
			strings.TrimPrefix(text, "\ufeff"), strings.ReplaceAll(text, "\r\n", "\n"), strings.TrimRight(text, "\r\n"), text + "\r\n\r\n",
		} {
			if m, ok := Read(same); !ok || !m.Intact {
				t.Errorf("%q says %+v, %v", same, m, ok)
			}
		}
		// What a person does is one, and it stays a note all the same.
		for _, changed := range []string{
			text + "Anna, please help!\r\n", strings.Replace(text, "empty.", "full.", 1), strings.Replace(text, "entry 12", "entry 13", 1),
			strings.Replace(text, "(1)", "(2)", 1), text[:len(text)/2],
		} {
			if m, ok := Read(changed); !ok || m.Intact || !Ours([]byte(changed)) {
				t.Errorf("%q says %+v, %v", changed, m, ok)
			}
		}
	}
}

func TestOtherTextsAreNoNotes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "\ufeff", "held\n", "NOT IN TENOVOS YET", heldTitle + " And more.", " " + heldTitle, "x\n" + heldTitle, strings.ToLower(heldTitle),
		"a.jpg was not ingested.\r\n", "a.jpg was not ingested.\r\nNobody knows.", strings.Repeat("x", 2*MaxSize),
		heldTitle + "\n" + strings.Repeat("x", MaxSize),
	} {
		if _, ok := Read(text); ok {
			t.Errorf("%q is taken for a note", text[:min(len(text), 80)])
		}
	}
	for name, want := range map[string]bool{
		"a.jpg.held.txt": true, "A.JPG.ERROR.TXT": true, "a (2).held.txt": true, ".held.txt": true,
		"a.held": false, "held.txt": false, "a.held.txt.jpg": false, "error.txt": false, "a.txt": false,
	} {
		if Named(name) != want {
			t.Errorf("%s is named as a note: %v", name, !want)
		}
	}
}

// Notes that versions before left beside files that failed are ours, too.
func TestFormerNote(t *testing.T) {
	t.Parallel()
	const former = "large.jpg was not ingested.\r\nWhy: the file has 600 bytes, where 500 are allowed.\r\n" +
		"What helps (for whoever runs ingestd): Raise it.\r\n\r\nTo try again, put the file back into acme of the folder drop; this text can be deleted.\r\n" +
		"If you ask for help, name the number 7 and this time: 2026-11-30 10:00:00 +00:00.\r\n"
	if m, ok := Read(former); !ok || m != (Mark{Entry: 7, File: "large.jpg", Intact: true}) || !Ours([]byte(former)) {
		t.Errorf("it says %+v, %v", m, ok)
	}
	for _, changed := range []string{former + "Anna, please help!\r\n", former[:len(former)-40], strings.Replace(former, "00:00.", "00:00. Call me.", 1)} {
		if m, ok := Read(changed); !ok || m.Intact || !Ours([]byte(changed)) {
			t.Errorf("%q says %+v, %v", changed, m, ok)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(Write(Held, "a.jpg", "It is empty.\n", 1, "empty"))
	f.Add("a.jpg was not ingested.\r\nWhy: x\r\nIf you ask for help, name the number 7 and this time: ")
	f.Fuzz(func(t *testing.T, text string) {
		m, ok := Read(text)
		if ok && !Ours([]byte(text[:min(len(text), Head)])) || !ok && m != (Mark{}) {
			t.Errorf("%q says %+v, %v", text, m, ok)
		}
	})
}
