package reasons

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// Classes of reasons: what kind of trouble an entry rests or waits with.
const (
	ClassTooLarge    = "too-large"
	ClassEmpty       = "empty"
	ClassNoRule      = journal.ClassNoRule
	ClassMetadata    = journal.ClassMetadata
	ClassWaiting     = "waiting"
	ClassGone        = "gone"
	ClassChanged     = "changed"
	ClassUnreadable  = journal.ClassUnreadable
	ClassLocked      = "locked"
	ClassPlan        = "plan"
	ClassExpired     = "expired"
	ClassSkew        = "clock-skew"
	ClassChecksum    = "checksum"
	ClassStore       = "store"
	ClassNetwork     = "network"
	ClassThrottled   = "throttled"
	ClassUnavailable = "unavailable"
	ClassAmbiguous   = "ambiguous"
	ClassRejected    = "rejected"
	ClassMismatch    = journal.ClassMismatch
	ClassUnconfirmed = "unconfirmed"
	ClassNoFolder    = "no-folder"
	ClassTwins       = "twins"
	ClassNamesakes   = "namesakes"
	ClassWithdrawn   = "withdrawn"
	ClassDuplicate   = journal.ClassDuplicate
	ClassAdopted     = "adopted"
	ClassBackup      = "backup"
	ClassRemoval     = "removal"
	ClassCancelled   = "cancelled"
	ClassForeign     = "foreign-url"
	ClassInternal    = "internal"

	ClassIntermediary = "intermediary"
	ClassForbidden    = "forbidden"
	ClassHeldUp       = "held-up" // others were refused, one after the other
)

// RestlessFrom is how often the upload of a file must have been given up, because the
// file changed, for that to be said aloud.
const RestlessFrom = 3

// MaxNamesakes bounds how many assets of a filename are told.
const MaxNamesakes = 10

// The reasons that are the same for every entry.
var (
	NoRule = journal.Reason{
		Class: ClassNoRule, Message: "no rule of the folder matches the file",
		Hint: "Add a rule that matches it, then run `ingestd reload`: it goes round again.",
	}
	NameTaken = journal.Reason{
		Class: ClassWaiting, Message: "it took the name of another file, which may have another name now: it is looked for",
	}
	Gone = journal.Reason{
		Class: ClassGone, Message: "the file vanished before its content was in",
	}
	Changed = journal.Reason{
		Class: ClassChanged, Message: "the file changed before its content was in",
	}
	Sought = journal.Reason{
		Class: ClassWaiting, Message: "the file is not where it was: it is looked for under another name",
	}
	LostCreate = journal.Reason{
		Class: ClassAmbiguous, Message: "the reply to the asset's creation was lost; looking for the asset",
	}
	Adopted = journal.Reason{Class: ClassAdopted, Message: "the account held the asset already"}
	NoReply = journal.Reason{
		Class: ClassAmbiguous, Message: "Tenovos gave no clear answer to the asset's creation, time after time, and no asset came of it",
		Hint: "Tenovos answers other calls: show this file's rule and name to Tenovos support. `ingestd retry ID` tries again.",
	}
	Unconfirmed = journal.Reason{
		Class: ClassUnconfirmed, Message: "the reply to the upload's completion was lost; looking for the content",
	}
	SourceLost = journal.Reason{
		Class: journal.ClassUnverified, Message: "the file changed or vanished after its upload, so its checksum cannot be compared any more",
		Hint: "Compare the asset in Tenovos with your copy of the file by eye.",
	}
	Withdrawn = journal.Reason{
		Class: ClassWithdrawn, Message: "the asset was withdrawn by the operator", Hint: "`ingestd withdraw --undo ID` restores it.",
	}
	ChangedWithdrawn = journal.Reason{
		Class: ClassWithdrawn, Message: "the file changed after its asset was withdrawn",
		Hint: "To make it the next version: `ingestd withdraw --undo ID`, then `ingestd retry ID`. To make it an asset of its own: `ingestd retry --as-new ID`.",
	}
	DroppedWithdrawn = journal.Reason{
		Class: ClassWithdrawn, Message: "the same content was withdrawn before",
		Hint: "To bring that asset back: `ingestd withdraw --undo ID`, and remove the file. To make it an asset of its own: `ingestd retry --as-new ID`.",
	}
	OriginalGone = journal.Reason{
		Class: ClassWithdrawn, Message: "the asset that the file would be a new version of is no longer in Tenovos",
		Hint: "Restore the asset in Tenovos and run `ingestd retry ID` to make the file its next version, or run `ingestd retry --as-new ID` to make it an asset of its own.",
	}
	DeletedMeanwhile = journal.Reason{
		Class: journal.ClassUnverified, Message: "the content was handed over, but the asset has been moved to the recycle bin of Tenovos since",
		Hint: "Restore it there and run `ingestd retry ID` to look again, or leave it held.",
	}
	RowGone = journal.Reason{
		Class: ClassGone, Message: "its row in the manifest vanished, or names no content any more",
	}
	Template = journal.Reason{
		Class: ClassMetadata, Message: "the rules give the asset another metadata template, which Tenovos cannot change in an asset that exists",
		Hint: "Change the template in Tenovos by hand, or withdraw the asset and ingest the file again.",
	}
	Cancelled = journal.Reason{
		Class: ClassCancelled, Message: "cancelled by the operator", Hint: "`ingestd retry ID` ingests it after all.",
	}
)

