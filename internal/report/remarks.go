package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/display"
)

// EveryoneWaits begins Folder.Paused where the reason to wait is not the folder's own.
const EveryoneWaits = "everything waits: "

// Remarks are what there is to say of the folders beside their numbers: what is
// about all of them once.
func Remarks(folders []Folder) []string {
	var lines []string
	for _, f := range folders {
		if strings.HasPrefix(f.Paused, EveryoneWaits) && !slices.Contains(lines, display.Text(f.Paused)) {
			lines = append(lines, display.Text(f.Paused))
		}
	}
	for _, f := range folders {
		for _, line := range remarks(f) {
			lines = append(lines, fmt.Sprintf("folder %s %s", f.Name, line))
		}
		for _, t := range f.UnmatchedFirst {
			lines = append(lines, fmt.Sprintf("folder %s: %s", f.Name, display.Text(t.Message)))
		}
		if more := f.Unmatched - len(f.UnmatchedFirst); more > 0 {
			lines = append(lines, fmt.Sprintf("folder %s: %d more sidecars and manifests speak of files that are not there", f.Name, more))
		}
		if f.Unreadable > 0 {
			lines = append(lines, fmt.Sprintf("%s of %s cannot be read: %s", directories(f.Unreadable), f.Name, display.Text(f.Unread)))
		}
	}
	return lines
}

// directories counts what cannot be read. A single file that cannot is rare: it
// takes a disk that fails, or a directory that can be listed and not entered.
func directories(n int) string {
	return Counted(n, "1 directory or file", "%d directories and files")
}

// remarks are what there is to say of a folder alone.
func remarks(f Folder) []string {
	var lines []string
	if f.Paused != "" && !strings.HasPrefix(f.Paused, EveryoneWaits) {
		lines = append(lines, "is paused: "+display.Text(f.Paused))
	}
	if f.Hours != "" {
		lines = append(lines, display.Text(f.Hours))
	}
	if f.Polled > 0 {
		lines = append(lines, fmt.Sprintf("polls %d directories with all below them, because the kernel gives no more watches: raise the sysctl fs.inotify.max_user_watches", f.Polled))
	}
	if f.Open > 0 {
		lines = append(lines, fmt.Sprintf("has %d files that a program holds open for writing: they are taken when it closes them", f.Open))
	}
	if f.Arriving > 0 {
		lines = append(lines, Counted(f.Arriving, "has 1 file that waits for a transfer under way beside it: ", "has %d files that wait for a transfer under way beside them: ")+display.Text(f.Beside))
	}
	if f.Empty > 0 {
		lines = append(lines, Counted(f.Empty, "has 1 empty file that waits for its content, some minutes at most: ", "has %d empty files that wait for their content, some minutes at most: ")+display.Text(f.EmptyFile))
	}
	if f.Edits > 0 {
		lines = append(lines, fmt.Sprintf("has %d corrections of metadata that are still to be sent or seen", f.Edits))
	}
	if f.Waiting > 0 {
		lines = append(lines, fmt.Sprintf("has %d files without the sentinel that says they are complete", f.Waiting))
	}
	return lines
}

// Counted is one where n is 1, else many with n put in.
func Counted(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}
