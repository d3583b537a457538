/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package match

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// chooser makes values of bytes, each of which is one choice; when they are used up, it chooses the first.
type chooser struct {
	rest []byte
	word string // one word of the vocabulary that the fuzzer makes up
}

// upTo chooses a number below n.
func (c *chooser) upTo(n int) int {
	if len(c.rest) == 0 {
		return 0
	}
	choice := int(c.rest[0]) % n
	c.rest = c.rest[1:]
	return choice
}

func (c *chooser) from(words []string) string { return words[c.upTo(len(words))] }

func (c *chooser) keys() []string   { return []string{"a", "b", c.word} }
func (c *chooser) values() []string { return []string{"", "x", "y", c.word} }

// some chooses up to n values; none is nil or empty.
func (c *chooser) some(n int) []string {
	var out []string
	for range c.upTo(n + 1) {
		out = append(out, c.from(c.values()))
	}
	return out
}

func (c *chooser) labels() map[string]string {
	out := map[string]string{}
	for range c.upTo(4) {
		out[c.from(c.keys())] = c.from(c.values())
	}
	return out
}

func (c *chooser) labelSelector() *metav1.LabelSelector {
	if c.upTo(3) == 0 {
		return nil
	}
	s := &metav1.LabelSelector{}
	if c.upTo(2) == 1 {
		s.MatchLabels = c.labels()
	}
	operators := []metav1.LabelSelectorOperator{
		metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist, "Near",
	}
	for range c.upTo(4) {
		r := metav1.LabelSelectorRequirement{Key: c.from(c.keys()), Operator: operators[c.upTo(len(operators))]}
		if r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn || c.upTo(8) == 7 {
			r.Values = c.some(3)
		}
		s.MatchExpressions = append(s.MatchExpressions, r)
	}
	return s
}

func (c *chooser) apiVersion() string { return c.from([]string{"v1", "apps/v1", c.word}) }
func (c *chooser) kind() string       { return c.from([]string{"Secret", "Deployment", c.word}) }

func (c *chooser) template() Template {
	return Template{APIVersion: c.apiVersion(), Kind: c.kind(), Namespace: c.from(c.values()), Name: c.from(c.values()), Labels: c.labels()}
}

func (c *chooser) selectors() []policyv1alpha1.ResourceSelector {
	var out []policyv1alpha1.ResourceSelector
	for range c.upTo(5) {
		out = append(out, policyv1alpha1.ResourceSelector{
			APIVersion: c.apiVersion(), Kind: c.kind(), Namespace: c.from(c.values()), Name: c.from(c.values()), LabelSelector: c.labelSelector(),
		})
	}
	return out
}

func (c *chooser) cluster() *clusterv1alpha1.Cluster {
	return &clusterv1alpha1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: c.from(c.values()), Labels: c.labels()},
		Spec: clusterv1alpha1.ClusterSpec{
			Provider: c.from(c.values()), Region: c.from(c.values()), Zone: c.from(c.values()), Zones: c.some(2),
		},
	}
}

func (c *chooser) affinity() *policyv1alpha1.ClusterAffinity {
	if c.upTo(8) == 7 {
		return nil
	}
	a := &policyv1alpha1.ClusterAffinity{LabelSelector: c.labelSelector(), ClusterNames: c.some(2), ExcludeClusters: c.some(2)}
	if c.upTo(2) == 0 {
		return a
	}
	a.FieldSelector = &policyv1alpha1.FieldSelector{}
	keys := []string{"provider", "region", "zone", c.word}
	operators := []corev1.NodeSelectorOperator{corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists}
	for range c.upTo(3) {
		a.FieldSelector.MatchExpressions = append(a.FieldSelector.MatchExpressions, corev1.NodeSelectorRequirement{
			Key: c.from(keys), Operator: operators[c.upTo(len(operators))], Values: c.some(3),
		})
	}
	return a
}
