/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"fmt"
	"slices"
	"strings"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

// tellNotes says what is worth knowing besides.
func (x *subject) tellNotes() {
	note := func(format string, args ...any) { x.out.Notes = append(x.out.Notes, fmt.Sprintf(format, args...)) }
	if x.barred != "" || x.governor.Namespace {
		if ignored := x.selecting(); len(ignored) > 0 {
			note("policies that select it are without effect: %s", names(ignored))
		}
		if x.stored != nil && !x.governor.Any() {
			note("copies that were made before stay as they are in %s", names(binding.Clusters(x.stored)))
		}
	}
	b := x.inForce()
	if b == nil || !x.wanted() {
		return
	}
	if !x.governor.Any() {
		note("no policy of its own selects it: it is where what needs it is")
	}
	if x.stored != nil && x.follows() && !sameTargets(x.stored.Spec.Clusters, x.next.Spec.Clusters) {
		note("the binding is about to follow a change: %s", x.fresh.Message)
	}
	if x.decision.Deferred {
		note("the policy is Lazy: what it says now applies with the next change of the template, which is then in %s", x.eager())
	}
	if x.decision.Held {
		note("scheduling is suspended: clusters and replicas stay as they are")
	}
	if s := b.Spec.Suspension; s != nil && s.Dispatching != nil && *s.Dispatching {
		note("dispatching is suspended: nothing is sent to any cluster")
	}
	if len(x.fresh.Unsupported) > 0 {
		note("the policy says what has no effect yet: %s", strings.Join(x.fresh.Unsupported, ", "))
	}
	if taken := takenAlong(b); len(taken) > 0 {
		note("what it refers to follows it: %s", names(taken))
	}
	if x.decision.Unread != nil {
		note("what it refers to cannot be told, and does not follow it: %v", x.decision.Unread)
	}
	if x.decision.Dispute != "" && !x.unsure {
		note("%s", x.decision.Dispute)
	}
	if p := b.Spec.PreserveResourcesOnDeletion; p != nil && *p {
		note("when it is deleted, its copies stay in the clusters")
	}
}

// follows reports whether the binding is going to be what a decision says now.
func (x *subject) follows() bool { return x.decision.Scheduled && len(x.missing) == 0 }

// eager says in which clusters the template would be if the policy were not Lazy.
func (x *subject) eager() string {
	policy := *x.governor.Policy
	spec := *policy.Spec
	spec.ActivationPreference = ""
	policy.Spec = &spec
	d := placement.Anew(placement.Input{
		Template: x.Template, Governor: placement.Governor{Policy: &policy}, Old: x.stored, Clusters: x.Clusters, Now: x.Now,
	})
	targets := make([]string, 0, len(d.Targets))
	for _, t := range d.Targets {
		name := t.Name
		if x.workload {
			name += fmt.Sprintf(":%d", t.Replicas)
		}
		targets = append(targets, name)
	}
	return names(targets)
}

func sameTargets(a, b []workv1alpha2.TargetCluster) bool {
	return slices.EqualFunc(a, b, func(a, b workv1alpha2.TargetCluster) bool { return a.Name == b.Name && a.Replicas == b.Replicas })
}
