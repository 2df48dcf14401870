// Package contract holds the client of package tenovos and the stand-in of
// package sandbox, which share no types, against the vendor's OpenAPI documents:
// its tests send every request of the client to the sandbox and check it, and
// what comes back, on the way. It has no code of its own.
//
// The documents are checked more strictly than they ask for, since they mark
// next to nothing as required: a field, header or query parameter that an
// operation does not list is a difference too. A difference is an error unless
// it stands in the list of exceptions with its reason, and so is an exception
// that nothing needs any more.
//
// The documents are not part of this project. Where they are not found in
// ../shared/reference beside the repository the tests are skipped.
package contract
