/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/member"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// bound is a binding with those targets, and with an item in its status for each of reported.
func bound(targets []string, reported ...workv1alpha2.AggregatedStatusItem) *binding.Binding {
	b := &binding.Binding{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web-deployment"}}
	for i, c := range targets {
		b.Spec.Clusters = append(b.Spec.Clusters, workv1alpha2.TargetCluster{Name: c, Replicas: int32(i + 1)})
	}
	b.Status.AggregatedStatus = reported
	return b
}

func item(cluster string, applied bool, health workv1alpha2.ResourceHealth, message string) workv1alpha2.AggregatedStatusItem {
	return workv1alpha2.AggregatedStatusItem{ClusterName: cluster, Applied: applied, Health: health, AppliedMessage: message}
}

const (
	healthy   = workv1alpha2.ResourceHealthy
	unhealthy = workv1alpha2.ResourceUnhealthy
	unknown   = workv1alpha2.ResourceUnknown
)

// state makes a view of a cluster.
type state func(*view)

func known(v *view)  { v.known = true }
func left(v *view)   { v.left = true }
func leaves(v *view) { v.target = nil }

// holds is a copy made of the present manifest.
func holds(health workv1alpha2.ResourceHealth) state { return copyOf("h1", health) }

func copyOf(hash string, health workv1alpha2.ResourceHealth) state {
	return func(v *view) {
		v.known, v.outcome.Hash, v.outcome.Generation = true, "h1", generation
		v.copy = &member.Copy{Hash: hash, Health: health}
	}
}

// generation is that of the bindings here.
const generation = 7

// of is a cluster of which is known what that generation of the binding asks for.
func of(generation int64) state {
	return func(v *view) { v.outcome.Generation = generation }
}

// away is a cluster that has stopped to answer; since is empty when it just has.
func away(since string) state {
	return func(v *view) { v.away, v.since = true, since }
}

func failed(why string) state {
	return func(v *view) { v.known, v.outcome.Failed = true, why }
}

func see(b *binding.Binding, cluster string, states ...state) view {
	v := view{cluster: cluster, target: binding.Target(b, cluster)}
	for _, s := range states {
		s(&v)
	}
	return v
}

const sinceT = "the cluster does not answer since T; its state is of then; it is brought up to date when it returns"

func raw(text string) *runtime.RawExtension { return &runtime.RawExtension{Raw: []byte(text)} }
