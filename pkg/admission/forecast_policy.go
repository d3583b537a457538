/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package admission

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/forecast"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/placement"
	"github.com/manifold-k8s/manifold/pkg/policy"
	"github.com/manifold-k8s/manifold/pkg/template"
)

// candidate is a template that a policy selects.
type candidate struct {
	ref  template.Ref
	read *unstructured.Unstructured // nil: the store has it
}

// propagation looks at a write of a propagation policy.
func (s *survey) propagation(ctx context.Context) error {
	pps, cpps := changeOf[*policyv1alpha1.PropagationPolicy](s.attributes), changeOf[*policyv1alpha1.ClusterPropagationPolicy](s.attributes)
	found, err := s.candidates(ctx, append(pps.selections(), cpps.selections()...))
	s.judge(ctx, found, 0, func(namespace string) (was, will forecast.State) {
		was = s.state(namespace)
		will = was
		was.Policies = placement.Policies{Namespaced: pps.before(was.Policies.Namespaced), ClusterWide: cpps.before(was.Policies.ClusterWide)}
		will.Policies = placement.Policies{Namespaced: pps.after(will.Policies.Namespaced), ClusterWide: cpps.after(will.Policies.ClusterWide)}
		return was, will
	})
	return err
}

// override looks at a write of an override policy. It concerns what has been placed, and what waits for it.
func (s *survey) override(ctx context.Context) error {
	ops, cops := changeOf[*policyv1alpha1.OverridePolicy](s.attributes), changeOf[*policyv1alpha1.ClusterOverridePolicy](s.attributes)
	selections := append(ops.selections(), cops.selections()...)
	var found []candidate
	s.cfg.Bindings.All(func(b *binding.Binding) {
		r := b.Spec.Resource
		ref := template.Ref{Kind: binding.TemplateKind(b), Namespace: r.Namespace, Name: r.Name}
		if m := s.cfg.Templates.Metadata(ref); m != nil && covered(selections, ref.Kind, m) {
			found = append(found, candidate{ref: ref})
		}
	})
	waiting, err := s.candidates(ctx, s.cfg.Policies.Dependents(s.attributes.GetNamespace(), s.attributes.GetName()))
	seen := make(map[template.Ref]bool, len(found))
	for _, c := range found {
		seen[c.ref] = true
	}
	found = append(found, slices.DeleteFunc(waiting, func(c candidate) bool { return seen[c.ref] })...)
	s.judge(ctx, found, forecastFieldsEach, func(namespace string) (was, will forecast.State) {
		was = s.state(namespace)
		will = was
		was.ClusterOverrides, was.Overrides = cops.before(was.ClusterOverrides), ops.before(was.Overrides)
		will.ClusterOverrides, will.Overrides = cops.after(will.ClusterOverrides), ops.after(will.Overrides)
		return was, will
	})
	return err
}

// judge looks at templates, as many as may be and as there is time for, and counts the rest. states are what decides about
// those of a namespace, as it is and as it would be; fields is for how many clusters the fields of each are compared.
func (s *survey) judge(ctx context.Context, found []candidate, fields int, states func(namespace string) (was, will forecast.State)) {
	perNamespace := map[string][2]forecast.State{}
	for i, c := range found {
		if i == forecastTemplates || ctx.Err() != nil {
			s.rest.Templates += len(found) - i
			return
		}
		pair, known := perNamespace[c.ref.Namespace]
		if !known {
			pair[0], pair[1] = states(c.ref.Namespace)
			perNamespace[c.ref.Namespace] = pair
		}
		tmpl := c.read
		if tmpl == nil {
			tmpl, _ = s.cfg.Templates.Get(c.ref)
		}
		if tmpl == nil || tmpl.GetDeletionTimestamp() != nil {
			continue // it has gone meanwhile, or goes
		}
		pair[0].Template, pair[1].Template = tmpl, tmpl
		change := s.look(forecast.Case{
			Before: pair[0], After: pair[1], Fields: fields,
			Binding: s.cfg.Bindings.Get(binding.KeyOf(c.ref.Namespace, c.ref.Name, c.ref.Kind.Kind)),
		})
		if !change.None() {
			change.Hidden = !s.mayRead(ctx, c.ref)
		}
	}
}

func (s *survey) mayRead(ctx context.Context, ref template.Ref) bool {
	mapping := s.cfg.Templates.Mapping(ref.Kind)
	if mapping == nil {
		var err error
		if mapping, err = s.mapping(ref.Kind); err != nil {
			return false
		}
	}
	return s.rights.read(ctx, mapping.Resource, ref.Namespace, ref.Name)
}

// mapping returns where a kind is served, of which no template may be watched.
func (s *survey) mapping(gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	return anew(s.cfg.Mapper, func() (*meta.RESTMapping, error) { return s.cfg.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version) })
}

// anew asks a mapper once more for what it does not know: the kind may have come since the kinds were read.
func anew[T any](mapper meta.ResettableRESTMapper, ask func() (T, error)) (T, error) {
	out, err := ask()
	if meta.IsNoMatchError(err) {
		mapper.Reset()
		return ask()
	}
	return out, err
}

