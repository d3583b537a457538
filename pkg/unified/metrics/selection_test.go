/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package metrics

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

// TestSelection states who is asked for what.
func TestSelection(t *testing.T) {
	t.Parallel()
	clusters := []string{"a", "b", "c"}
	exists := func(name string) bool { return strings.Contains("abc", name) }
	for name, tc := range map[string]struct {
		labels, fields string
		want           map[string]query // by cluster
	}{
		"everything":        {"", "", map[string]query{"a": {}, "b": {}, "c": {}}},
		"by label":          {"app=web", "", map[string]query{"a": {labels: "app=web"}, "b": {labels: "app=web"}, "c": {labels: "app=web"}}},
		"one cluster":       {"manifold-k8s.io/cluster=b", "", map[string]query{"b": {}}},
		"short":             {"cluster=b,app in (x,y)", "", map[string]query{"b": {labels: "app in (x,y)"}}},
		"some clusters":     {"cluster in (c,a)", "", map[string]query{"a": {}, "c": {}}},
		"all but one":       {"cluster!=a", "", map[string]query{"b": {}, "c": {}}},
		"two that differ":   {"cluster=a,manifold-k8s.io/cluster=b", "", map[string]query{}},
		"no such cluster":   {"manifold-k8s.io/cluster=x", "", map[string]query{}},
		"a label of pods":   {"cluster=x", "", map[string]query{"a": {labels: "cluster=x"}, "b": {labels: "cluster=x"}, "c": {labels: "cluster=x"}}},
		"by name":           {"", "metadata.name=web-0.b", map[string]query{"b": {fields: "metadata.name=web-0"}}},
		"name with dots":    {"", "metadata.name=node.local.b", map[string]query{"b": {fields: "metadata.name=node.local"}}},
		"name of no member": {"", "metadata.name=web-0", map[string]query{}},
		"by namespace":      {"cluster=a", "metadata.namespace=n", map[string]query{"a": {fields: "metadata.namespace=n"}}},
		"all but one name": {"", "metadata.name!=web-0.b,metadata.namespace=n", map[string]query{
			"a": {fields: "metadata.namespace=n"}, "b": {fields: "metadata.name!=web-0,metadata.namespace=n"}, "c": {fields: "metadata.namespace=n"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			byLabel, err := labels.Parse(tc.labels)
			if err != nil {
				t.Fatal(err)
			}
			s := selectionOf(&internalversion.ListOptions{LabelSelector: byLabel, FieldSelector: fields.ParseSelectorOrDie(tc.fields)}, exists)
			got := map[string]query{}
			for _, c := range s.among(clusters) {
				got[c] = s.query(c)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(query{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	nothing := selectionOf(&internalversion.ListOptions{LabelSelector: labels.Nothing()}, exists)
	if got := nothing.among(clusters); len(got) > 0 {
		t.Errorf("a selector that selects nothing asks %v", got)
	}
	if got := selectionOf(nil, exists).among(clusters); len(got) != len(clusters) {
		t.Errorf("no options ask %v", got)
	}
}
