/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Answer is a fingerprint of what live says about what desired speaks of, whatever the values are. A member whose
// admission rewrites a manifest gives the same answer each time; so one that was seen in reply to an apply is what the
// manifest comes to there, and no difference that another apply would end. Like those of Fingerprint, answers can be
// compared within one process only.
func Answer(desired, live *unstructured.Unstructured) uint64 {
	c := comparisonOf(desired)
	return c.answerOf(desired.Object, live.Object)
}

func (c comparison) answerOf(desired, live map[string]any) uint64 {
	var sum uint64 // as in fingerprint
	for key, d := range desired {
		if l, exists := live[key]; exists && l != nil {
			sum += fingerprintEntry(key, c.answer(key, d, l))
		}
	}
	return mix(sum, 'm')
}

// answer is for the values of the field key.
func (c comparison) answer(key string, desired, live any) uint64 {
	switch d := desired.(type) {
	case map[string]any:
		if l, ok := live.(map[string]any); ok {
			return c.answerOf(d, l)
		}
	case []any:
		if l, ok := live.([]any); ok {
			return c.answerList(key, d, l)
		}
	}
	return fingerprint(live)
}

// answerList takes further elements of merged lists for the member's, as list does.
func (c comparison) answerList(key string, desired, live []any) uint64 {
	h := uint64(len(desired))
	if keys := c.keysFor(key, desired); keys != nil {
		want, ok := identities(desired, keys)
		have, unique := identities(live, keys)
		if ok && unique {
			for next, id := range have { // in the order in which they are there
				for i := range want {
					if want[i] == id {
						h = mix(h, mix(uint64(i), 'i')+c.answer(key, desired[i], live[next]))
					}
				}
			}
			return mix(h, 'l')
		}
	}
	if len(desired) != len(live) {
		return fingerprint(live)
	}
	for i := range desired {
		h = mix(h, c.answer(key, desired[i], live[i]))
	}
	return mix(h, 'l')
}
