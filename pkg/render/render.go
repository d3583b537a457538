/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/interpret"
)

// Override is one rule of an override policy that matches both the template and the cluster.
type Override struct {
	Policy     string // kind and name for messages, such as "OverridePolicy default/x"
	Rule       int    // index in the policy's spec.overrideRules
	Overriders policyv1alpha1.Overriders
	// Namespaced says that the policy is an OverridePolicy: whoever wrote it may have no say about rights.
	Namespaced bool
}

// Binding identifies the binding that places a template. It is a ClusterResourceBinding when Namespace is empty. The
// zero value means that none does, as with namespaces, which follow what is placed in them.
type Binding struct {
	Namespace, Name string
	PermanentID     string
}

// Target is what the binding says about the cluster that a manifest is for.
type Target struct {
	// Replicas is the cluster's share. nil leaves the template's number; kinds without replicas ignore it.
	Replicas *int32
	// Completions is the cluster's share of a Job's completions. nil leaves the template's number.
	Completions *int32
	// RetainReplicas says that the member has the object already, so that it can keep its own number of replicas if the
	// label resourcetemplate.karmada.io/retain-replicas asks for that, or an autoscaler is there; see Render.
	RetainReplicas bool
	// Autoscaled says that an autoscaler in the member scales the object. The label with the value "false" goes before.
	Autoscaled bool

	Binding            Binding
	TemplateUID        types.UID
	TemplateGeneration int64 // 0 for kinds that do not count
	ConflictResolution policyv1alpha1.ConflictResolution
}

// OverrideError reports an override that does not fit the template.
type OverrideError struct {
	Policy string // as in Override
	Rule   int
	Path   string // the overrider inside the rule, such as "overriders.plaintext[0]"
	Err    error
}

func (e *OverrideError) Error() string {
	return fmt.Sprintf("%s, rule %d, %s: %v", e.Policy, e.Rule, e.Path, e.Err)
}

func (e *OverrideError) Unwrap() error { return e.Err }

// Render returns the manifest that the target's cluster gets: tmpl with the overrides applied in the order given. It
// changes none of its arguments and shares nothing with them. An override that does not fit gives an *OverrideError and
// no manifest: half an override is worse than none.
//
// A manifest that retains replicas has no spec.replicas. To the API server that means giving the field up, and a field
// that nobody owns falls back to its default of one. So before the first apply without it, the caller must see to it
// that another field manager owns spec.replicas with the live value, as an autoscaler does, or apply it under a second
// manager of its own.
func Render(tmpl *unstructured.Unstructured, target Target, overrides []Override) (*unstructured.Unstructured, error) {
	out, err := base(tmpl, target)
	if err != nil {
		return nil, err
	}
	for _, o := range overrides {
		if err := o.apply(out); err != nil {
			return nil, err
		}
	}
	if err := finish(out, target, len(overrides) > 0); err != nil {
		return nil, err
	}
	return out, nil
}

// finish makes a manifest of what overrides, if any, left of the base.
func finish(out *unstructured.Unstructured, target Target, overridden bool) error {
	if overridden {
		pruneAgain(out.Object)
	}
	if path := ScalePath(out); target.RetainReplicas && path != nil && leavesReplicas(out, target.Autoscaled) {
		unstructured.RemoveNestedField(out.Object, path...)
	}
	return stamp(out, target)
}

// base is what overrides start from: the template without what is the hub's, and with the target's share.
func base(tmpl *unstructured.Unstructured, target Target) (*unstructured.Unstructured, error) {
	out := prune(tmpl)
	kind := interpret.Of(tmpl.GroupVersionKind())
	if err := setCount(out.Object, kind.ReplicaPath(), target.Replicas); err != nil {
		return nil, err
	}
	if err := setCount(out.Object, kind.CompletionsPath(), target.Completions); err != nil {
		return nil, err
	}
	return out, nil
}

