package facts

// Gap says that a source of facts could not be read, so that what it would
// tell is missing. Source is the prefix of the facts' names without its dot,
// Message a sentence for people.
type Gap struct{ Source, Message string }
