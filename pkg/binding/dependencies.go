/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package binding

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/interpret"
)

// TakesAlong reports whether what the template of b refers to goes where b's copies go. Nothing follows a cluster-wide
// object, one that is going, or one that is in no cluster. b may be nil.
func TakesAlong(b *Binding) bool {
	return b != nil && b.Spec.PropagateDeps && b.Namespace != "" && b.DeletionTimestamp == nil && len(b.Spec.Clusters) > 0
}

// Dependencies returns what the template of b refers to, as b says it. known is false as long as b does not say.
func Dependencies(b *Binding) (refs []interpret.Dependency, known bool) {
	text, ok := b.Annotations[workv1alpha2.DependenciesAnnotation]
	if !ok || json.Unmarshal([]byte(text), &refs) != nil {
		return nil, false
	}
	return refs, true
}

// Object is what references are compared with.
type Object struct {
	Kind            schema.GroupKind // in whatever version
	Namespace, Name string
	Labels          map[string]string
}

// Refer reports whether one of the references of an object in that namespace is to o. They reach no other namespace:
// whoever may write in one could else have another's Secrets sent to members. A name goes before a selector, and one that
// cannot be read refers to nothing.
func Refer(namespace string, refs []interpret.Dependency, o Object) bool {
	if namespace == "" || namespace != o.Namespace {
		return false
	}
	return slices.ContainsFunc(refs, func(d interpret.Dependency) bool {
		switch {
		case kindOf(d) != o.Kind || d.Namespace != "" && d.Namespace != namespace:
			return false
		case d.Name != "":
			return d.Name == o.Name
		case d.LabelSelector == nil:
			return false
		}
		s, err := metav1.LabelSelectorAsSelector(d.LabelSelector)
		return err == nil && s.Matches(labels.Set(o.Labels))
	})
}

func kindOf(d interpret.Dependency) schema.GroupKind {
	return schema.FromAPIVersionAndKind(d.APIVersion, d.Kind).GroupKind()
}

// Requirement is the entry in spec.requiredBy of what by needs.
func Requirement(by *Binding) workv1alpha2.BindingSnapshot {
	entry := workv1alpha2.BindingSnapshot{Namespace: by.Namespace, Name: by.Name, Clusters: by.Spec.Clusters}
	return *entry.DeepCopy()
}

// DependedByLabel is the key of the label by which what the template of a binding needs names that binding.
func DependedByLabel(by types.NamespacedName) string {
	return workv1alpha2.DependedByLabelPrefix + Code(by.Namespace+"/"+by.Name)
}

// ByName orders bindings by namespace and name.
func ByName(a, b *Binding) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

// Indexes of bindings, by what their templates refer to and by who needs them.
const (
	byReference = "reference"
	byRequirer  = "requirer"
)

// referenceKey is that of an object in byReference; with an empty name, that of all selectors of its kind.
func referenceKey(kind schema.GroupKind, namespace, name string) string {
	return kind.String() + "/" + namespace + "/" + name
}

func referenceKeys(b *Binding) []string {
	if !TakesAlong(b) {
		return nil
	}
	refs, _ := Dependencies(b)
	out := make([]string, 0, len(refs))
	for _, d := range refs {
		out = append(out, referenceKey(kindOf(d), b.Namespace, d.Name))
	}
	return out
}

func requirerKeys(b *Binding) []string {
	var out []string
	for i := range b.Spec.RequiredBy {
		out = append(out, b.Spec.RequiredBy[i].Namespace+"/"+b.Spec.RequiredBy[i].Name)
	}
	return out
}

// Requirers returns the bindings whose templates need o beside them, other than its own, in the order of their names.
func (s *Store) Requirers(o Object) []*Binding {
	if o.Namespace == "" {
		return nil
	}
	var out []*Binding
	for _, name := range []string{o.Name, ""} {
		objs, err := s.namespaced.GetIndexer().ByIndex(byReference, referenceKey(o.Kind, o.Namespace, name))
		if err != nil {
			continue // the index is made with the store
		}
		for _, obj := range objs {
			b := view(obj)
			if refs, _ := Dependencies(b); Refer(b.Namespace, refs, o) && Key(b) != KeyOf(o.Namespace, o.Name, o.Kind.Kind) {
				out = append(out, b)
			}
		}
	}
	slices.SortFunc(out, ByName)
	return slices.CompactFunc(out, func(a, b *Binding) bool { return Key(a) == Key(b) })
}

// RequiredBy calls f for every binding that says it is needed by that one.
func (s *Store) RequiredBy(by types.NamespacedName, f func(*Binding)) {
	objs, err := s.namespaced.GetIndexer().ByIndex(byRequirer, by.String())
	if err != nil {
		return // the index is made with the store
	}
	for _, obj := range objs {
		f(view(obj))
	}
}
