// Package file is how this program meets the files of a drop folder: it opens them
// without leaving a trace, finds them by names that people wrote, and knows what a
// file system's word is worth.
//
// # Without a trace
//
// A read moves a file's access time, and Samba refuses the reconnect of a client
// that was cut off in the middle of an upload if anything of the file moved
// meanwhile, the access time included. So every file in a drop folder is opened
// with O_NOATIME where the kernel allows that: to the owner of the file and to
// CAP_FOWNER. To all others only a file system that is mounted with noatime helps.
//
// # Names
//
// The same name can be written in two ways: macOS decomposes its letters (NFD), most
// others do not (NFC). Names are compared in NFC, while what lies on the disk keeps
// the bytes that it has.
//
// # Shares
//
// What the kernel says of a file on a share may be from memory, by another clock, and
// of a file that another program has locked. KindOf tells such file systems, Look and
// LookOpen ask the server, and ErrLocked is a refusal that passes.
package file
