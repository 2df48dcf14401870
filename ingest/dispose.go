package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// action is what happens after a step failed.
type action int

const (
	moveOn action = iota // to verdict.to, through cancelling where an upload is open
	leave                // nothing: the process is ending, or somebody else moved the entry
	retry                // the same status again, later
	pause                // everyone's trouble: the whole pool waits
	stop                 // the journal broke: nothing may be done any more
)

// verdict is the answer to an error.
type verdict struct {
	do     action
	to     journal.Status // with moveOn
	after  time.Duration  // with retry and pause, where the server named a time
	count  bool           // counts against the file's attempts
	expiry bool           // counts as an expired upload
	reason journal.Reason

	// shared names the circuit whose trouble it may be, see outage.Circuits; the verdict holds
	// if it is the file's own. With waits it is tried again even then, without a count,
	// until last, if there is one, ends that. dead says that its URL will do no more.
	shared string
	waits  bool
	last   journal.Status
	dead   bool
}

// limits are the settings that dispose needs.
type limits struct {
	attempts int // a file's own failures before it fails
	expiries int // expired uploads before it is held

	unmade bool // a create that failed made nothing, for certain

	waits bool // a file that may not be read is waited for; a backfill goes on without it
}

// completeAttempts is how often a completion may be refused, each time after
// another upload of the whole file.
const completeAttempts = 2

// maxExpiries is how often a file's URLs may die before it is held.
const maxExpiries = 5

// dispose answers every error that a step can meet. It is pure. Whether trouble
// with Tenovos is everyone's is asked of Tenovos afterwards, in answer.
func dispose(e journal.Entry, err error, l limits) verdict {
	if rest, ok := errors.AsType[*stage.RestError](err); ok {
		return verdict{to: rest.To, reason: rest.Reason}
	}
	if wait, ok := errors.AsType[*stage.WaitError](err); ok {
		return verdict{do: retry, after: wait.After, reason: wait.Reason}
	}
	return bound(e, err, judge(e, err, l), l)
}

// bound keeps a verdict within what the status knows. Where an asset or its
// content may be in place that nobody has seen, no error is a reason to create,
// cancel or send anything again.
func bound(e journal.Entry, err error, v verdict, l limits) verdict {
	certain := l.unmade
	_, look := errors.AsType[*stage.LookError](err)
	if errors.Is(err, tenovos.ErrSession) {
		v.count, v.to = false, "" // no file's doing
		if v.do == moveOn {
			v.do = retry
		}
	}
	if v.do == leave || v.do == stop || v.to == "" {
		return v
	}
	switch {
	case e.Status == journal.Creating && !certain && e.Failures+1 >= l.attempts:
		v.to, v.reason.Class, v.reason.Hint = journal.Failed, reasons.ClassAmbiguous, reasons.NoReply.Hint // the doubt stays open as a chore
	case e.Status == journal.Creating && !certain, e.Status == journal.Completing && look:
		v.to, v.count = "", true // it is looked into again
		if v.do == moveOn {
			v.do = retry
		}
	case e.Status == journal.Verifying:
		v.to, v.reason.Class = journal.Held, journal.ClassUnverified
		v.reason.Message = "uploaded, unverified: " + v.reason.Message
		v.reason.Hint = "The content was handed over. `ingestd retry ID` looks again; nothing is uploaded twice."
	}
	return v
}

