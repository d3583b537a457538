/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/brief"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/match"
)

// Attachable reports whether a template may follow others to their clusters. What is barred, or in no namespace, does not.
func Attachable(gvk schema.GroupVersionKind, t metav1.Object, skipped match.Namespaces) bool {
	return t.GetNamespace() != "" && Barred(gvk, t, skipped) == ""
}

// ObjectOf returns what references are compared with of a template.
func ObjectOf(gvk schema.GroupVersionKind, t metav1.Object) binding.Object {
	return binding.Object{Kind: gvk.GroupKind(), Namespace: t.GetNamespace(), Name: t.GetName(), Labels: t.GetLabels()}
}

// refer makes next say what its template refers to, if that is to follow it. As long as it cannot be told, next says what it
// said before.
func refer(tmpl *unstructured.Unstructured, next *binding.Binding) error {
	if next.Namespace == "" || !next.Spec.PropagateDeps {
		delete(next.Annotations, workv1alpha2.DependenciesAnnotation)
		return nil
	}
	refs, err := interpret.Of(tmpl.GroupVersionKind()).Dependencies(tmpl)
	if err != nil {
		return err
	}
	if refs == nil {
		refs = []interpret.Dependency{} // none, and that is known
	}
	data, err := json.Marshal(refs)
	if err != nil {
		panic(err) // plain data
	}
	next.Annotations[workv1alpha2.DependenciesAnnotation] = string(data)
	return nil
}

// require makes next say who needs its template, and where. The order of requirers does not matter.
func require(requirers []*binding.Binding, next *binding.Binding) {
	if len(requirers) == 0 && len(next.Spec.RequiredBy) == 0 {
		return
	}
	if next.Labels == nil {
		next.Labels = map[string]string{}
	}
	next.Spec.RequiredBy = nil
	maps.DeleteFunc(next.Labels, func(k, _ string) bool { return strings.HasPrefix(k, workv1alpha2.DependedByLabelPrefix) })
	for _, r := range sorted(requirers) {
		next.Spec.RequiredBy = append(next.Spec.RequiredBy, binding.Requirement(r))
		next.Labels[binding.DependedByLabel(binding.Key(r))] = binding.PermanentID(r)
	}
}

func sorted(requirers []*binding.Binding) []*binding.Binding {
	return slices.SortedFunc(slices.Values(requirers), binding.ByName)
}

// attach fills in the binding of a template that nobody governs and others need. Copies that a former policy placed stay
// where they are, by the settings of that policy; without any, those of the bindings that need it hold. It returns how
// these differ, if they do.
func attach(in Input, next *binding.Binding) (dispute string) {
	unclaim(next)
	next.Spec.Suspension = suspension(nil, next.Spec.Suspension)
	DropLeaving(next, in.Clusters)
	if len(next.Spec.Clusters) > 0 {
		return ""
	}
	next.Spec.Placement, next.Spec.SchedulerName, next.Spec.Failover, next.Spec.PropagateDeps = nil, "", nil, false
	delete(next.Annotations, policyv1alpha1.AppliedPlacementAnnotation)
	delete(next.Annotations, workv1alpha2.DependenciesAnnotation)
	next.Status.SchedulerObservedGeneration, next.Status.SchedulerObservedAffinityName, next.Status.LastScheduledTime = 0, "", nil
	meta.RemoveStatusCondition(&next.Status.Conditions, workv1alpha2.Scheduled)
	return settle(sorted(in.Requirers), &next.Spec)
}

// settle takes over what the bindings that need a template say about its copies: the stronger word of each kind counts.
func settle(requirers []*binding.Binding, spec *workv1alpha2.ResourceBindingSpec) (dispute string) {
	var overwrite, preserve []string
	for _, r := range requirers {
		if r.Spec.ConflictResolution == policyv1alpha1.ConflictOverwrite {
			overwrite = append(overwrite, r.Name)
		}
		if p := r.Spec.PreserveResourcesOnDeletion; p != nil && *p {
			preserve = append(preserve, r.Name)
		}
	}
	spec.ConflictResolution = policyv1alpha1.ConflictAbort
	if len(overwrite) > 0 {
		spec.ConflictResolution = policyv1alpha1.ConflictOverwrite
	}
	spec.PreserveResourcesOnDeletion = nil
	if len(preserve) > 0 {
		yes := true
		spec.PreserveResourcesOnDeletion = &yes
	}
	var out []string
	differ := func(who []string, says string) {
		if len(who) > 0 && len(who) < len(requirers) {
			out = append(out, fmt.Sprintf("%s by the word of %s, though not of all %d bindings that need it", says, brief.Names(who, maxRequirers), len(requirers)))
		}
	}
	differ(overwrite, "conflictResolution: Overwrite holds")
	differ(preserve, "preserveResourcesOnDeletion: true holds")
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, "; ") + "; a policy of its own would decide"
}

