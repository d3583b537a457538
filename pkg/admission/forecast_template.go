/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package admission

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"

	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/forecast"
	"github.com/manifold-k8s/manifold/pkg/interpret"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/template"
)

var errUnread = errors.New("the server is still reading the objects of this kind")

// template looks at a write of an object that may be one.
func (s *survey) template(o admission.ObjectInterfaces) error {
	old, now := s.attributes.GetOldObject(), s.attributes.GetObject()
	was, _ := meta.Accessor(old) // nil without an object
	is, _ := meta.Accessor(now)
	named := is
	if named == nil {
		named = was
	}
	gvk := schema.GroupVersionKind(s.attributes.GetKind())
	b := s.cfg.Bindings.Get(binding.KeyOf(named.GetNamespace(), named.GetName(), gvk.Kind))
	gvk, placed := s.version(gvk, b, was, is)
	if !placed {
		return nil // nobody sends it anywhere, before and after
	}
	if was != nil && (b == nil || b.Spec.Resource.UID != was.GetUID()) {
		ref := template.Ref{Kind: gvk, Namespace: was.GetNamespace(), Name: was.GetName()}
		stored, known := s.cfg.Templates.Get(ref)
		switch {
		case !known:
			return errUnread
		case stored == nil, stored.GetUID() != was.GetUID():
			return nil // what a member owns, and no template
		}
	}
	state := s.state(named.GetNamespace())
	c := forecast.Case{Before: state, After: state, Binding: b, Orphan: orphans(s.attributes), Fields: forecastFields}
	var err error
	if c.Before.Template, err = convert(o, old, gvk); err != nil {
		return err
	}
	if c.After.Template, err = convert(o, now, gvk); err != nil {
		return err
	}
	s.look(c)
	return nil
}

// state is what is stored about templates of a namespace.
func (s *survey) state(namespace string) forecast.State {
	out := forecast.State{Policies: s.policies(namespace)}
	out.ClusterOverrides, out.Overrides = s.cfg.Policies.Overrides(namespace)
	return out
}

func (s *survey) policies(namespace string) placement.Policies {
	pps, cpps := s.cfg.Policies.Propagation(namespace)
	return placement.Policies{Namespaced: pps, ClusterWide: cpps}
}

// version returns the version of a kind in which an object is placed, which need not be the one in which it is written,
// and whether it is, in any of its states.
func (s *survey) version(gvk schema.GroupVersionKind, b *binding.Binding, states ...metav1.Object) (schema.GroupVersionKind, bool) {
	if b != nil && binding.TemplateKind(b).GroupKind() == gvk.GroupKind() {
		return binding.TemplateKind(b), true
	}
	versions := s.cfg.Templates.Versions(gvk.GroupKind())
	slices.SortFunc(versions, func(a, b schema.GroupVersionKind) int { return strings.Compare(a.Version, b.Version) })
	for _, v := range append([]schema.GroupVersionKind{gvk}, versions...) {
		for _, o := range states {
			if o != nil && placement.Govern(v, o, s.policies(o.GetNamespace()), s.cfg.Skipped).Any() {
				return v, true
			}
		}
	}
	return gvk, false
}

// convert returns an object of a request in the form in which templates are handled; nil for none.
func convert(o admission.ObjectInterfaces, obj runtime.Object, gvk schema.GroupVersionKind) (*unstructured.Unstructured, error) {
	if obj == nil {
		return nil, nil
	}
	obj = obj.DeepCopyObject() // conversion may share memory with it
	if obj.GetObjectKind().GroupVersionKind() != gvk {
		converted, err := o.GetObjectConvertor().ConvertToVersion(obj, gvk.GroupVersion())
		if err != nil {
			return nil, fmt.Errorf("convert to %s: %w", gvk.GroupVersion(), err)
		}
		obj = converted
	}
	out, ok := obj.(*unstructured.Unstructured)
	if !ok {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
		if err != nil {
			return nil, fmt.Errorf("read the object: %w", err)
		}
		out = &unstructured.Unstructured{Object: content}
	}
	out.SetGroupVersionKind(gvk)
	out.SetManagedFields(nil)
	return out, nil
}

// orphans reports whether a deletion leaves alone what depends on the object.
func orphans(a admission.Attributes) bool {
	options, ok := a.GetOperationOptions().(*metav1.DeleteOptions)
	if !ok || options == nil {
		return false
	}
	if how := options.PropagationPolicy; how != nil {
		return *how == metav1.DeletePropagationOrphan
	}
	return options.OrphanDependents != nil && *options.OrphanDependents //nolint:staticcheck // deprecated, and still sent
}

// scale looks at a change of the number of replicas alone.
func (s *survey) scale(o admission.ObjectInterfaces) error {
	a := s.attributes
	gvk, err := anew(s.cfg.Mapper, func() (schema.GroupVersionKind, error) { return s.cfg.Mapper.KindFor(a.GetResource()) })
	if err != nil {
		return fmt.Errorf("find the kind of %s: %w", a.GetResource().Resource, err)
	}
	b := s.cfg.Bindings.Get(binding.KeyOf(a.GetNamespace(), a.GetName(), gvk.Kind))
	if b == nil {
		return nil
	}
	gvk, _ = s.version(gvk, b)
	path := interpret.Of(gvk).ReplicaPath()
	stored, known := s.cfg.Templates.Get(template.Ref{Kind: gvk, Namespace: a.GetNamespace(), Name: a.GetName()})
	switch {
	case !known:
		return errUnread
	case stored == nil, len(path) == 0:
		return nil
	}
	asked, err := convert(o, a.GetObject(), schema.GroupVersionKind(a.GetKind()))
	if err != nil || asked == nil {
		return err
	}
	replicas, _, err := unstructured.NestedInt64(asked.Object, "spec", "replicas")
	if err != nil {
		return fmt.Errorf("read the number of replicas: %w", err)
	}
	scaled := stored.DeepCopy()
	if err := unstructured.SetNestedField(scaled.Object, replicas, path...); err != nil {
		return fmt.Errorf("set the number of replicas: %w", err)
	}
	c := forecast.Case{Before: s.state(a.GetNamespace()), After: s.state(a.GetNamespace()), Binding: b}
	c.Before.Template, c.After.Template = stored, scaled
	s.look(c)
	return nil
}
