// Package mapping decides what a file becomes: compiled rules and what is known
// of the file go in, the asset to create comes out, each of its values with the
// source that gave it.
//
// Rules come to life in two steps. [ParseRules] reads them from YAML and knows
// nothing of an account; [Resolve] turns their names into the ids of one account
// and checks every text that is known beforehand: constants, defaults and the
// right sides of `map`. Both return all mistakes at once, as [yamltree.Problem] values
// with line and column. What is left to go wrong with a single file is found by
// [Mapper.Map], which is pure and reports it as [Fault] values: such a file is
// not to be created.
//
// A form is worked through in this order: `from` or `format`, `match`, `split`,
// `map`, `case`; the first source with something left over wins, `default` fills
// in when none has. Then the attribute's kind takes over: text, date, the values of
// a vocabulary, or the levels of a cascade. What it cannot take (a value outside
// the vocabulary, no date, too long a text) is dealt with as `unknown` says: the
// file is held or fails, or that text is dropped. The same names mean the same
// source whatever their case.
//
// A date is the day that is written. A time in another zone is not converted: a
// picture was taken on the day that its photographer wrote down.
//
// A table is made of `rows`, each of which maps columns to forms. A row of the rule
// makes a row of the table for each value that its cells give, see tableRow; which
// value belongs to which is never guessed. Neither the type of tables nor where
// their columns stand is documented, see tenovos.Attribute; columns that a template
// does not show are described by the rule.
package mapping
