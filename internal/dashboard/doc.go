// Package dashboard is the status page: what the journal says over HTTP, with buttons for
// what an operator does about it. It reads over the journal's read-only connections; what a
// button asks for goes the way of the commands. Who may see it is not decided here, see
// internal/access.
//
// A state is read for all who ask at the same time (state.go), and put into words (view.go)
// in parts of HTML that templates escape. The same parts are the page as it is loaded, which
// needs no script, and what is sent to pages that stay open (live.go): only parts that
// changed, at most once a second, and nothing is looked at while no page is open. Lists of
// files, searches and histories are pages of their own (files.go), which the script puts in
// place where a list grows. What an answer costs is bounded, whatever the journal holds.
package dashboard