// judge is dispose without the bounds of the status.
func judge(e journal.Entry, err error, l limits) verdict {
	var broken *journalError
	var later *dropfolder.LaterError
	_, api := errors.AsType[*tenovos.Error](err) // may wrap the same network errors as the store's
	switch {
	case errors.Is(err, journal.ErrMoved), errors.Is(err, journal.ErrUnknown):
		return verdict{do: leave}
	case errors.Is(err, context.Canceled), errors.Is(err, uploader.ErrStopped):
		return verdict{do: leave}
	case errors.As(err, &broken), errors.Is(err, journal.ErrJournal):
		return verdict{do: stop}

	case errors.As(err, &later):
		return verdict{do: retry, after: later.After, reason: reasons.Of(reasons.ClassWaiting, err, "")}

	// the source
	case isGone(err):
		return verdict{to: afterChange(e), reason: reasons.Gone}
	case errors.Is(err, uploader.ErrSourceChanged):
		return verdict{to: afterChange(e), reason: reasons.Changed}
	case errors.Is(err, file.ErrLocked):
		return verdict{do: retry, after: lockedWait(e.Tries), reason: reasons.Locked(err)}
	case errors.Is(err, file.ErrClaimed):
		return verdict{do: retry, after: mounts.Wait, reason: reasons.Of(reasons.ClassNoFolder, err, "Stop the other ingestd, or take the folder out of the configuration of one of them. Its files wait until then.")}
	case mounts.IsGone(err):
		return verdict{do: retry, after: mounts.Wait, reason: reasons.Of(reasons.ClassNoFolder, err,
			"Mount the drop folder, make it again, or look why its server does not answer. Its files wait until then.")}
	case errors.Is(err, fs.ErrPermission) && !errors.Is(err, uploader.ErrUnreachable):
		return denied(e, err, l)
	case errors.Is(err, uploader.ErrNotRegular):
		return verdict{to: journal.Failed, reason: reasons.Of(reasons.ClassUnreadable, err, "Put a file in its place: it goes in by itself.")}
	case isFileSystemError(err):
		return counted(e, err, l, reasons.ClassUnreadable, "The file could not be read. Look at the disk or the share it lies on.")

	// the content store
	case errors.Is(err, uploader.ErrIntermediary):
		return foreign(e, err, l, retry, outage.ContentStore, "Look at the proxy or firewall on the way to the content store: it must let PUT requests through whole. What is refused waits, and goes on by itself.")
	case errors.Is(err, uploader.ErrRedirected):
		return foreign(e, err, l, retry, outage.ContentStore,
			"A presigned URL is good for its own host alone. If the host is the content store's, ask Tenovos support for the right region of the bucket; if not, a proxy or a login page answered in the store's place.")
	case isEarly(err):
		v := verdict{to: journal.Mapped, expiry: true, shared: outage.ContentStore, dead: true, reason: reasons.Of(reasons.ClassExpired, err,
			"The URL was dead when it was handed out: some clock is wrong. Set this host's (NTP); if it is right, show Tenovos support the times.")}
		if e.Expiries+1 >= l.expiries && !l.waits {
			v.to = journal.Held
		}
		return v
	case errors.Is(err, uploader.ErrURLExpired) && (e.Reason.Class == reasons.ClassLocked || e.Reason.Class == reasons.ClassHeldUp || e.Reason.Class == reasons.ClassIntermediary):
		// it died while the file waited for somebody else
		return verdict{to: journal.Mapped, reason: reasons.Of(reasons.ClassExpired, err, "")}
	case errors.Is(err, uploader.ErrURLExpired):
		if e.Expiries+1 >= l.expiries {
			return verdict{to: journal.Held, expiry: true, reason: reasons.Expiries(e, err, l.expiries)}
		}
		return verdict{to: journal.Mapped, expiry: true, reason: reasons.Of(reasons.ClassExpired, err, "")}
	case errors.Is(err, uploader.ErrClockSkew):
		v := foreign(e, err, l, retry, outage.ContentStore, "Set this host's clock (NTP). The file goes on by itself when the clocks agree.")
		v.reason.Class, v.dead = reasons.ClassSkew, true
		return v
	case errors.Is(err, uploader.ErrChecksum):
		if e.Reason.Class == reasons.ClassChecksum {
			return verdict{to: journal.Failed, count: true, reason: reasons.Of(reasons.ClassChecksum, err,
				"What the store received twice was not what the disk holds: look for faulty memory, disk or network gear, then run `ingestd retry ID`.")}
		}
		return verdict{do: retry, count: true, reason: reasons.Of(reasons.ClassChecksum, err, "")}
	case errors.Is(err, uploader.ErrForeignHost):
		return verdict{to: journal.Held, reason: reasons.Foreign(err)}
	case errors.Is(err, uploader.ErrNoSuchUpload):
		return newAttempt(e, err, l, reasons.ClassStore, "The store forgot the upload again and again. Ask Tenovos support what aborts uploads.")
	case !api && isStoreRefusal(err):
		v := newAttempt(e, err, l, reasons.ClassStore, "The content store refuses this file's upload. Show the code to Tenovos support.")
		v.shared, v.dead = outage.ContentStore, isMisSigned(err)
		return v
	case !api && isStoreTrouble(err):
		v := counted(e, err, l, reasons.ClassNetwork, "The content store did not take the file. Look at network, proxy and firewall between this host and the store.")
		v.shared = outage.ContentStore
		return v

	// the API
	case errors.Is(err, tenovos.ErrIntermediary) && !errors.Is(err, tenovos.ErrAmbiguous) && (l.waits || !looks(e, err)):
		return foreign(e, err, l, pause, outage.Call(e.Status), "Look at the proxy or firewall on the way to Tenovos. What is refused waits, and goes on by itself.")
	case e.Status == journal.Creating && mayNot(err, l):
		return verdict{do: pause, to: journal.Mapped, shared: sharedCreate, waits: true, last: journal.Failed, reason: reasons.Of(reasons.ClassForbidden, err,
			"Tenovos refuses the asset without naming a fault of it: look at the account's rights (Upload; the rule's metadata and security templates), then run `ingestd retry ID`.")}
	case isSought(e, err):
		v := verdict{do: retry, shared: outage.Call(e.Status), waits: true, reason: reasons.Of(reasons.ClassRejected, err,
			"Tenovos refuses to tell what the account holds, and nothing is created before that is known. Show the message to Tenovos support. The file goes on by itself.")}
		if !l.waits {
			v.last = journal.Held
		}
		return v
	case errors.Is(err, tenovos.ErrThrottled):
		v := verdict{do: pause, after: max(outage.RetryAfter(err), outage.FirstProbe), reason: reasons.Of(reasons.ClassThrottled, err, "")}
		if e.Status == journal.Creating {
			v.to = journal.Mapped // it was not performed
		}
		return v
	case errors.Is(err, tenovos.ErrCredentials), errors.Is(err, tenovos.ErrUnauthorized), errors.Is(err, tenovos.ErrUnavailable):
		v := counted(e, err, l, reasons.ClassUnavailable, "Tenovos answers other calls but not this one. Try `ingestd retry ID` later, then ask Tenovos support.")
		if e.Status == journal.Creating && v.to == "" {
			v.to = journal.Mapped // it was not performed
		}
		v.do = pause
		return v
	case errors.Is(err, tenovos.ErrAmbiguous):
		// The intent stays: creating and completing are looked into before they are
		// repeated, and a cancel may simply be repeated.
		v := verdict{do: pause, count: true, reason: reasons.Of(reasons.ClassAmbiguous, err, "")}
		if errors.Is(err, tenovos.ErrIntermediary) || e.Status == journal.Creating && !looks(e, err) {
			v.shared = outage.Call(e.Status)
		}
		return v
	case errors.Is(err, tenovos.ErrNotFound), errors.Is(err, tenovos.ErrRejected), errors.Is(err, tenovos.ErrNoSuchUpload):
		switch e.Status {
		case journal.Completing:
			l.attempts = min(l.attempts, completeAttempts) // each costs the whole file
			return newAttempt(e, err, l, reasons.ClassRejected, "Tenovos refuses to complete the upload. Show the message to Tenovos support.")
		case journal.Cancelling:
			return verdict{do: retry, reason: reasons.Of(reasons.ClassRejected, err, "")}
		}
		return verdict{to: journal.Failed, reason: reasons.Of(reasons.ClassRejected, err,
			"Tenovos refuses the asset: correct the rule, or the account's rights, then run `ingestd retry ID`.")}
	}
	return counted(e, err, l, reasons.ClassInternal, "An unexpected error. Please report it with the log lines of this file.")
}

