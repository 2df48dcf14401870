// Package desk answers the requests that operators' commands leave in the journal: retry,
// cancel, verify, withdraw and its undoing, update. It decides what a request means for
// each entry of its selection, and says what became of it; what is done to one entry's
// file, upload and asset is done by those who know its life (Core and Files), with the entry in hand.
package desk
