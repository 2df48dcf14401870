//go:build race

package embedded

// underRace says that the race detector multiplies time and memory.
const underRace = true
