// Package mapping decides what a file becomes: compiled rules and what is known
// of the file go in, the asset to create comes out, each of its values with the
// source that gave it.
//
// Rules come to life in two steps. [ParseRules] reads them from YAML and knows
// nothing of an account; [Resolve] turns their names into the ids of one account
// and checks every text that is known beforehand: constants, defaults and the
// right sides of `map`. Both return all mistakes at once, as [Problem] values
// with line and column. What is left to go wrong with a single file is found by
// [Mapper.Map], which is pure and reports it as [Fault] values: such a file is
// not to be created.
//
// A form is worked through in this order: `from` or `format`, `match`, `split`,
// `map`, `case`; the first source with something left over wins, `default` fills
// in when none has. Then the attribute's kind takes over: text, date, or the
// values of a vocabulary.
package mapping
