/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import "testing"

const podOf = `{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: d}, spec: {containers: [`

func TestAnswer(t *testing.T) {
	t.Parallel()
	desired := object(t, podOf+`{name: a, image: one, args: [x, y]}, {name: b, image: two}]}}`)
	first := Answer(desired, object(t, podOf+`{name: a, image: mirror/one, args: [x, y]}, {name: b, image: two}]}}`))
	for name, tc := range map[string]struct {
		live string
		same bool
	}{
		"the same once more": {`{name: a, image: mirror/one, args: [x, y]}, {name: b, image: two}]}}`, true},
		"what the member adds": {
			`{name: a, image: mirror/one, args: [x, y], tty: true}, {name: side, image: car}, {name: b, image: two}], nodeName: n}, status: {phase: Running}}`, true,
		},
		"another value":              {`{name: a, image: mirror/one:2, args: [x, y]}, {name: b, image: two}]}}`, false},
		"another element":            {`{name: a, image: mirror/one, args: [x, z]}, {name: b, image: two}]}}`, false},
		"one more in an atom":        {`{name: a, image: mirror/one, args: [x, y, z]}, {name: b, image: two}]}}`, false},
		"a container less":           {`{name: a, image: mirror/one, args: [x, y]}]}}`, false},
		"in another order":           {`{name: b, image: two}, {name: a, image: mirror/one, args: [x, y]}]}}`, false},
		"values that changed places": {`{name: a, image: two, args: [x, y]}, {name: b, image: mirror/one}]}}`, false},
		"a field less":               {`{name: a, args: [x, y]}, {name: b, image: two}]}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if same := Answer(desired, object(t, podOf+tc.live)) == first; same != tc.same {
				t.Errorf("same answer: %v, want %v", same, tc.same)
			}
		})
	}
}
