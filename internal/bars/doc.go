// Package bars draws on a terminal what is going on: a bar for the whole, one for each file
// on its way, and above them, untouched, the lines that are written meanwhile. What is drawn
// comes from a Progress, and how it looks is decided by rows, which knows no terminal.
//
// One goroutine draws, while Show's result has not been called. It draws what changed, a few
// times a second while the Progress moves, and else nothing at all. The cursor stays visible
// and on a line of its own, so that a process that is killed leaves no more than the last
// picture behind.
package bars
