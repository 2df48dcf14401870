// Package yamltree reads YAML that people write, and says what is wrong with it: each
// mistake with its line and column, all mistakes at once.
//
// [Plain] makes a tree plain: aliases, merge keys and environment variables are replaced
// by what they mean. A [Reader] then takes typed values out of it and collects the
// mistakes ([Problem]) that it meets. [Nearest] and [SuggestOf] guess which name was
// meant by one that is unknown.
//
// The package knows nothing of what the file says: the configuration and the rules tell
// it which keys there are.
package yamltree
