package sidecar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// parseJSON reads one JSON value.
func parseJSON(data []byte) (tree, error) {
	r := jsonReader{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	r.decoder.UseNumber()
	// The decoder's tokens do not tell a truncated value from trailing data, nor
	// where a mistake is: the syntax is checked first, as a whole.
	var wrong *json.SyntaxError
	if err := json.Unmarshal(data, new(json.RawMessage)); errors.As(err, &wrong) {
		r.seek(int(wrong.Offset) - 1)
		return tree{}, r.place().errorf("%w", err)
	} else if err != nil {
		return tree{}, err
	}
	return r.value(nil)
}

// jsonReader builds nodes of the tokens of a valid text.
type jsonReader struct {
	data      []byte
	decoder   *json.Decoder
	budget    budget
	at        int // offset of the place
	line      int // of the place, from 1
	lineStart int // offset of that line
}

// seek moves the place forward to an offset.
func (r *jsonReader) seek(offset int) {
	offset = max(r.at, min(offset, len(r.data)))
	passed := r.data[r.at:offset]
	if n := bytes.Count(passed, []byte("\n")); n > 0 {
		r.line += n
		r.lineStart = r.at + bytes.LastIndexByte(passed, '\n') + 1
	}
	r.at = offset
}

// place returns a node that lies at the place.
func (r *jsonReader) place() tree {
	return tree{line: r.line, column: r.at - r.lineStart + 1}
}

// next returns the next token and moves the place to where it begins.
func (r *jsonReader) next() (json.Token, error) {
	start := int(r.decoder.InputOffset())
	start += len(r.data[start:]) - len(bytes.TrimLeft(r.data[start:], " \t\r\n,:"))
	r.seek(start)
	return r.decoder.Token()
}

// value reads a value. It lies where its key does, if it has one.
func (r *jsonReader) value(key *tree) (tree, error) {
	token, err := r.next()
	if err != nil {
		return tree{}, err
	}
	n := r.place()
	if key != nil {
		n = *key
	}
	if err := r.budget.enter(n); err != nil {
		return n, err
	}
	defer r.budget.leave()
	switch t := token.(type) {
	case nil:
		n.kind = isNull
	case string:
		n.kind, n.text = isScalar, t
	case json.Number:
		n.kind, n.text = isScalar, t.String()
	case bool:
		n.kind, n.text = isScalar, strconv.FormatBool(t)
	case json.Delim:
		return r.values(n, t)
	default:
		return n, n.errorf("unknown token %v", fmt.Sprint(t))
	}
	return n, nil
}

// values reads the values of an object or an array, whose first token is read.
func (r *jsonReader) values(n tree, open json.Delim) (tree, error) {
	n.kind = isArray
	if open == '{' {
		n.kind = isObject
	}
	for r.decoder.More() {
		var key *tree
		if n.kind == isObject {
			token, err := r.next()
			if err != nil {
				return n, err
			}
			place := r.place()
			key = &place
			n.keys = append(n.keys, fmt.Sprint(token))
		}
		value, err := r.value(key)
		if err != nil {
			return n, err
		}
		n.values = append(n.values, value)
	}
	_, err := r.decoder.Token()
	return n, err
}
