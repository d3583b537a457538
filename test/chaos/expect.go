/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// east and west are the members.
const east, west = "east", "west"

// both lists them.
var both = []string{east, west}

// placement is what a policy may say. Replicas under test are multiples of three, so that no share needs rounding.
type placement struct {
	spec   string           // spec.placement, JSON
	thirds map[string]int32 // of the replicas, for each member that gets a copy; 3 is all of them
}

var placements = map[string]placement{
	"east": {`{"clusterAffinity": {"clusterNames": ["east"]}}`, map[string]int32{east: 3}},
	"west": {`{"clusterAffinity": {"clusterNames": ["west"]}}`, map[string]int32{west: 3}},
	"both": {`{"clusterAffinity": {"clusterNames": ["east", "west"]}}`, map[string]int32{east: 3, west: 3}},
	"split": {`{"clusterAffinity": {"clusterNames": ["east", "west"]},
		"replicaScheduling": {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted", "weightPreference": {"staticWeightList": [
			{"targetCluster": {"clusterNames": ["east"]}, "weight": 1}, {"targetCluster": {"clusterNames": ["west"]}, "weight": 2}]}}}`,
		map[string]int32{east: 1, west: 2}},
}

// template is an object of the hub that is to be in members.
type template struct {
	state
	uid    types.UID
	policy item
}

// copied is what a member holds, or should.
type copied struct {
	state
	template types.UID // the template it is made from; empty for what is not ours
}

// expect returns what each member must hold, by the templates and the placements of their policies. An object in except
// is in nobody's place there.
func expect(templates map[item]template, placed map[item]string, except func(member string, i item) bool) map[string]map[item]copied {
	out := map[string]map[item]copied{}
	for _, m := range both {
		out[m] = map[item]copied{}
		for i, t := range templates {
			thirds, ok := placements[placed[t.policy]].thirds[m]
			if !ok || except(m, i) {
				continue
			}
			c := copied{t.state, t.uid}
			c.replicas = t.replicas / 3 * thirds
			out[m][i] = c
		}
	}
	return out
}

// differ describes how what a member holds differs from what it must.
func differ(member string, want, got map[item]copied, story func(item) string) []string {
	var out []string
	for i, w := range want {
		g, held := got[i]
		switch {
		case !held:
			out = append(out, fmt.Sprintf("%s lacks %s, want %+v:\n%s", member, i, w, story(i)))
		case g != w:
			out = append(out, fmt.Sprintf("%s has %s as %+v, want %+v:\n%s", member, i, g, w, story(i)))
		}
	}
	for i, g := range got {
		if _, wanted := want[i]; !wanted {
			out = append(out, fmt.Sprintf("%s has %s as %+v, want none:\n%s", member, i, g, story(i)))
		}
	}
	slices.Sort(out)
	return out
}

// leaves returns the members that a policy may take copies from when its placement becomes next.
func leaves(before, next string) []string {
	var out []string
	for _, m := range both {
		_, was := placements[before].thirds[m]
		if _, is := placements[next].thirds[m]; was && !is {
			out = append(out, m)
		}
	}
	return out
}

// bindingName is the name of a template's binding.
func bindingName(i item) string { return i.name + "-" + strings.ToLower(i.kind) }
