// Package ingest is the only package that knows the order of things. It takes
// settled files from the watcher, records them in the journal, and moves each
// journal entry, one legal move at a time, until it rests:
//
//	Admit      settled files become journal rows; the watcher never waits longer (admit.go)
//	dispatch   runnable rows go to a bounded number of workers (dispatch.go)
//	machine    a worker takes an entry from stage to stage; one place records each move (machine.go)
//	stages     intake.Decide, then intend, create, send, complete, verify, fileAway, cancel: create.go to cancel.go
//	dispose    one exhaustive answer to every error that a stage can meet (dispose.go, answer.go)
//	adopt      what the account holds already (internal/holdings) is taken over, or waited for (adopt.go)
//	compose    the rooms below are put together (compose.go, pipeline.go)
//
// Beside the life of a file the pipeline runs what has a room of its own:
//
//	alarms     a commit, or the earliest due, wakes a loop; none asks in vain (internal/alarms)
//	companions sidecars and manifests: what they tell of is looked at again (internal/companions)
//	batches    files that belong together are created together (internal/batches)
//	filing     files leave their folder, and come back (internal/filing)
//	resting    what rests, and whose file is gone, is superseded (internal/resting)
//	outage     what refuses one file after another is tried by one, and waited for by all (internal/outage)
//	removal    what a delete takes along is brought back: nobody else's version goes (internal/removal)
//	chores     clean-up work that outlives a status, and what a lost reply left in doubt (internal/chores)
//	edits      assets that exist get what the rules say by now (internal/edits)
//	desk       what operators ask for (internal/desk)
//
// An "-ing" status is an intent that is committed before the remote call; a past
// tense is a fact. Whatever process dies in between, the next one reads from the
// journal what may have happened and asks Tenovos before it acts again.
package ingest
