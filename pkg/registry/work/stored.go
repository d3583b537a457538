/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package work

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/registry/kind"
	"github.com/manifold-k8s/manifold/pkg/render"
	"github.com/manifold-k8s/manifold/pkg/works"
)

// storedWork describes the Works that users make.
func storedWork() kind.Kind[*workv1alpha1.Work] {
	type object = *workv1alpha1.Work
	return kind.Kind[object]{
		Resource:    workv1alpha1.Resource("works"),
		Version:     workv1alpha1.SchemeGroupVersion.Version,
		Singular:    "work",
		ShortNames:  []string{"wk"},
		Categories:  []string{kind.Category},
		Namespaced:  true,
		Uncollected: true,
		New:         func() object { return &workv1alpha1.Work{} },
		NewList:     func() runtime.Object { return &workv1alpha1.WorkList{} },
		Spec:        func(w object) any { return w.Spec },
		CopySpec:    func(to, from object) { to.Spec = from.Spec },
		CopyStatus:  func(to, from object) { to.Status = from.Status },
		Default:     defaultWork,
		Validate:    validateWork,
		ValidateStatus: func(w object) field.ErrorList {
			return metav1validation.ValidateConditions(w.Status.Conditions, field.NewPath("status", "conditions"))
		},
		Columns: []kind.Column[object]{
			{Name: "Workload-Kind", Description: "The kinds of the manifests.", Cell: func(w object) any { return workloadKinds(w) }},
			{Name: "Applied", Description: "Whether the cluster holds the manifests as they should be.", Cell: func(w object) any {
				if c := meta.FindStatusCondition(w.Status.Conditions, workv1alpha1.WorkApplied); c != nil {
					return string(c.Status)
				}
				return ""
			}},
			kind.Age[object](),
		},
	}
}

// defaultWork gives a Work its identity, what holds it until its objects are gone, and manifests without what is true of
// an object on the hub only.
func defaultWork(w, old *workv1alpha1.Work) {
	if old == nil {
		old = w // an identity that the creator gave is kept
		if !slices.Contains(w.Finalizers, workv1alpha1.ExecutionFinalizer) {
			w.Finalizers = append(w.Finalizers, workv1alpha1.ExecutionFinalizer)
		}
	}
	kind.KeepIdentity(w, old, workv1alpha2.WorkPermanentIDLabel)
	pruned := slices.Clone(w.Spec.Workload.Manifests)
	for i := range pruned {
		manifest, err := parseManifest(pruned[i].Raw)
		if err != nil {
			continue // validation says so
		}
		if raw, err := json.Marshal(render.Prune(manifest).Object); err == nil {
			pruned[i] = runtime.RawExtension{Raw: raw}
		}
	}
	w.Spec.Workload.Manifests = pruned
}

func parseManifest(raw []byte) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	return u, nil
}

func validateWork(w *workv1alpha1.Work) field.ErrorList {
	var errs field.ErrorList
	metadata := field.NewPath("metadata")
	for _, msg := range apivalidation.NameIsDNSSubdomain(w.Name, false) {
		errs = append(errs, field.Invalid(metadata.Child("name"), w.Name, msg))
	}
	if _, ok := works.Cluster(w.Namespace); !ok {
		errs = append(errs, field.Invalid(metadata.Child("namespace"), w.Namespace,
			"a Work lives in the namespace of its cluster, "+clusterv1alpha1.ExecutionNamespacePrefix+"<cluster>"))
	}
	seen := map[string]bool{}
	path := field.NewPath("spec", "workload", "manifests")
	for i, m := range w.Spec.Workload.Manifests {
		manifest, err := parseManifest(m.Raw)
		if err != nil {
			errs = append(errs, field.Invalid(path.Index(i), strings.ToValidUTF8(string(m.Raw[:min(len(m.Raw), 64)]), ""),
				fmt.Sprintf("must be a complete object: %v", err)))
			continue
		}
		errs = append(errs, validateManifest(manifest, path.Index(i))...)
		id := fmt.Sprint(manifest.GroupVersionKind().GroupKind(), manifest.GetNamespace(), "/", manifest.GetName())
		if seen[id] {
			errs = append(errs, field.Duplicate(path.Index(i), manifest.GetKind()+" "+manifest.GetName()))
		}
		seen[id] = true
	}
	return errs
}

func validateManifest(m *unstructured.Unstructured, path *field.Path) field.ErrorList {
	errs := required(path.Child("apiVersion"), m.GetAPIVersion(), "such as apps/v1")
	errs = append(errs, required(path.Child("kind"), m.GetKind(), "such as Deployment")...)
	errs = append(errs, required(path.Child("metadata", "name"), m.GetName(), "the object's name; it is not generated")...)
	if len(errs) > 0 {
		return errs
	}
	if ok, why := match.Propagatable(m.GroupVersionKind(), m.GetNamespace(), m.GetName(), m.GetLabels()); !ok {
		errs = append(errs, field.Forbidden(path, why))
	}
	return errs
}

// workloadKinds are the kinds of the manifests, in their order.
func workloadKinds(w *workv1alpha1.Work) string {
	var kinds []string
	for _, m := range w.Spec.Workload.Manifests {
		var object struct {
			Kind string `json:"kind"`
		}
		if err := json.Unmarshal(m.Raw, &object); err == nil { // validated
			kinds = append(kinds, object.Kind)
		}
	}
	return strings.Join(kinds, ",")
}
