package sandbox

import (
	"encoding/json"
	"reflect"
	"strings"
)

// decode decodes a JSON object into the struct that v points to. encoding/json
// takes a key in any case, the platform does not: a key whose spelling differs
// only in case (fileSize for filesize) is dropped like any unknown key.
func decode(data []byte, v any) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return err
	}
	for i, t := 0, reflect.TypeOf(v).Elem(); i < t.NumField(); i++ {
		name := jsonName(t.Field(i))
		for k := range keys {
			if k != name && strings.EqualFold(k, name) {
				delete(keys, k)
			}
		}
	}
	exact, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	return json.Unmarshal(exact, v)
}
