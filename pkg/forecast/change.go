/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package forecast

import (
	"fmt"
	"strings"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/brief"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

// Change is what would become of one template. The zero value but for the first four fields means nothing.
type Change struct {
	Kind, Namespace, Name string
	Workload              bool // its replicas are counted

	From, To string // the policies that govern it, if another one takes over

	Gained, Lost []workv1alpha2.TargetCluster
	Moved        []Move
	// Staying are the clusters whose copies stay as they are though they are targets no more.
	Staying []workv1alpha2.TargetCluster
	// Ended: the template is deleted, and its copies with it. Orphaned: it is deleted, and its copies stay. Released: no
	// policy governs it any more. At most one is true.
	Ended, Orphaned, Released bool

	Unplaced string // why it cannot be scheduled; "" if that is not new
	Held     bool   // the placement changes, and scheduling is suspended
	Deferred bool   // the policy changes and is Lazy: the template does not follow before it changes itself
	// Awaited are override policies that are missing, and without which it is not placed.
	Awaited []string

	Suspended []string // target clusters to which nothing is sent for now
	suspends  bool     // some of them are sent something at present
	Resumed   []string // those to which something is sent again

	Changed    []Group  // paths that change in copies that are there
	Overridden []Group  // paths that overrides change in copies that are new
	Failures   []Group  // why no manifest can be made
	Recovered  []string // clusters for which one can be made again
	Uncompared int      // clusters for which manifests were not compared

	// Hidden says that who asks may not read the template: it is counted, and not named.
	Hidden bool
}

// Move is a share of replicas that changes.
type Move struct {
	Cluster  string
	From, To int32
}

// Group are clusters of which the same is said.
type Group struct {
	Clusters []string
	What     []string
}

// None reports whether nothing changes.
func (c Change) None() bool { return c.rank() == unchanged }

// rank orders changes by how much they may hurt.
type rank int

const (
	removes rank = iota // copies go
	lessens             // replicas become fewer somewhere, or copies are left to themselves
	fails               // something cannot be done
	alters
	unchanged
)

func (c Change) rank() rank {
	switch {
	case len(c.Lost) > 0:
		return removes
	case len(c.Staying) > 0, c.Released, c.lessens():
		return lessens
	case c.Unplaced != "", len(c.Failures)+len(c.Awaited) > 0:
		return fails
	case len(c.Gained)+len(c.Moved)+len(c.Changed)+len(c.Recovered)+len(c.Resumed) > 0, c.To != "", c.Held, c.Deferred, c.suspends, c.Uncompared > 0:
		return alters
	}
	return unchanged
}

func (c Change) lessens() bool {
	for _, m := range c.Moved {
		if m.To < m.From {
			return true
		}
	}
	return false
}

// String is the change in one sentence, without an end to its length but that of names.
func (c Change) String() string {
	name := c.Name
	if c.Namespace != "" {
		name = c.Namespace + "/" + name
	}
	return c.Kind + " " + name + ": " + strings.Join(c.parts(), "; ")
}

// parts are what there is to say, what may hurt first.
func (c Change) parts() []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case c.Ended && c.Kind == placement.Namespaces.Kind && c.Namespace == "":
		say("would be removed, with all that is in it, from %s", c.targets(c.Lost))
	case c.Ended:
		say("would be removed from %s", c.targets(c.Lost))
	case c.Orphaned:
		say("its copies would stay in %s, no longer managed", c.targets(c.Staying))
	case c.Released && len(c.Staying) == 0:
		say("would no longer be governed by any policy")
	case c.Released:
		say("would no longer be governed by any policy; its copies stay in %s and are not updated any more", c.targets(c.Staying))
	default:
		if len(c.Lost) > 0 {
			say("%s", c.leaving())
		}
		if len(c.Staying) > 0 {
			say("would not be placed in %s any more, its copies there stay, no longer managed", c.targets(c.Staying))
		}
	}
	if len(c.Moved) > 0 {
		moves := make([]string, 0, len(c.Moved))
		for _, m := range c.Moved {
			moves = append(moves, fmt.Sprintf("%s from %d to %d", m.Cluster, m.From, m.To))
		}
		say("replicas would change in %s", brief.Names(moves, maxClusters))
	}
	if len(c.Gained) > 0 {
		say("would be created in %s", c.targets(c.Gained))
	}
	if c.Unplaced != "" {
		say("cannot be placed: %s", c.Unplaced)
	}
	if len(c.Awaited) > 0 {
		say("would have to wait for %s, on which its policy depends", brief.Names(c.Awaited, maxPaths))
	}
	for _, g := range c.Failures {
		say("nothing would be sent to %s: %s", brief.Names(g.Clusters, maxClusters), strings.Join(g.What, "; "))
	}
	if c.To != "" {
		say("would be governed by %s instead of %s", c.To, c.From)
	}
	if c.Held {
		say("its scheduling is suspended, it stays where it is")
	}
	if c.Deferred {
		say("the policy is Lazy, what it says would wait for the next change of the template")
	}
	return append(out, c.details()...)
}

// details are the fields, and what is sent when.
func (c Change) details() []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, g := range c.Changed {
		say("would change in %s: %s", brief.Names(g.Clusters, maxClusters), brief.Names(g.What, maxPaths))
	}
	for _, g := range c.Overridden {
		say("overridden in %s: %s", brief.Names(g.Clusters, maxClusters), brief.Names(g.What, maxPaths))
	}
	if len(c.Recovered) > 0 {
		say("would be sent again to %s, where overrides have not fitted until now", brief.Names(c.Recovered, maxClusters))
	}
	if c.Uncompared > 0 {
		say("the fields in %d more clusters were not compared", c.Uncompared)
	}
	if len(c.Suspended) > 0 && !c.None() {
		say("dispatching is suspended: nothing is created or changed in %s for now", brief.Names(c.Suspended, maxClusters))
	}
	if len(c.Resumed) > 0 {
		say("dispatching to %s would be resumed", brief.Names(c.Resumed, maxClusters))
	}
	return out
}

// leaving says what leaves which cluster.
func (c Change) leaving() string {
	if !c.Workload {
		return "would be removed from " + c.targets(c.Lost)
	}
	texts := make([]string, 0, len(c.Lost))
	for i, t := range c.Lost {
		verb := ""
		if i == 0 {
			verb = "would leave "
		}
		texts = append(texts, replicas(t.Replicas)+" "+verb+t.Name)
	}
	return brief.Names(texts, maxClusters)
}

// targets are clusters with their replicas, if they have some.
func (c Change) targets(ts []workv1alpha2.TargetCluster) string {
	texts := make([]string, 0, len(ts))
	for _, t := range ts {
		text := t.Name
		if c.Workload {
			text += " (" + replicas(t.Replicas) + ")"
		}
		texts = append(texts, text)
	}
	return brief.Names(texts, maxClusters)
}

func replicas(n int32) string {
	if n == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", n)
}

// How many of something are named; the rest is counted.
const (
	maxClusters = 5
	maxPaths    = 4
)
