// Package reasons words why an entry of the journal waits or rests: a class that
// programs ask for, a message that says what happened, and a hint that says what an
// operator can do about it. The texts are shown to people and stored in the journal, so
// the query of a signed URL never gets into one.
package reasons
