/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/brief"
)

// Request is what there is to place.
type Request struct {
	APIVersion string    // of the template
	Kind       string    // of the template
	UID        types.UID // of the template; seeds the tie-break, see TieOrder

	// Workload says that templates of this kind have replicas, even if this one has none at the moment. With Replicas
	// > 0 it need not be set. Every selected cluster becomes a target without a count for a template that is no
	// workload, or one whose replicas cannot be divided because it has several components.
	Workload bool
	Replicas int32

	// Requirements of one replica, for estimating room; nil means a pod without requests.
	Requirements *workv1alpha2.ReplicaRequirements

	// Placement is the policy's; nil means every cluster, each with all replicas.
	Placement *policyv1alpha1.Placement

	// Previous is the result now in force, binding.spec.clusters.
	Previous []workv1alpha2.TargetCluster

	// Evicting names the clusters that the template is being moved away from, binding.spec.gracefulEvictionTasks.
	Evicting []string

	// ObservedAffinity is the affinity group in use, binding.status.schedulerObservingAffinityName.
	ObservedAffinity string

	// Fresh asks for a result that does not lean on the previous one: somebody requested a rebalance.
	Fresh bool

	// Available is for how many replicas a cluster has room beyond those it holds already. For clusters that are not
	// in it, or negative, Room is used.
	Available map[string]int32
}

// workload reports whether replicas have to be counted.
func (r *Request) workload() bool { return r.Workload || r.Replicas > 0 }

// Decision is the result for a template.
type Decision struct {
	// Targets are the clusters that get the template, sorted by name. If Reason is not Success they are the previous
	// targets that the placement still selects, unchanged: a failure moves nothing, and withdraws the template only
	// from clusters that the user's placement no longer selects, that are left by eviction, or that are gone.
	Targets []workv1alpha2.TargetCluster

	// Affinity is the name of the affinity group in use; empty without groups. A failure leaves it as it was.
	Affinity string

	// Verdicts has an entry for every cluster, and for previous targets that no longer exist, sorted by name.
	Verdicts []Verdict

	// Reason and Message are for the binding's condition Scheduled, one of workv1alpha2.BindingReason*.
	Reason  string
	Message string

	// Unsupported are the paths of the placement that are set but have no effect on this decision, sorted.
	Unsupported []string
}

// Verdict says what became of one cluster.
type Verdict struct {
	Cluster  string
	Kept     bool // it is among the targets
	Replicas int32
	Reason   string // why it was dropped, or why it has this share
}

// Place decides which clusters get the template, and how many replicas each.
//
// With ordered affinity groups it starts at the one in use (at the first if Fresh) and takes the first that can be
// satisfied; it never goes back to an earlier group by itself.
//
// A workload scaled to 0 is not withdrawn: its previous targets stay with 0 replicas, as far as they are still
// eligible; without any, all eligible clusters get it. Clusters without a weight rule are not eligible.
func Place(req Request, clusters []*clusterv1alpha1.Cluster) Decision {
	s := newSession(&req, clusters)
	first := 0
	if !req.Fresh {
		first = max(0, slices.IndexFunc(s.plan.terms, func(t term) bool { return t.name == req.ObservedAffinity }))
	}
	var failed []*attempt
	for _, t := range s.plan.terms[first:] {
		a := s.try(t)
		if a.failure == nil {
			return s.success(a, failed)
		}
		failed = append(failed, a)
	}
	return s.keepPrevious(failed)
}

// session is the state that all attempts of one call share.
type session struct {
	req      *Request
	plan     plan
	clusters []*clusterv1alpha1.Cluster // sorted by name
	previous map[string]workv1alpha2.TargetCluster
	evicting map[string]bool
}

