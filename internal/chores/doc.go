// Package chores does clean-up work that outlives the status of its entry: an upload that
// was given up is cancelled, its empty asset removed, the late asset of a create whose reply
// was lost searched for, versions brought back that went along with a removal, and files of
// entries that rest are moved. The journal keeps each chore until it is done or given up.
package chores
