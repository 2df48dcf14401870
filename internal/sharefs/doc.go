// Package sharefs is for tests: a file system in memory, mounted by FUSE, that
// behaves as shares do and no local disk does. Its server's clock is not ours, its
// files change without a call that this kernel sees, other clients lock them, their
// inode numbers change, the case of a name does not count, and modes cannot be set;
// each at the test's word. Where nothing can be mounted the test is skipped.
package sharefs