// ScalePath returns where an object holds the number of replicas that an autoscaler can set: spec.replicas, or nil if it
// has none. Of kinds without rules of their own, an object that has the field is taken to mean it so.
func ScalePath(obj *unstructured.Unstructured) []string {
	if path := interpret.Of(obj.GroupVersionKind()).ReplicaPath(); len(path) > 0 {
		if path[len(path)-1] == "replicas" {
			return path
		}
		return nil // such as a Job's parallelism
	}
	path := []string{"spec", "replicas"}
	if _, ok, err := unstructured.NestedInt64(obj.Object, path...); err != nil || !ok {
		return nil
	}
	return path
}

// leavesReplicas reports whether the number of replicas is the member's. The label decides, whatever there is.
func leavesReplicas(manifest *unstructured.Unstructured, autoscaled bool) bool {
	switch manifest.GetLabels()[workv1alpha2.RetainReplicasLabel] {
	case workv1alpha2.RetainReplicasValue:
		return true
	case "false":
		return false
	}
	return autoscaled
}

func setCount(obj map[string]any, path []string, n *int32) error {
	if n == nil || len(path) == 0 {
		return nil
	}
	if err := unstructured.SetNestedField(obj, int64(*n), path...); err != nil {
		return fmt.Errorf("set the number of replicas: %w", err)
	}
	return nil
}

// stamp marks the manifest as ours and says where it comes from. The hash comes last and covers all the rest, the
// template's generation included: the member's status says by it which generation it speaks of, so a new generation
// has to reach the member even if nothing else changed.
func stamp(manifest *unstructured.Unstructured, t Target) error {
	metadata, err := objectIn(manifest.Object, "metadata")
	if err != nil {
		return err
	}
	labels, err := objectIn(metadata, "labels")
	if err != nil {
		return err
	}
	annotations, err := objectIn(metadata, "annotations")
	if err != nil {
		return err
	}
	labels[workv1alpha2.ManagedLabel] = workv1alpha2.ManagedLabelValue
	switch {
	case t.Binding == Binding{}:
	case t.Binding.Namespace == "":
		labels[workv1alpha2.ClusterResourceBindingPermanentIDLabel] = t.Binding.PermanentID
		annotations[workv1alpha2.ClusterResourceBindingNameAnnotation] = t.Binding.Name
	default:
		labels[workv1alpha2.ResourceBindingPermanentIDLabel] = t.Binding.PermanentID
		annotations[workv1alpha2.ResourceBindingNamespaceAnnotation] = t.Binding.Namespace
		annotations[workv1alpha2.ResourceBindingNameAnnotation] = t.Binding.Name
	}
	annotations[workv1alpha2.TemplateUIDAnnotation] = string(t.TemplateUID)
	delete(annotations, workv1alpha2.TemplateGenerationAnnotation)
	if t.TemplateGeneration > 0 {
		annotations[workv1alpha2.TemplateGenerationAnnotation] = strconv.FormatInt(t.TemplateGeneration, 10)
	}
	annotations[workv1alpha2.ConflictResolutionAnnotation] = conflictResolution(annotations, t.ConflictResolution)
	annotations[workv1alpha2.ContentHashAnnotation] = Hash(manifest)
	return nil
}

// conflictResolution is what the template says, else what the policy says.
func conflictResolution(annotations map[string]any, policy policyv1alpha1.ConflictResolution) string {
	switch own := annotations[workv1alpha2.ConflictResolutionAnnotation]; own {
	case workv1alpha2.ConflictResolutionOverwrite, workv1alpha2.ConflictResolutionAbort:
		return own.(string)
	}
	if policy == policyv1alpha1.ConflictOverwrite {
		return workv1alpha2.ConflictResolutionOverwrite
	}
	return workv1alpha2.ConflictResolutionAbort
}

// objectIn returns the object under key, a new one when there is none.
func objectIn(parent map[string]any, key string) (map[string]any, error) {
	switch v := parent[key].(type) {
	case nil:
		m := map[string]any{}
		parent[key] = m
		return m, nil
	case map[string]any:
		return v, nil
	default:
		return nil, fmt.Errorf("%s is no object but %T", key, v)
	}
}
