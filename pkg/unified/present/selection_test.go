/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package present

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

func known(cluster string) bool { return slices.Contains([]string{"m1", "m2", "m3"}, cluster) }

// Requirements on clusters narrow whom is asked; all others do not.
func TestNarrowing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		labels, fields string
		want           []string
	}{
		{"", "", nil},
		{"app=web", "status.phase=Running", nil},
		{"cluster=m1", "", []string{"m1"}},
		{"cluster in (m2,m1)", "", []string{"m1", "m2"}},
		{"cluster!=m1", "", nil},
		{"cluster", "", nil},
		{"!cluster", "", nil},
		{"cluster=pg", "", nil}, // no such cluster: a label of the objects' own
		{"cluster in (m1,pg)", "", nil},
		{"manifold-k8s.io/cluster=pg", "", []string{"pg"}},
		{"manifold-k8s.io/cluster=m1,cluster=m2", "", []string{}},
		{"manifold-k8s.io/cluster in (m1,m2),cluster=m2", "", []string{"m2"}},
		{"", "metadata.name=web.m1", []string{"", "m1"}},
		{"", "metadata.name!=web.m1", nil},
		{"", "metadata.name=web.example", nil},
		{"", "metadata.name=web", nil},
		{"", "spec.nodeName=n.m2,status.phase=Running", []string{"", "m2"}},
		{"cluster=m1", "spec.nodeName=n.m2", []string{}},
		{"cluster=m1", "spec.nodeName=n.m1", []string{"m1"}},
		{"", "involvedObject.name=web.m1", nil}, // a template may be called so
		{"", "involvedObject.name=web.m1,involvedObject.kind=Deployment", nil},
		{"", "involvedObject.name=web.m1,involvedObject.kind=Pod", []string{"", "m1"}},
	} {
		l, err := labels.Parse(tc.labels)
		if err != nil {
			t.Fatal(err)
		}
		f, err := fields.ParseSelector(tc.fields)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, Select(l, f, known).Clusters); diff != "" {
			t.Errorf("labels %q, fields %q (-want +got):\n%s", tc.labels, tc.fields, diff)
		}
	}
	if s := Select(nil, nil, known); s.Clusters != nil || !s.Labels.Empty() || !s.Fields.Empty() {
		t.Errorf("nothing selects %v", s)
	}
	if s := Select(labels.Nothing(), nil, known); s.Clusters == nil || len(s.Clusters) != 0 {
		t.Errorf("what selects nothing asks %v", s.Clusters)
	}
}

func TestShortLabel(t *testing.T) {
	t.Parallel()
	shown := labels.Set{"app": "web", ClusterLabel: "m1"}
	own := labels.Set{"app": "web", ClusterLabel: "m1", ShortLabel: "pg"}
	stored := labels.Set{"app": "web"}
	for selector, want := range map[string][3]bool{ // shown, with a label of its own, stored
		"app=web":                {true, true, true},
		"cluster=m1":             {true, false, false},
		"cluster=m2":             {false, false, false},
		"cluster=pg":             {false, true, false},
		"cluster in (m1,pg)":     {true, true, false},
		"cluster!=m1":            {false, true, true},
		"cluster notin (m1)":     {false, true, true},
		"cluster":                {true, true, false},
		"!cluster":               {false, false, true},
		"cluster=m1,app=web":     {true, false, false},
		"cluster=m1,app=other":   {false, false, false},
		"cluster=m1,tier!=front": {true, false, false},
		ClusterLabel + "=m1":     {true, true, false},
	} {
		l, err := labels.Parse(selector)
		if err != nil {
			t.Fatal(err)
		}
		s := Select(l, nil, known)
		for _, s := range []labels.Selector{s.Labels, s.Labels.DeepCopySelector(), s.Labels.Add()} {
			if got := [3]bool{s.Matches(shown), s.Matches(own), s.Matches(stored)}; got != want {
				t.Errorf("%s matches %v, want %v", selector, got, want)
			}
		}
	}
}
