/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// The keys of a field selector.
const (
	fieldProvider = "provider"
	fieldRegion   = "region"
	fieldZone     = "zone"
)

// Cluster reports whether the affinity selects the cluster, and if not, why. A nil affinity selects every cluster, as
// an empty one does. A selector that cannot be parsed selects none. To test many clusters, use NewAffinity.
func Cluster(c *clusterv1alpha1.Cluster, a *policyv1alpha1.ClusterAffinity) (ok bool, why string) {
	return NewAffinity(a).Selects(c)
}

// Affinity is a ClusterAffinity whose selectors are parsed once, for testing many clusters. The zero value selects
// every cluster.
type Affinity struct {
	invalid string // why nothing can match; "" if the selectors are sound
	exclude []string
	labels  labels.Selector // nil: any labels
	text    string          // of labels, for reasons
	fields  []corev1.NodeSelectorRequirement
	names   []string
}

// NewAffinity prepares a, which must not change while the result is in use. nil selects every cluster.
func NewAffinity(a *policyv1alpha1.ClusterAffinity) Affinity {
	if a == nil {
		return Affinity{}
	}
	p := Affinity{exclude: a.ExcludeClusters, names: a.ClusterNames}
	if a.LabelSelector != nil {
		selector, err := metav1.LabelSelectorAsSelector(a.LabelSelector)
		if err != nil {
			p.invalid = "invalid label selector: " + err.Error()
		}
		p.labels = selector
		if selector != nil {
			p.text = selector.String()
		}
	}
	if a.FieldSelector != nil {
		p.fields = a.FieldSelector.MatchExpressions
		if err := checkFields(p.fields); err != nil && p.invalid == "" {
			p.invalid = "invalid field selector: " + err.Error()
		}
	}
	return p
}

// Selects reports whether the affinity selects the cluster, and if not, why: the first of name exclusion, labels,
// fields, list of names that refuses it.
func (a Affinity) Selects(c *clusterv1alpha1.Cluster) (ok bool, why string) {
	if slices.Contains(a.exclude, c.Name) {
		return false, "excluded by name"
	}
	if a.invalid != "" {
		return false, a.invalid
	}
	if a.labels != nil && !a.labels.Matches(labels.Set(c.Labels)) {
		return false, "labels do not match the selector " + a.text
	}
	for _, r := range a.fields {
		if !fieldMatches(c, r) {
			return false, "fields do not match the selector " + fieldText(r)
		}
	}
	if len(a.names) > 0 && !slices.Contains(a.names, c.Name) {
		return false, "not in clusterNames"
	}
	return true, ""
}

// Zones returns the zones of a cluster: spec.zones, or the deprecated spec.zone if that is all there is.
func Zones(c *clusterv1alpha1.Cluster) []string {
	if len(c.Spec.Zones) == 0 && c.Spec.Zone != "" {
		return []string{c.Spec.Zone}
	}
	return c.Spec.Zones
}

// checkFields returns an error for what admission refuses: other keys than the three, other operators than the two.
func checkFields(rs []corev1.NodeSelectorRequirement) error {
	for _, r := range rs {
		switch r.Key {
		case fieldProvider, fieldRegion, fieldZone:
		default:
			return fmt.Errorf("key %q is not one of provider, region, zone", r.Key)
		}
		switch r.Operator {
		case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		default:
			return fmt.Errorf("operator %q is not one of In, NotIn", r.Operator)
		}
	}
	return nil
}

// fieldMatches evaluates one checked requirement. A cluster has at most one provider and region but any number of
// zones: In wants one of its zones in the list, NotIn none. A cluster without the property satisfies only NotIn.
func fieldMatches(c *clusterv1alpha1.Cluster, r corev1.NodeSelectorRequirement) bool {
	var has []string
	switch r.Key {
	case fieldProvider:
		has = []string{c.Spec.Provider}
	case fieldRegion:
		has = []string{c.Spec.Region}
	case fieldZone:
		has = Zones(c)
	}
	listed := slices.ContainsFunc(has, func(v string) bool { return v != "" && slices.Contains(r.Values, v) })
	return listed == (r.Operator == corev1.NodeSelectorOpIn)
}

func fieldText(r corev1.NodeSelectorRequirement) string {
	op := "in"
	if r.Operator == corev1.NodeSelectorOpNotIn {
		op = "notin"
	}
	values := slices.Sorted(slices.Values(r.Values))
	return fmt.Sprintf("%s %s (%s)", r.Key, op, strings.Join(values, ","))
}
