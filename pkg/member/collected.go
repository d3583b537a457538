/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"encoding/json"
	"unique"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Collected is what was interpreted from the status of a copy, as JSON. Equal ones are one and the same in memory, and
// can be compared with ==: copies of a template tend to be in the same state in all members, and copies of different
// templates in one of a few. The zero value means that nothing was collected.
type Collected struct{ text unique.Handle[string] }

// Collect takes over a status. Values other than JSON's own are an error.
func Collect(status map[string]any) (Collected, error) {
	if status == nil {
		return Collected{}, nil
	}
	data, err := json.Marshal(status)
	if err != nil {
		return Collected{}, err
	}
	return Collected{unique.Make(string(data))}, nil
}

// JSON returns the status, empty if there is none.
func (c Collected) JSON() string {
	if c == (Collected{}) {
		return ""
	}
	return c.text.Value()
}

// Map returns the status with the number types of the API machinery, nil if there is none. It is the caller's.
func (c Collected) Map() map[string]any {
	if c == (Collected{}) {
		return nil
	}
	var out map[string]any
	if err := utiljson.Unmarshal([]byte(c.text.Value()), &out); err != nil {
		panic(err) // it was made by Collect
	}
	return out
}
