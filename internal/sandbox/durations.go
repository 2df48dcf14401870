package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

var durationType = reflect.TypeFor[time.Duration]()

// unmarshalKnobs decodes a JSON object into the struct that v points to, leaving
// fields that the object lacks as they are and refusing keys which v lacks. A
// time.Duration may be written as a string such as "2s"; encoding/json alone
// takes only nanoseconds.
func unmarshalKnobs(data []byte, v any) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	for i, t := 0, reflect.TypeOf(v).Elem(); i < t.NumField(); i++ {
		name := jsonName(t.Field(i))
		raw, ok := fields[name]
		if !ok || t.Field(i).Type != durationType || len(raw) == 0 || raw[0] != '"' {
			continue
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fields[name] = fmt.Append(nil, int64(d))
	}
	plain, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(plain))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// marshalKnobs is the other way round: durations become strings.
func marshalKnobs(v any) ([]byte, error) {
	out := map[string]any{}
	rv := reflect.ValueOf(v)
	for i, t := 0, rv.Type(); i < t.NumField(); i++ {
		name := jsonName(t.Field(i))
		switch {
		case name == "-":
		case t.Field(i).Type == durationType:
			out[name] = time.Duration(rv.Field(i).Int()).String()
		default:
			out[name] = rv.Field(i).Interface()
		}
	}
	return json.Marshal(out)
}

func jsonName(f reflect.StructField) string {
	tag := f.Tag.Get("json")
	for i := range len(tag) {
		if tag[i] == ',' {
			return tag[:i]
		}
	}
	return tag
}

// UnmarshalJSON sets the knobs that data names and leaves the others alone.
func (o *Options) UnmarshalJSON(data []byte) error {
	type plain Options
	return unmarshalKnobs(data, (*plain)(o))
}

// MarshalJSON prints the knobs that can be changed while the server runs.
func (o Options) MarshalJSON() ([]byte, error) {
	type plain Options
	return marshalKnobs(plain(o))
}