// denied is the verdict on a file that we may not read. Many programs give a file its
// rights only after its content, so it is waited for, with growing waits, until its
// attempts are spent. It goes round again when its mode or owner changes, which is
// news to the watcher, and at the next start, which may bring us another group.
func denied(e journal.Entry, err error, l limits) verdict {
	who := "the daemon's user"
	if d, ok := errors.AsType[*shelf.DeniedError](err); ok {
		who = "the user " + d.User
	}
	hint := fmt.Sprintf("Let %s read it (chmod, chgrp or setfacl), or give the service the group that may (SupplementaryGroups=). "+
		"It stays where it is, and goes in by itself when its mode, owner or ACL changes and when ingestd starts; `ingestd retry ID` tries at once.", who)
	if !l.waits {
		return verdict{to: journal.Failed, reason: reasons.Of(reasons.ClassUnreadable, err, hint)}
	}
	return counted(e, err, l, reasons.ClassUnreadable, hint)
}

// foreign is the answer to a refusal that is neither the store's nor the API's own. It
// is no file's doing; a backfill, which is to end, goes on without the file at last.
func foreign(e journal.Entry, err error, l limits, do action, circuit, hint string) verdict {
	v := verdict{do: do, shared: circuit, waits: true, reason: reasons.Of(reasons.ClassIntermediary, err, hint)}
	switch {
	case l.waits, e.Status == journal.Cancelling, e.Status == journal.Verified:
	case e.Status == journal.Creating:
		v.last = journal.Failed
	default:
		v.last = journal.Held
	}
	return v
}