func newSession(req *Request, clusters []*clusterv1alpha1.Cluster) *session {
	s := &session{
		req:      req,
		plan:     newPlan(req),
		clusters: slices.Clone(clusters),
		previous: make(map[string]workv1alpha2.TargetCluster, len(req.Previous)),
		evicting: make(map[string]bool, len(req.Evicting)),
	}
	byName := func(a, b *clusterv1alpha1.Cluster) int { return cmp.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(s.clusters, byName) {
		slices.SortFunc(s.clusters, byName)
	}
	for _, t := range req.Previous {
		s.previous[t.Name] = t
	}
	for _, name := range req.Evicting {
		s.evicting[name] = true
	}
	return s
}

// attempt is the outcome of one affinity term.
type attempt struct {
	term     term
	verdicts []Verdict // one for each of session.clusters, in their order
	selected int       // how many clusters passed the filters
	failure  *failure  // nil on success
}

// failure is why a term cannot be satisfied.
type failure struct{ reason, message string }

// candidate is a cluster that passed the filters.
type candidate struct {
	cluster *clusterv1alpha1.Cluster
	index   int   // in session.clusters
	tier    int   // 0: the term itself, k: its k-th overflow group
	present bool  // is a previous target
	held    int32 // replicas it has as such
	free    int32 // room for more; only set if the plan needs capacity
}

// available is for how many replicas the cluster has room, those it holds included.
func (c *candidate) available() int64 { return int64(c.free) + int64(c.held) }

// share is what a candidate gets.
type share struct {
	candidate
	replicas int32
	target   bool // it becomes a target, with 0 replicas if need be
	why      string
}

// try runs the pipeline for one term: filter, select, divide.
func (s *session) try(t term) *attempt {
	a := &attempt{term: t, verdicts: make([]Verdict, len(s.clusters))}
	candidates, refusals := s.filter(t, a.verdicts)
	a.selected = len(candidates)
	if len(candidates) == 0 {
		a.failure = &failure{workv1alpha2.BindingReasonNoClusterFit, fitMessage(refusals, len(s.clusters))}
		return a
	}
	var selected []candidate
	if selected, a.failure = s.choose(candidates); a.failure != nil {
		return a
	}
	var shares []share
	if shares, a.failure = s.assign(selected); a.failure != nil {
		return a
	}
	for _, c := range candidates {
		a.verdicts[c.index].Reason = "not chosen by the spread constraints"
	}
	for _, sh := range shares {
		v := &a.verdicts[sh.index]
		v.Kept, v.Replicas, v.Reason = sh.target, sh.replicas, sh.why
		if sh.tier > 0 {
			v.Reason += fmt.Sprintf(", overflow group %q", t.tiers[sh.tier].name)
		}
	}
	return a
}

// success turns the attempt that worked into a decision; failed are the terms tried before it.
func (s *session) success(a *attempt, failed []*attempt) Decision {
	d := Decision{Affinity: a.term.name, Reason: workv1alpha2.BindingReasonSuccess, Unsupported: s.plan.unsupported}
	var replicas int64
	for _, v := range a.verdicts {
		if !v.Kept {
			continue
		}
		d.Targets = append(d.Targets, workv1alpha2.TargetCluster{Name: v.Cluster, Replicas: v.Replicas})
		replicas += int64(v.Replicas)
	}
	d.Message = "in " + plural(int64(len(d.Targets)), "cluster")
	if s.req.workload() {
		d.Message = plural(replicas, "replica") + " " + d.Message
	}
	if a.term.name != "" {
		d.Message += fmt.Sprintf(" of affinity group %q", a.term.name)
	}
	for _, f := range failed {
		d.Message += fmt.Sprintf("; group %q: %s", f.term.name, f.failure.message)
	}
	d.Verdicts = s.withGone(a.verdicts)
	return d
}

// keepPrevious makes the decision for when no term could be satisfied. The reason is that of the first.
func (s *session) keepPrevious(failed []*attempt) Decision {
	first := failed[0]
	d := Decision{Affinity: s.req.ObservedAffinity, Reason: first.failure.reason, Unsupported: s.plan.unsupported}
	messages := make([]string, 0, len(failed))
	for _, f := range failed {
		m := f.failure.message
		if f.term.name != "" {
			m = fmt.Sprintf("group %q: %s", f.term.name, m)
		}
		messages = append(messages, m)
	}
	var withdrawn []string
	for i, c := range s.clusters {
		v := &first.verdicts[i]
		target, present := s.previous[c.Name]
		switch {
		case present && s.stillSelected(c):
			d.Targets = append(d.Targets, target)
			v.Kept, v.Replicas, v.Reason = true, target.Replicas, "kept as it was: "+first.failure.message
		case present:
			withdrawn = append(withdrawn, c.Name)
		case v.Reason == "": // it passed the filters
			v.Reason = first.failure.message
		}
	}
	if len(withdrawn) > 0 {
		messages = append(messages, "no longer selected and withdrawn from "+brief.Names(withdrawn, maxNames))
	}
	d.Message = strings.Join(messages, "; ")
	d.Verdicts = s.withGone(first.verdicts)
	return d
}

// stillSelected reports whether any term, also one that was not tried, selects a cluster that is a target now.
func (s *session) stillSelected(c *clusterv1alpha1.Cluster) bool {
	for _, t := range s.plan.terms {
		if _, why := s.refuse(c, t); len(why) == 0 {
			return true
		}
	}
	return false
}

// withGone adds verdicts about previous targets that are no clusters any more.
func (s *session) withGone(verdicts []Verdict) []Verdict {
	known := len(verdicts)
	for _, t := range s.req.Previous {
		_, found := slices.BinarySearchFunc(s.clusters, t.Name, func(c *clusterv1alpha1.Cluster, name string) int {
			return cmp.Compare(c.Name, name)
		})
		if !found {
			verdicts = append(verdicts, Verdict{Cluster: t.Name, Reason: "the cluster does not exist"})
		}
	}
	if len(verdicts) > known {
		slices.SortFunc(verdicts, func(a, b Verdict) int { return cmp.Compare(a.Cluster, b.Cluster) })
	}
	return verdicts
}
