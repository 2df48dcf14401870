package facts

// columns gathers what the elements of an array have under the same names. The
// lists that come of it have a place for every element, so that those of two names
// belong together by position.
type columns struct {
	byKey map[string]*column
	all   []*column // in the order in which their names were met
}

// column is what elements have under one name; those that have nothing cost
// nothing before list is called.
type column struct {
	name    string // as it was met first
	rows    []int  // the elements that have a text, from 0
	texts   []string
	several bool // one of them has several values: no list could tell them apart
}

// set takes what an element has under a name. Of names that differ in case only
// the first counts.
func (c *columns) set(row int, name string, texts ...string) {
	if c.byKey == nil {
		c.byKey = map[string]*column{}
	}
	key := Key(name)
	col := c.byKey[key]
	if col == nil {
		col = &column{name: name}
		c.byKey[key] = col
		c.all = append(c.all, col)
	}
	if n := len(col.rows); n > 0 && col.rows[n-1] == row {
		return
	}
	filled := 0
	for _, text := range texts {
		if text == "" {
			continue
		}
		if filled++; filled == 1 {
			col.rows, col.texts = append(col.rows, row), append(col.texts, text)
		}
	}
	col.several = col.several || filled > 1
}

// list returns a text for each of n elements, "" for one that has none.
func (c *column) list(n int) []string {
	list := make([]string, n)
	for i, row := range c.rows {
		list[row] = c.texts[i]
	}
	return list
}

// filled says whether any of the texts is not empty.
func filled(texts []string) bool {
	for _, text := range texts {
		if text != "" {
			return true
		}
	}
	return false
}
