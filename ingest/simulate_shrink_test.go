package ingest_test

import (
	"regexp"
	"slices"
)

// shrink makes a failing plan shorter: it leaves steps away, first many, then single
// ones, and then makes what is left simpler, as long as the history fails in the same
// manner. fails has a plan happen, and returns what was wrong.
func shrink(plan simPlan, wrong []string, fails func(simPlan) []string) (simPlan, []string) {
	manner := mannerOf(wrong)
	try := func(p simPlan) bool {
		got := fails(p)
		if !slices.Contains(mannersOf(got), manner) {
			return false
		}
		plan, wrong = p, got
		return true
	}
	for again := true; again; {
		again = false
		for n := max(len(plan.Steps)/2, 1); n > 0; n /= 2 {
			for i := 0; i+n <= len(plan.Steps); {
				p := simPlan{plan.Setup, slices.Delete(slices.Clone(plan.Steps), i, i+n)}
				if try(p) {
					again = true
				} else {
					i += n
				}
			}
		}
		for _, simpler := range simplerSetups {
			p := simPlan{plan.Setup, plan.Steps}
			if simpler(&p.Setup); p.Setup != plan.Setup && try(p) {
				again = true
			}
		}
		for i := range plan.Steps {
			for _, simpler := range simplerSteps {
				p := simPlan{plan.Setup, slices.Clone(plan.Steps)}
				if simpler(&p.Steps[i]); p.Steps[i] != plan.Steps[i] && try(p) {
					again = true
				}
			}
		}
	}
	return plan, wrong
}

var simplerSetups = []func(*simSetup){
	func(s *simSetup) { s.Workers = 1 },
	func(s *simSetup) { s.After = "" },
	func(s *simSetup) { s.Duplicates = "" },
	func(s *simSetup) { s.Versions = "path" },
	func(s *simSetup) { s.Multipart = false },
	func(s *simSetup) { s.Verify = false },
	func(s *simSetup) { s.Lag = 0 },
	func(s *simSetup) { s.URLLife = 0 },
	func(s *simSetup) { s.Slow = 0 },
	func(s *simSetup) { s.Texts = false },
	func(s *simSetup) { s.Moves = false },
	func(s *simSetup) { s.Along = false },
}

var simplerSteps = []func(*simStep){
	func(s *simStep) { s.Wait = 0 },
	func(s *simStep) {
		if s.Wait > 0 {
			s.Wait = 10_000 // until all is done
		}
	},
	func(s *simStep) { s.Seen = "" },
	func(s *simStep) { s.Keep = false },
	func(s *simStep) {
		if s.Do == "replace" && !s.Keep {
			s.Do = "write"
		}
	},
	func(s *simStep) { s.Times = min(s.Times, 1) },
	func(s *simStep) { s.Down = 0 },
}

// Ids, digests and numbers say nothing of the manner of a failure.
var particulars = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f-]+)?|\d+|\S+\.jpg|: .*`)

func mannerOf(wrong []string) string {
	if len(wrong) == 0 {
		return ""
	}
	return particulars.ReplaceAllString(wrong[0], "")
}

func mannersOf(wrong []string) []string {
	out := make([]string, len(wrong))
	for i := range wrong {
		out[i] = mannerOf(wrong[i:])
	}
	return out
}
