/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unjoin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// placedPage bounds how many bindings are read at once.
const placedPage = 500

// tally counts objects by kind.
type tally map[string]int

func (t tally) String() string {
	if len(t) == 0 {
		return "nothing"
	}
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(t)) {
		out = append(out, fmt.Sprintf("%d %s", t[kind], kind))
	}
	return strings.Join(out, ", ")
}

// placed is what the hub has placed in a cluster: what goes when it leaves, and what stays there without the hub's marks.
type placed struct{ removed, kept tally }

// count adds what a binding has placed in the cluster.
func (p placed) count(b *workv1alpha2.ResourceBinding, cluster string) {
	named := func(t workv1alpha2.TargetCluster) bool { return t.Name == cluster }
	there := slices.ContainsFunc(b.Spec.Clusters, named) ||
		slices.ContainsFunc(b.Spec.RequiredBy, func(r workv1alpha2.BindingSnapshot) bool { return slices.ContainsFunc(r.Clusters, named) }) ||
		slices.ContainsFunc(b.Status.AggregatedStatus, func(s workv1alpha2.AggregatedStatusItem) bool { return s.ClusterName == cluster })
	if !there {
		return
	}
	preserve := b.Spec.PreserveResourcesOnDeletion
	if preserve != nil && *preserve || b.Labels[workv1alpha2.BindingManagedByLabel] == "Namespace" {
		p.kept[b.Spec.Resource.Kind]++
		return
	}
	p.removed[b.Spec.Resource.Kind]++
}

// placed reads the bindings of the hub.
func (h *hubSide) placed(ctx context.Context) (placed, error) {
	p := placed{removed: tally{}, kept: tally{}}
	for _, kind := range []string{"ResourceBinding", "ClusterResourceBinding"} {
		client := h.hub.Resource(workv1alpha2.SchemeGroupVersion.WithKind(kind), "")
		options := metav1.ListOptions{Limit: placedPage}
		for {
			list, err := client.List(ctx, options)
			if err != nil {
				return p, fmt.Errorf("list %ss: %w", kind, err)
			}
			for i := range list.Items {
				b, err := bindingOf(&list.Items[i])
				if err != nil {
					return p, err
				}
				p.count(b, h.name)
			}
			if options.Continue = list.GetContinue(); options.Continue == "" {
				break
			}
		}
	}
	return p, nil
}

// bindingOf reads a binding of either scope: they have the same shape.
func bindingOf(u *unstructured.Unstructured) (*workv1alpha2.ResourceBinding, error) {
	b := &workv1alpha2.ResourceBinding{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, b); err != nil {
		return nil, fmt.Errorf("read binding %s: %w", u.GetName(), err)
	}
	return b, nil
}

// announce says what will become of what is placed in the cluster. Not to be allowed to look is no reason not to go on.
func (h *hubSide) announce(ctx context.Context) {
	p, err := h.placed(ctx)
	if err != nil {
		fmt.Fprintf(h.streams.ErrOut, "warning: what the hub has placed in cluster %s cannot be told: %v\n", h.name, err)
		return
	}
	fmt.Fprintf(h.streams.Out, "hub      to be removed from %s: %s\n", h.name, p.removed)
	fmt.Fprintf(h.streams.Out, "hub      to be kept in %s, without the hub's marks: %s\n", h.name, p.kept)
}
