/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package manifest says what a member should hold: it puts together a binding, its template, the cluster and the
// override policies for pkg/render. It is pure.
package manifest

import (
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/render"
	"github.com/manifold-k8s/manifold/pkg/schedule"
)

// Source is all that a manifest is made of. Nothing of it is changed.
type Source struct {
	Binding  *binding.Binding
	Template *unstructured.Unstructured
	// Cluster must be a target of the binding.
	Cluster *clusterv1alpha1.Cluster
	// ClusterOverrides and Overrides are the override policies that may apply: all cluster-wide ones, and those of the
	// template's namespace.
	ClusterOverrides []*policyv1alpha1.ClusterOverridePolicy
	Overrides        []*policyv1alpha1.OverridePolicy
	// Exists says that the cluster holds a copy already, which may keep its own number of replicas.
	Exists bool
	// Autoscaled says that an autoscaler in the cluster scales the copy.
	Autoscaled bool
}

// Of returns the manifest, complete with marks and content hash. The error says which override cannot be applied.
func Of(s Source) (*unstructured.Unstructured, error) {
	return render.Render(withClaim(s.Template, s.Binding), s.target(), s.overrides())
}

// Changes returns what overrides change in the manifest, in the order in which they do. The error is that of Of.
func Changes(s Source) ([]render.Change, error) {
	return render.Changes(withClaim(s.Template, s.Binding), s.target(), s.overrides())
}

func (s Source) target() render.Target {
	b, tmpl := s.Binding, s.Template
	target := render.Target{
		Binding:     render.Binding{Namespace: b.Namespace, Name: b.Name, PermanentID: binding.PermanentID(b)},
		TemplateUID: tmpl.GetUID(), TemplateGeneration: tmpl.GetGeneration(),
		ConflictResolution: b.Spec.ConflictResolution,
	}
	if _, workload := interpret.Of(tmpl.GroupVersionKind()).Replicas(tmpl); workload {
		n := binding.Target(b, s.Cluster.Name).Replicas
		target.Replicas = &n
	}
	target.RetainReplicas, target.Autoscaled = s.Exists, s.Autoscaled
	target.Completions = completions(b, tmpl, s.Cluster.Name)
	return target
}

// completions returns this member's share of a Job's completions, nil where they are not divided.
func completions(b *binding.Binding, tmpl *unstructured.Unstructured, cluster string) *int32 {
	path := interpret.Of(tmpl.GroupVersionKind()).CompletionsPath()
	if len(path) == 0 || b.Spec.Replicas == 0 || b.Spec.Placement == nil || b.Spec.Placement.ReplicaScheduling == nil ||
		b.Spec.Placement.ReplicaScheduling.ReplicaSchedulingType == policyv1alpha1.ReplicaSchedulingTypeDuplicated {
		return nil
	}
	total, ok, err := unstructured.NestedInt64(tmpl.Object, path...)
	if err != nil || !ok {
		return nil // a Job without a number of completions is done when one pod is
	}
	share, divided := schedule.DivideCompletions(int32(total), b.Spec.Clusters, tmpl.GetUID())[cluster]
	if !divided {
		return nil // it is there because others need it, and has no share
	}
	return &share
}

// overrides returns the rules that apply to the template in this member, in their order.
func (s Source) overrides() []render.Override {
	cops, ops := s.ClusterOverrides, s.Overrides
	tmpl := s.Template
	if len(cops)+len(ops) == 0 {
		return nil
	}
	t := match.Template{
		APIVersion: tmpl.GetAPIVersion(), Kind: tmpl.GetKind(), Namespace: tmpl.GetNamespace(), Name: tmpl.GetName(), Labels: tmpl.GetLabels(),
	}
	var out []render.Override
	for _, o := range match.Overrides(t, cops, ops) {
		for i, rule := range o.Rules {
			if ok, _ := match.Cluster(s.Cluster, rule.TargetCluster); ok {
				out = append(out, render.Override{Policy: policyName(o), Rule: i, Overriders: rule.Overriders, Namespaced: o.Namespace != ""})
			}
		}
	}
	return out
}

func policyName(o match.Override) string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// withClaim returns the template with the claim that its binding has. The claim travels with the template, and the mark
// on the template itself may be written before or after the first copy is made: that must not make a difference.
func withClaim(tmpl *unstructured.Unstructured, b *binding.Binding) *unstructured.Unstructured {
	labels, annotations := maps.Clone(tmpl.GetLabels()), maps.Clone(tmpl.GetAnnotations())
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	binding.CopyClaim(labels, annotations, b.Labels, b.Annotations)
	meta, _ := tmpl.Object["metadata"].(map[string]any) // every object has metadata
	out := &unstructured.Unstructured{Object: maps.Clone(tmpl.Object)}
	out.Object["metadata"] = maps.Clone(meta)
	out.SetLabels(labels)
	out.SetAnnotations(annotations)
	return out
}

// Overwrites reports whether an object that is not ours may be taken over: the template's own word goes before the policy's.
func Overwrites(b *binding.Binding, tmpl *unstructured.Unstructured) bool {
	if tmpl != nil {
		switch tmpl.GetAnnotations()[workv1alpha2.ConflictResolutionAnnotation] {
		case workv1alpha2.ConflictResolutionOverwrite:
			return true
		case workv1alpha2.ConflictResolutionAbort:
			return false
		}
	}
	return b.Spec.ConflictResolution == policyv1alpha1.ConflictOverwrite
}
