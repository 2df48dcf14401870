// Package file is what the file system says of files, where it takes more than one
// call of package os to know: on shares and other file systems whose files are also
// changed elsewhere, by another clock.
package file
