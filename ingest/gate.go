package ingest

import "cmp"

// gateTurned is told why Tenovos is waited for, and "" when it is not any more.
func (p *Pipeline) gateTurned(paused func(why string)) func(why string) {
	return func(why string) {
		paused(cmp.Or(why, p.circuits.Reason()))
		if why == "" {
			p.stir()
		}
	}
}

// stir has the dispatcher and every loop look: what kept them from their work may be over.
func (p *Pipeline) stir() {
	p.alarms.Ring()
	p.wake()
}
