// Package alarms wakes the loops that work beside the dispatcher. Such a loop sleeps until
// a commit of the journal is about its work, until the earliest of what it knows of is
// due, or until somebody rings: an idle daemon asks its journal nothing.
package alarms
