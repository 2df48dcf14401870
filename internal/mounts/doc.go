// Package mounts knows of the file system of each drop folder whether its calls return and
// whether the folder is there. It opens the drop folders beneath which files are worked
// on, and tells trouble of a drop folder from trouble of a file in it.
package mounts