// candidates are the templates that any of the selections covers, those that the policy has claimed first. An error says
// why they are not all.
func (s *survey) candidates(ctx context.Context, selections []policy.Selection) ([]candidate, error) {
	name := s.attributes.GetName()
	var claimed, others []candidate
	var kinds []schema.GroupVersionKind
	for _, selection := range selections {
		for _, r := range selection.Selectors {
			gvk := schema.FromAPIVersionAndKind(r.APIVersion, r.Kind)
			if ok, _ := match.Propagatable(gvk, r.Namespace, r.Name, nil); ok && !slices.Contains(kinds, gvk) {
				kinds = append(kinds, gvk)
			}
		}
	}
	for _, gvk := range kinds {
		if _, known := s.cfg.Templates.Get(template.Ref{Kind: gvk}); !known {
			read, err := s.unwatched(ctx, gvk, selections)
			if err != nil {
				return append(claimed, others...), fmt.Errorf("list objects of kind %s: %w", gvk.Kind, err)
			}
			others = append(others, read...)
			continue
		}
		s.cfg.Templates.All(gvk, func(m metav1.Object) {
			if !covered(selections, gvk, m) {
				return
			}
			c := candidate{ref: template.Ref{Kind: gvk, Namespace: m.GetNamespace(), Name: m.GetName()}}
			claim := binding.ClaimOf(m.GetLabels(), m.GetAnnotations())
			if claim.Name == name && claim.Kind == s.attributes.GetKind().Kind && claim.Namespace == s.attributes.GetNamespace() {
				claimed = append(claimed, c)
				return
			}
			others = append(others, c)
		})
	}
	return append(claimed, others...), nil
}

func covered(selections []policy.Selection, gvk schema.GroupVersionKind, m metav1.Object) bool {
	t := placement.Matchable(gvk, m)
	return slices.ContainsFunc(selections, func(s policy.Selection) bool { return s.Covers(t) })
}

// unwatched reads templates of a kind that no policy has selected so far, no more than are looked at. A kind that is not
// served has none.
func (s *survey) unwatched(ctx context.Context, gvk schema.GroupVersionKind, selections []policy.Selection) ([]candidate, error) {
	mapping, err := s.mapping(gvk)
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []candidate
	for _, selection := range selections {
		for i := range selection.Selectors {
			r := &selection.Selectors[i]
			if schema.FromAPIVersionAndKind(r.APIVersion, r.Kind) != gvk {
				continue
			}
			namespace := r.Namespace
			if namespace == "" {
				namespace = selection.Namespace
			}
			if mapping.Scope.Name() == meta.RESTScopeNameRoot {
				namespace = ""
			}
			options, err := listOptions(r)
			if err != nil {
				continue // it selects nothing
			}
			list, err := s.cfg.Objects.Resource(mapping.Resource).Namespace(namespace).List(ctx, options)
			if err != nil {
				return out, err
			}
			if left := list.GetRemainingItemCount(); left != nil {
				s.rest.Templates += int(*left)
			}
			s.rest.More = s.rest.More || (list.GetContinue() != "" && list.GetRemainingItemCount() == nil)
			for i := range list.Items {
				c := candidate{ref: template.RefOf(&list.Items[i]), read: &list.Items[i]}
				again := func(o candidate) bool { return o.ref == c.ref }
				if covered(selections, gvk, c.read) && !slices.ContainsFunc(out, again) {
					out = append(out, c)
				}
			}
		}
	}
	return out, nil
}

// unwatchedTemplates is how many objects are read at once for one selector.
const unwatchedTemplates = 100

// listOptions ask for what a selector selects.
func listOptions(r *policyv1alpha1.ResourceSelector) (metav1.ListOptions, error) {
	out := metav1.ListOptions{Limit: unwatchedTemplates}
	switch {
	case r.Name != "":
		out.FieldSelector = fields.OneTermEqualSelector("metadata.name", r.Name).String()
	case r.LabelSelector != nil:
		selector, err := metav1.LabelSelectorAsSelector(r.LabelSelector)
		if err != nil {
			return out, err
		}
		out.LabelSelector = selector.String()
	}
	return out, nil
}

// change is an object of a request as it is and as it would be; each has at most one entry.
type change[T metav1.Object] struct{ old, now []T }

// changeOf returns the object of a request, if it is of that type.
func changeOf[T metav1.Object](a admission.Attributes) (c change[T]) {
	if o, ok := a.GetOldObject().(T); ok {
		c.old = []T{o}
	}
	if o, ok := a.GetObject().(T); ok {
		c.now = []T{o}
	}
	return c
}

// selections are what a policy selects and what it would select.
func (c change[T]) selections() (out []policy.Selection) {
	for _, p := range slices.Concat(c.old, c.now) {
		if selection, ok := policy.SelectionOf(p); ok {
			out = append(out, selection)
		}
	}
	return out
}

// before and after return a list with the object as it is, and as it would be. It must be a list of the object's namespace.
func (c change[T]) before(list []T) []T { return c.in(list, c.old) }
func (c change[T]) after(list []T) []T  { return c.in(list, c.now) }

func (c change[T]) in(list, put []T) []T {
	if len(c.old)+len(c.now) == 0 {
		return list
	}
	name := slices.Concat(c.old, c.now)[0].GetName()
	return append(slices.DeleteFunc(slices.Clone(list), func(o T) bool { return o.GetName() == name }), put...)
}
