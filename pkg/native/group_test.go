/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package native

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	controlplane "k8s.io/kubernetes/pkg/controlplane/apiserver"
)

// Groups of one name are versions of one API group, the first of which is preferred.
func TestVersionsOfOneGroup(t *testing.T) {
	t.Parallel()
	gv := func(group, version string) Group {
		return Group{Version: schema.GroupVersion{Group: group, Version: version}, Priority: 1400}
	}
	old := gv("work.example", "v1alpha1")
	old.Uncollected = []string{"works"}
	groups := []Group{gv("work.example", "v1alpha2"), gv("other.example", "v1"), old}
	var got [][]string
	for _, versions := range byName(groups) {
		var names []string
		for _, g := range versions {
			names = append(names, g.Version.String())
		}
		got = append(got, names)
	}
	if diff := cmp.Diff([][]string{{"work.example/v1alpha2", "work.example/v1alpha1"}, {"other.example/v1"}}, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	all := priorities(groups)
	want := controlplane.APIServicePriority{Group: 1400, Version: 11}
	if all[groups[0].Version] != want || all[old.Version].Version >= want.Version || all[old.Version].Group != want.Group {
		t.Errorf("priorities %v and %v", all[groups[0].Version], all[old.Version])
	}
	if _, ok := uncollected(groups)[schema.GroupResource{Group: "work.example", Resource: "works"}]; !ok || len(uncollected(groups)) != 1 {
		t.Errorf("uncollected = %v", uncollected(groups))
	}
}
