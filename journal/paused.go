package journal

// The classes of what a folder, or everything, can wait for: few, and fixed, so that
// programs may count by them.
const (
	PausedByFolder      = "folder"      // it is not there, or does not answer
	PausedByTenovos     = "tenovos"     // Tenovos cannot be worked with
	PausedByCredentials = "credentials" // it refuses the account
	PausedByThrottling  = "throttled"   // it asked for a rest
	PausedByStore       = "store"       // the content store cannot be worked with
	PausedByCircuit     = "circuit"     // one file after the other is refused
)

// Pauses lists these classes.
func Pauses() []string {
	return []string{PausedByFolder, PausedByTenovos, PausedByCredentials, PausedByThrottling, PausedByStore, PausedByCircuit}
}
