package metadata

// Columns gathers what the elements of an array have under the same names. The
// lists that come of it have a place for every element, so that those of two names
// belong together by position.
type Columns struct {
	byKey map[string]*Column
	All   []*Column // in the order in which their names were met
}

// Column is what elements have under one name; those that have nothing cost
// nothing before list is called.
type Column struct {
	Name    string // as it was met first
	Rows    []int  // the elements that have a text, from 0
	texts   []string
	Several bool // one of them has several values: no list could tell them apart
}

// Set takes what an element has under a name. Of names that differ in case only
// the first counts.
func (c *Columns) Set(row int, name string, texts ...string) {
	if c.byKey == nil {
		c.byKey = map[string]*Column{}
	}
	key := Key(name)
	col := c.byKey[key]
	if col == nil {
		col = &Column{Name: name}
		c.byKey[key] = col
		c.All = append(c.All, col)
	}
	if n := len(col.Rows); n > 0 && col.Rows[n-1] == row {
		return
	}
	filled := 0
	for _, text := range texts {
		if text == "" {
			continue
		}
		if filled++; filled == 1 {
			col.Rows, col.texts = append(col.Rows, row), append(col.texts, text)
		}
	}
	col.Several = col.Several || filled > 1
}

// List returns a text for each of n elements, "" for one that has none.
func (c *Column) List(n int) []string {
	list := make([]string, n)
	for i, row := range c.Rows {
		list[row] = c.texts[i]
	}
	return list
}

// Filled says whether any of the texts is not empty.
func Filled(texts []string) bool {
	for _, text := range texts {
		if text != "" {
			return true
		}
	}
	return false
}
