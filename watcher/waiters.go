package watcher

// waiters are the calls of WaitScan that wait for a folder.
type waiters []*waiter

// begins has those wait for a scan who waited for one to begin.
func (w waiters) begins(scan uint64) {
	for _, wt := range w {
		if wt.scan == 0 {
			wt.scan = scan
		}
	}
}

// anew has a scan begin for those, too, who wait for one that is cut short.
func (w waiters) anew() {
	for _, wt := range w {
		wt.scan, wt.left = 0, nil
	}
}

// ends has those wait for the files that are settling who waited for a scan to end.
func (w waiters) ends(scan uint64, settling map[string]*candidate) {
	for _, wt := range w {
		if wt.scan == scan {
			wt.left = make(map[string]struct{}, len(settling))
			for rel := range settling {
				wt.left[rel] = struct{}{}
			}
		}
	}
}

// left has nobody wait for a file that is no longer settling.
func (w waiters) left(rel string) {
	for _, wt := range w {
		delete(wt.left, rel)
	}
}

// settled reports that its scan has ended and its files have settled.
func (wt *waiter) settled() bool { return wt.left != nil && len(wt.left) == 0 }

// answer ends the waiters that which chooses.
func (w *waiters) answer(which func(*waiter) bool, err error) {
	kept := (*w)[:0]
	for _, wt := range *w {
		if which(wt) {
			wt.done <- err
		} else {
			kept = append(kept, wt)
		}
	}
	clear((*w)[len(kept):])
	*w = kept
}