// Vanished is why an entry is superseded whose file is gone; what it rested for is
// kept, as it may name assets.
func Vanished(f journal.RestingFile) journal.Reason {
	message := "the file is not there any more; it was " + string(f.Status)
	if f.Message != "" {
		message += ": " + f.Message
	}
	return journal.Reason{Class: ClassGone, Message: message}
}

// Restless is why an upload is given up for the n-th time.
func Restless(n int) journal.Reason {
	r := Changed
	if n >= RestlessFrom {
		r.Message = fmt.Sprintf("the file changed while it was uploaded, for the %s time", humanize.Ordinal(n))
		r.Hint = "Raise `settle` for the folder above the time between two changes, or stop the program that rewrites the file until it is in."
	}
	return r
}

// TooLarge is why a file failed that is larger than the limit of the configuration, in bytes.
func TooLarge(size, limit int64) journal.Reason {
	return journal.Reason{
		Class:   ClassTooLarge,
		Message: fmt.Sprintf("the file has %s bytes, where %s are allowed: more than upload.max_file_size", humanize.Comma(size), humanize.Comma(limit)),
		Hint:    "Raise upload.max_file_size if the account takes such files, then run `ingestd reload` and `ingestd retry ID`.",
	}
}

// Backup is why a file is ignored that a program left of original, in the same folder, when
// it saved that.
func Backup(original string) journal.Reason {
	return journal.Reason{
		Class:   ClassBackup,
		Message: "it is the backup copy of " + original + " that a program left when it saved that: no asset is made of it",
		Hint:    "`ingestd retry --as-new ID` makes it an asset of its own.",
	}
}

// BackupWaits is why a file waits that will be the backup copy of original where that is
// written anew.
func BackupWaits(original string) journal.Reason {
	return journal.Reason{Class: ClassWaiting, Message: "it has the name of a backup copy of " + original + ", which may be written anew just now"}
}

// Duplicate is why a file is one whose content is in Tenovos by another entry.
func Duplicate(original journal.Entry) journal.Reason {
	return journal.Reason{
		Class:   ClassDuplicate,
		Message: fmt.Sprintf("duplicate of %s/%s: the same content is in Tenovos already (entry %d, asset %s)", original.Folder, original.Path, original.ID, original.ObjectID),
		Hint:    "Set duplicates: upload for the folder to make an asset of each copy, then run `ingestd reload` and `ingestd retry ID`.",
	}
}

// Waits is why a file waits whose content another entry is bringing in.
func Waits(original journal.Entry) journal.Reason {
	class := ClassDuplicate
	if original.Reason.Class == journal.ClassBatch { // then this one waits for somebody, too
		class = journal.ClassBatch
	}
	return journal.Reason{
		Class:   class,
		Message: fmt.Sprintf("the same content is on its way from %s/%s (entry %d): waiting for that one", original.Folder, original.Path, original.ID),
	}
}

// Namesakes is why a file is held whose filename several assets have, of which found are the
// first MaxNamesakes.
func Namesakes(found []tenovos.Asset) journal.Reason {
	shown := make([]string, len(found))
	for i, a := range found {
		shown[i] = fmt.Sprintf("%s (%s)", a.Filename, a.ObjectID)
	}
	count := strconv.Itoa(len(found))
	if len(found) == MaxNamesakes {
		count += " or more"
	}
	return journal.Reason{
		Class:   ClassNamesakes,
		Message: fmt.Sprintf("%s assets in Tenovos have the file's name, and it can be a version of one only: %s", count, strings.Join(shown, ", ")),
		Hint:    "Delete all but one of them in Tenovos and run `ingestd retry ID`, run `ingestd retry --as-new ID` to make it an asset of its own, or give the file another name.",
	}
}

