//go:build !race

package facts

// underRace says that the race detector multiplies time and memory.
const underRace = false