// maxRequirers bounds how many bindings a message names.
const maxRequirers = 4

// Release returns the binding of a template that nobody governs and nobody needs. What a policy has placed stays as it is.
// done says that nothing was placed but by others that do not need it any more: then the binding has to go.
func Release(old *binding.Binding, clusters []*clusterv1alpha1.Cluster) (next *binding.Binding, done bool) {
	next = old.DeepCopy()
	if next.Labels != nil && next.Annotations != nil {
		unclaim(next)
	}
	require(nil, next)
	DropLeaving(next, clusters)
	Remember(old, next)
	return next, len(old.Spec.RequiredBy) > 0 && len(next.Spec.Clusters) == 0
}

// Standing returns, for those who ask what would be decided and not who needs the template, the bindings that b says need
// it, with no more than b says of them. b may be nil.
func Standing(b *binding.Binding) []*binding.Binding {
	if b == nil {
		return nil
	}
	var out []*binding.Binding
	for i := range b.Spec.RequiredBy {
		entry := &b.Spec.RequiredBy[i]
		by := &binding.Binding{ObjectMeta: metav1.ObjectMeta{Namespace: entry.Namespace, Name: entry.Name}}
		by.Labels = map[string]string{workv1alpha2.ResourceBindingPermanentIDLabel: b.Labels[binding.DependedByLabel(KeyOfSnapshot(entry))]}
		by.Spec.Clusters = entry.Clusters
		out = append(out, by)
	}
	return out
}

// unclaim takes the claim off b. Whoever claims it next begins anew.
func unclaim(b *binding.Binding) {
	binding.SetClaim(b.Labels, b.Annotations, nil)
	delete(b.Annotations, workv1alpha2.LazyTemplateAnnotation)
}

// Hold returns the binding of a template whose policy has to wait: what is in force stays, while those who need the
// template come and go.
func Hold(old *binding.Binding, requirers []*binding.Binding, clusters []*clusterv1alpha1.Cluster) *binding.Binding {
	next := old.DeepCopy()
	require(requirers, next)
	DropLeaving(next, clusters)
	Remember(old, next)
	return next
}

// Verdict says whether a binding that is said to need an object still does.
type Verdict string

// The verdicts.
const (
	Needed  Verdict = "Needed"
	Ended   Verdict = "Ended"
	Unknown Verdict = "Unknown" // it may be; what decides about it is not known yet
)

// StillNeeds judges whether by, a binding that is said to need o, does so still, although the references that it lists may
// not say so. Only what is certain ends a need: by is gone for certain (nil), nothing follows it any more, or its template
// does not refer to o. tmpl is that template, nil while it is not known or when there is none. It goes before the list,
// which somebody else may have changed. When no policy governs it, the copies are what the list was made from.
func StillNeeds(by *binding.Binding, tmpl *unstructured.Unstructured, o binding.Object) Verdict {
	if !binding.TakesAlong(by) {
		return Ended
	}
	refs, listed := binding.Dependencies(by)
	switch {
	case listed && binding.Refer(by.Namespace, refs, o):
		return Needed
	case listed && !binding.Claimed(by):
		return Ended
	case tmpl == nil || tmpl.GetUID() != by.Spec.Resource.UID:
		return Unknown // the binding goes too, unless it was orphaned on purpose
	}
	refs, err := interpret.Of(tmpl.GroupVersionKind()).Dependencies(tmpl)
	if err != nil || binding.Refer(by.Namespace, refs, o) {
		return Unknown // the list follows
	}
	return Ended
}

// KeyOfSnapshot returns the key of the binding that an entry in spec.requiredBy is about.
func KeyOfSnapshot(s *workv1alpha2.BindingSnapshot) types.NamespacedName {
	return types.NamespacedName{Namespace: s.Namespace, Name: s.Name}
}
