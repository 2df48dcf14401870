package bars

import "time"

// View is what there is to show at one moment.
type View struct {
	Text        []string // what is said of the whole, the most important first
	Done, Total int64    // how much of the whole is done; without a Total there is no bar for it
	Files       []File   // on their way; the first are shown where there is no room for all
}

// File is a file on its way.
type File struct {
	Name       string // for people: escaped, if it has to be
	Size, Sent int64  // bytes
}

// Progress is what bars show.
type Progress interface {
	// Look returns what there is to show, and after what time it is to be looked at again:
	// zero is not before something wakes the bars.
	Look() (v View, again time.Duration)
}
