// Package ingest is the only package that knows the order of things. It takes
// settled files from the watcher, records them in the journal, and moves each
// journal entry, one legal step at a time, until it rests:
//
//	Admit      settled files become journal rows; the watcher never waits longer
//	dispatch   runnable rows go to a bounded number of workers
//	alarms     a commit, or the earliest due, wakes a loop beside them; none asks in vain (internal/alarms)
//	companions sidecars and manifests: what they tell of is looked at again (internal/companions)
//	batches    files that belong together are created together (internal/batches)
//	resting    what rests, and whose file is gone, is superseded (internal/resting)
//	step       one status to the next: map, create, upload, complete, verify, file away
//	dispose    one exhaustive answer to every error a step can meet
//	heldup     what refuses one file after another (internal/outage) is tried by one, and waited for by all
//	adopt      what the account holds already (internal/holdings) is taken over, or waited for
//	recover    what a crash or a lost reply left in doubt is looked at, never guessed
//	cancel     an upload that is given up is cancelled and its empty asset removed
//	removal    what a delete takes along is brought back (internal/removal): nobody else's version goes
//
// An "-ing" status is an intent that is committed before the remote call; a past
// tense is a fact. Whatever process dies in between, the next one reads from the
// journal what may have happened and asks Tenovos before it acts again.
package ingest