// Inconclusive is why a file of which a search might show that it is there
// already, or which asset it is a version of, becomes neither.
func Inconclusive(filename string, err error) journal.Reason {
	return journal.Reason{
		Class:   ClassNamesakes,
		Message: fmt.Sprintf("whether Tenovos has an asset named %q already cannot be told, so none is made: %s", filename, Message(err)),
		Hint:    "Look for the name in Tenovos. `ingestd retry ID` searches again, `ingestd retry --as-new ID` makes the file an asset of its own; or give it a name of its own.",
	}
}

// NamesakeWaits is why a file waits whose filename another entry has that comes first.
func NamesakeWaits(first journal.Entry) journal.Reason {
	return journal.Reason{
		Class:   ClassNamesakes,
		Message: fmt.Sprintf("a file of the same name is on its way from %s/%s (entry %d): waiting for that one", first.Folder, first.Path, first.ID),
	}
}

// NamesakeRests is NamesakeWaits where nobody works on that entry's folder.
func NamesakeRests(first journal.Entry) journal.Reason {
	return journal.Reason{
		Class: ClassNamesakes,
		Message: fmt.Sprintf("a file of the same name is on its way from %s/%s (entry %d), and this run does not work on that folder",
			first.Folder, first.Path, first.ID),
		Hint: "Ingest or cancel that one, then run `ingestd retry ID` to make this one a version of its asset, or run `ingestd retry --as-new ID` to make it an asset of its own.",
	}
}

// Mismatch is why an entry is held whose asset has other content, of the MD5 remote.
func Mismatch(e journal.Entry, remote string) journal.Reason {
	return journal.Reason{
		Class:   ClassMismatch,
		Message: fmt.Sprintf("Tenovos holds other bytes (MD5 %s) than the file", remote),
		Hint:    fmt.Sprintf("Keep the file. Look at asset %s in Tenovos; `ingestd retry ID` removes that asset and uploads the file again.", e.ObjectID),
	}
}

// Unverified is why an entry is held whose content Tenovos named no checksum of for as long.
func Unverified(waited time.Duration) journal.Reason {
	return journal.Reason{
		Class:   journal.ClassUnverified,
		Message: fmt.Sprintf("uploaded, unverified: Tenovos has not named the content's checksum within %s", waited),
		Hint:    "The content was handed over and the file is kept. `ingestd retry ID` looks again; nothing is uploaded twice.",
	}
}

// Reading is why a file waits whose content is to be read back.
func Reading(err error) journal.Reason {
	return Of(journal.ClassUnverified, fmt.Errorf("no checksum of the content is named by Tenovos, and it cannot be read back yet: %w", err), "")
}

// Unproven is why an entry is held whose content nothing proves; err is why it cannot be read
// back.
func Unproven(err error) journal.Reason {
	return Of(journal.ClassUnverified,
		fmt.Errorf("uploaded, unverified: the store's ETags prove nothing, Tenovos names no checksum, and the content cannot be read back: %w", err),
		"The content was handed over and the file stays where it is. `ingestd retry ID` looks again; nothing is uploaded twice.")
}

// Damaged is why a file failed whose ETags were not its MD5s, and whose asset shows
// that they were right.
func Damaged(remote string) journal.Reason {
	return journal.Reason{
		Class: ClassChecksum, Message: fmt.Sprintf("what arrived twice was not what the disk holds: the store holds other bytes than were sent (MD5 %s)", remote),
		Hint: "Look for faulty memory, disk or network gear, or a proxy that changes uploads, then run `ingestd retry ID`. The asset is removed.",
	}
}

// Foreign is why an entry is held whose upload URLs lead where no content store is, by err.
func Foreign(err error) journal.Reason {
	return Of(ClassForeign, err, "Somebody between here and Tenovos may want the files, or what this host can reach: check tenovos.url, and show the host to Tenovos support. "+
		"Then run `ingestd retry --held`. Until somebody does, an asset is made every five minutes at most, and removed.")
}

// Expiries is why a file is held whose URLs died n times, err the last of them.
func Expiries(e journal.Entry, err error, n int) journal.Reason {
	r := journal.Reason{Class: ClassExpired, Message: fmt.Sprintf("the upload URLs died %d times before the file was in", n)}
	size := humanize.IBytes(uint64(e.Size))
	dead, ok := errors.AsType[*uploader.ExpiredError](err)
	if !ok {
		r.Message += ", whose " + size + " did not get through while they lived"
		r.Hint = "Raise upload.bandwidth or upload.parts, or lower workers, then run `ingestd retry ID`."
		return r
	}
	r.Message += "; " + secret.Sentence(dead)
	life := dead.Life.Round(time.Second)
	switch {
	case dead.Took == 0:
		r.Hint = fmt.Sprintf("The URLs live %s, and the file's turn came later than that. Lower workers, or ask Tenovos support for a longer life, then run `ingestd retry ID`.", life)
	case dead.Sent == 0 && e.Sent == 0:
		r.Hint = fmt.Sprintf("The URLs live %s, and no byte was on its way in that time. Look at what delays requests to the content store, then run `ingestd retry ID`.", life)
	default:
		rate := float64(e.Size) / max(dead.Life.Seconds(), 1)
		r.Hint = fmt.Sprintf("%s within the %s that the URLs live takes %s/s; %s of it were stored. Raise upload.bandwidth or upload.parts, or lower workers, then run `ingestd retry ID`.",
			size, life, humanize.IBytes(uint64(rate)), humanize.IBytes(uint64(e.Sent)))
	}
	return r
}

