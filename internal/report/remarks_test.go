package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRemarks(t *testing.T) {
	all := EveryoneWaits + "Tenovos cannot be reached"
	got := Remarks([]Folder{
		{Name: "acme", Paused: all, Unreadable: 1, Unread: "lock\xffed (permission denied)"},
		{Name: "globex", Paused: all, Unreadable: 2, Unread: "a (input/output error)"},
		{Name: "initech", Paused: "it is not mounted"},
		{Name: "hooli", Arriving: 2, Beside: "a/x.aria2", Empty: 1, EmptyFile: "y\n"},
		{Name: "umbrella", Arriving: 1, Beside: "x.part", Empty: 3, EmptyFile: "z"},
	})
	want := []string{
		"everything waits: Tenovos cannot be reached",
		`1 directory or file of acme cannot be read: lock\xffed (permission denied)`,
		"2 directories and files of globex cannot be read: a (input/output error)",
		"folder initech is paused: it is not mounted",
		"folder hooli has 2 files that wait for a transfer under way beside them: a/x.aria2",
		`folder hooli has 1 empty file that waits for its content, some minutes at most: y\n`,
		"folder umbrella has 1 file that waits for a transfer under way beside it: x.part",
		"folder umbrella has 3 empty files that wait for their content, some minutes at most: z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
