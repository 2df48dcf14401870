package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// mapped is what the pipeline needs to know of what the rules made of a file, or of a
// row without one.
func (a applied) mapped(f config.Folder) dropfolder.Mapped {
	m := dropfolder.Mapped{Asset: a.result.Asset, Fails: a.result.Failed(), Unsure: make(map[string]bool)}
	unsure := make(map[string]bool) // by name
	for _, v := range a.result.Values {
		if restsOnUnread(v, a.known) {
			m.Unsure[v.DefinitionID], unsure[v.Attribute] = true, true
		}
	}
	_, unsure[manifestName] = a.unreadManifest()
	for _, p := range a.problems() {
		m.Problems = append(m.Problems, dropfolder.Problem{Message: p.Attribute + ": " + p.Message, Hint: p.Hint, Unsure: unsure[p.Attribute]})
	}
	for _, kind := range []facts.Kind{facts.KindXMP, facts.KindSidecar} {
		if lost, ok := a.known.Unread[kind]; ok && a.restsOn(kind) {
			m.Missed = append(m.Missed, unreadWords(lost))
		}
	}
	if !a.row {
		m.Damaged = a.damaged()
	}
	if wait := a.waitsFor(f); wait.Kind != "" && !a.known.Companion[wait.Kind] && !a.row {
		m.Wait, m.Waits = wait.For, waitWords[wait.Kind]
	}
	return m
}

// restsOnUnread reports whether a value may be another if what cannot be read could.
func restsOnUnread(v mapping.Explained, known *facts.Collection) bool {
	if known.Gone && v.RestsOnFile() {
		return true
	}
	for kind := range known.Unread {
		if v.RestsOn(kind) {
			return true
		}
	}
	return false
}

// restsOn reports whether a value may come from a kind of companion.
func (a applied) restsOn(kind facts.Kind) bool {
	return slices.ContainsFunc(a.result.Values, func(v mapping.Explained) bool { return v.RestsOn(kind) })
}

func unreadWords(lost facts.Unread) string {
	return metadata.Clean(lost.Path) + " cannot be read: " + lost.Err.Error()
}

// damaged says what is damaged of the metadata in the file, or in its XMP sidecar,
// that a value may come from; "" for nothing. Of many gaps the first are told.
func (a applied) damaged() string {
	if a.known.Gone { // another file: it is looked at again
		return ""
	}
	const most = 3
	_, unread := a.known.Unread[facts.KindXMP]
	fromFile := slices.ContainsFunc(a.result.Values, mapping.Explained.RestsOnFile)
	var sentences []string
	more := 0
	for _, gap := range a.known.Gaps {
		switch gap.Source {
		case "sidecar", "manifest": // see dropfolder.Mapped.Missed, and unreadManifest
			continue
		case "xmp-sidecar":
			if unread || !a.restsOn(facts.KindXMP) {
				continue
			}
		case "file":
			if !slices.ContainsFunc(a.result.Values, restsOnTime) {
				continue
			}
		default:
			if !fromFile {
				continue
			}
		}
		if len(sentences) == most {
			more++
			continue
		}
		sentences = append(sentences, gap.Message)
	}
	if more > 0 {
		sentences = append(sentences, fmt.Sprintf("And %d more like this.", more))
	}
	return strings.Join(sentences, " ")
}

// restsOnTime reports whether a value comes from the file's time, or would if that
// were known.
func restsOnTime(v mapping.Explained) bool {
	isTime := func(source string) bool { return metadata.Key(source) == facts.FileModified }
	return isTime(v.Source) || slices.ContainsFunc(v.Tried, isTime) ||
		slices.ContainsFunc(v.Cells, func(c mapping.Cell) bool { return restsOnTime(c.Explained) })
}

// manifestName stands for the attribute where a whole manifest is at fault.
const manifestName = "manifest"

// unreadManifest is the fault of a manifest that cannot be read, where the file may
// have a row in it that counts.
func (a applied) unreadManifest() (mapping.Fault, bool) {
	lost, ok := a.known.Unread[facts.KindManifest]
	if !ok || !a.row && !a.restsOn(facts.KindManifest) {
		return mapping.Fault{}, false
	}
	return mapping.Fault{Attribute: manifestName, Message: unreadWords(lost), Hint: "Correct the manifest: the file goes round again by itself."}, true
}

// problems are those of the result, and what is wrong with a manifest.
func (a applied) problems() []mapping.Fault {
	var faults []mapping.Fault
	if fault, ok := a.unreadManifest(); ok {
		faults = append(faults, fault) // first, as others may come of it
	}
	faults = append(faults, a.result.Problems...)
	if a.known.Contradiction != nil {
		faults = append(faults, mapping.Fault{
			Attribute: manifestName, Message: a.known.Contradiction.Error(), Hint: "Correct the manifest: the file goes round again by itself.",
		})
	}
	return faults
}

// waitsFor is what a file waits for: its rule's wish goes before the folder's.
func (a applied) waitsFor(f config.Folder) mapping.WaitFor {
	if a.result.WaitFor.Kind != "" {
		return a.result.WaitFor
	}
	return f.WaitFor
}

var waitWords = map[facts.Kind]string{
	facts.KindXMP: "XMP sidecar", facts.KindSidecar: "sidecar", facts.KindManifest: "row in a manifest",
}
