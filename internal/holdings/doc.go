// Package holdings finds in a Tenovos account what it holds already: the assets that have a
// filename, the version that holds a file's content, the asset that a manifest's row
// became, and the empty asset of a create whose reply was lost. It only reads, and decides
// about no entry: what it finds, or cannot see, is returned as a value.
//
// A search reads an index that lags, and may show less than it finds. So what it shows is
// looked up again, and where others may be there too the answer is [ErrInconclusive].
package holdings
