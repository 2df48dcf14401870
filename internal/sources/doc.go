// Package sources finds out what became of the file of an entry that is not as it was when
// it was found: whether it is gone, has another path, may not be read, or changes again and
// again. It decides nothing: whoever asks answers the error that it returns.
package sources