// Locked is why a file waits that may be read, but not now.
func Locked(err error) journal.Reason {
	return Of(ClassLocked, err, "Close the program that has the file open; if there is none, look on the file server for a lock that was left behind. It is waited for, and costs no attempt.")
}

// WaitsFor is why a file waits for a companion, which what names, and until when.
func WaitsFor(what string, until time.Time) journal.Reason {
	return journal.Reason{
		Class: ClassWaiting, Message: fmt.Sprintf("it waits for its %s, until %s at the latest", what, until.Format("2006-01-02 15:04:05")),
	}
}

// Twins is why an entry is held of whose create the reply was lost, and which several empty
// assets could have come of.
func Twins(found []tenovos.Asset) journal.Reason {
	return journal.Reason{
		Class:   ClassTwins,
		Message: fmt.Sprintf("the reply to the asset's creation was lost, and %d empty assets could be it: %s", len(found), objectIDs(found)),
		Hint:    "Delete the empty ones in Tenovos, then run `ingestd retry ID`.",
	}
}

// UnsureTwin is why a create whose reply was lost is not repeated.
func UnsureTwin(filename string, err error) journal.Reason {
	return journal.Reason{
		Class:   ClassTwins,
		Message: fmt.Sprintf("the reply to the asset's creation was lost, and whether an empty asset named %q came of it cannot be told: %s", filename, Message(err)),
		Hint:    "Look for an empty asset of the name in Tenovos and delete it, then run `ingestd retry ID`.",
	}
}

// UnseenYet is why a file waits for what Tenovos is to tell of a version.
func UnseenYet(a tenovos.Asset) journal.Reason {
	return journal.Reason{
		Class:   ClassWaiting,
		Message: fmt.Sprintf("asset %s has the file's name and was made lately, and Tenovos does not tell the checksum of its content yet: waiting, for it may be this file's", a.ObjectID),
	}
}

// Unseen is why a file is not made an asset or a version again.
func Unseen(found []tenovos.Asset) journal.Reason {
	return journal.Reason{
		Class:   ClassTwins,
		Message: fmt.Sprintf("%d asset(s) in Tenovos with the file's name may hold its content already, and Tenovos tells no checksum of them: %s", len(found), objectIDs(found)),
		Hint:    "If none of them does, run `ingestd retry --as-new ID`, or without a backfill that adopts `ingestd retry ID`. Else leave it held.",
	}
}

// Alike is why a row of a manifest is neither taken for an asset nor made one.
func Alike(found []tenovos.Asset) journal.Reason {
	return journal.Reason{
		Class:   ClassTwins,
		Message: fmt.Sprintf("the account holds %d asset(s) that could be this row's, and nothing tells which is: %s", len(found), objectIDs(found)),
		Hint: "If none of them is, run `ingestd retry ID`, which makes the asset. Else leave it held, or correct the metadata of the right one in Tenovos, " +
			"stop the daemon, and run `ingestd retry ID` and `ingestd backfill --adopt`.",
	}
}

func objectIDs(assets []tenovos.Asset) string {
	ids := make([]string, len(assets))
	for i, a := range assets {
		ids[i] = a.ObjectID
	}
	return strings.Join(ids, ", ")
}

// ownPort is this machine's end of a connection, in an error of the network. It is another
// one with each try.
var ownPort = regexp.MustCompile(`(\[[0-9a-fA-F:.%a-z]+\]|[0-9.]+):[0-9]+->`)

// Of makes a reason of an error. The journal's text columns are shown to
// people, so the query of a URL never gets there. What is the same trouble with each try is
// the same text: a new reason is an event.
func Of(class string, err error, hint string) journal.Reason {
	return journal.Reason{Class: class, Message: ownPort.ReplaceAllLiteralString(secret.Sentence(err), ""), Hint: hint}
}

// Message is the text of an error as a journal may hold it; "" for nil.
func Message(err error) string {
	if err == nil {
		return ""
	}
	return Of("", err, "").Message
}