// looks reports an error of a look at what may be in place: a backfill, which is to
// end, gives that up within the bounds of the status.
func looks(e journal.Entry, err error) bool {
	_, look := errors.AsType[*stage.LookError](err)
	return look || e.Status == journal.Verifying
}

// isEarly reports a URL that the store called dead while it was young.
func isEarly(err error) bool {
	dead, ok := errors.AsType[*uploader.ExpiredError](err)
	return ok && dead.Early()
}

// mayNot reports a create that was certainly refused, and may be for want of a right.
func mayNot(err error, l limits) bool {
	return l.unmade && !errors.Is(err, tenovos.ErrSession) && (errors.Is(err, tenovos.ErrForbidden) || errors.Is(err, tenovos.ErrUnauthorized))
}

// isSought reports that such a look was refused.
func isSought(e journal.Entry, err error) bool {
	_, look := errors.AsType[*stage.HoldingsError](err)
	return look && (e.Status == journal.Settled || e.Status == journal.Mapped) && !errors.Is(err, tenovos.ErrSession) &&
		(errors.Is(err, tenovos.ErrRejected) || errors.Is(err, tenovos.ErrNotFound))
}

// lockedWait is the wait before the n-th look at a file that another program has
// locked: nothing tells when that releases it.
func lockedWait(n int) time.Duration { return min(time.Second<<min(n, 5), 30*time.Second) }

// counted is a retry until the file's attempts are spent.
func counted(e journal.Entry, err error, l limits, class, hint string) verdict {
	if e.Failures+1 >= l.attempts && e.Status != journal.Cancelling {
		return verdict{to: journal.Failed, count: true, reason: reasons.Of(class, err, hint)}
	}
	return verdict{do: retry, count: e.Status != journal.Cancelling, reason: reasons.Of(class, err, hint)}
}

// newAttempt cancels the upload and starts over until the attempts are spent.
func newAttempt(e journal.Entry, err error, l limits, class, hint string) verdict {
	v := counted(e, err, l, class, hint)
	if v.do == retry {
		v.do, v.to = moveOn, journal.Mapped
	}
	return v
}

// afterChange is where an entry goes whose file is not what was recorded: back to
// settled, where a newer generation or the new hint carries on.
func afterChange(e journal.Entry) journal.Status {
	if e.Status == journal.Settled {
		return journal.Superseded
	}
	return journal.Settled
}

// isFileSystemError reports an error of reading the source.
func isFileSystemError(err error) bool {
	var pe *fs.PathError
	return errors.As(err, &pe)
}

// isStoreRefusal reports an answer of the store that a repetition will not change.
func isStoreRefusal(err error) bool {
	var se *uploader.StoreError
	return errors.As(err, &se) && se.Status >= 400 && se.Status < 500 && se.Status != 408 && se.Status != 429
}

// isMisSigned reports a refusal of the URL itself: only another one may be better.
func isMisSigned(err error) bool {
	se, ok := errors.AsType[*uploader.StoreError](err)
	return ok && (se.Code == "SignatureDoesNotMatch" || se.Code == "InvalidAccessKeyId")
}

// isStoreTrouble reports trouble on the way to the store, or inside it.
func isStoreTrouble(err error) bool {
	var se *uploader.StoreError
	return errors.As(err, &se) || errors.Is(err, uploader.ErrUnreachable) || errors.Is(err, uploader.ErrStalled) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ECONNRESET)
}
