// Package rules is what the rules of a configuration make of a file: it gathers what can be
// known of the file (package facts), applies the rules of its folder to that (package
// mapping) with the names that the account has, and says the outcome as the pipeline
// understands it ([dropfolder.Mapped]). The daemon, `explain` and `update` ask the same
// [Set], so that there is one answer.
//
// The room writes nothing: it reads files, companions and the account.
//
// # Concurrency
//
// The methods of a [Set] may be called from any goroutine. [Names.Refresh] must have
// succeeded once before anything is mapped, and [Names.Keep] may be called once. A mapping
// in progress goes on with the names that it began with, unless a name in it is unknown.
package rules
