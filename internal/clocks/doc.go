// Package clocks knows two ways in which this host's clock misleads: it may be set while
// the program runs, and it may differ from that of Tenovos.
package clocks
