/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// violation is a promise that was not kept.
type violation string

// truth is what the hub has stored.
type truth struct {
	states    map[item]state // of templates and policies
	templates map[item]template
	placed    map[item]string // placement by policy
}

// read reads what the hub has stored.
func (f *federation) read(ctx context.Context) (*truth, error) {
	t := &truth{states: map[item]state{}, templates: map[item]template{}, placed: map[item]string{}}
	for _, kind := range []string{policies, deployments, configMaps} {
		for _, n := range f.namespaces {
			client, err := f.client(item{kind, n, ""})
			if err != nil {
				return nil, err
			}
			list, err := client.List(ctx, metav1.ListOptions{LabelSelector: groupLabel})
			if err != nil {
				return nil, fmt.Errorf("hub: %w", err)
			}
			for j := range list.Items {
				u := &list.Items[j]
				i := item{kind, n, u.GetName()}
				t.states[i] = stateOf(u)
				if kind == policies {
					t.placed[i] = t.states[i].value
				} else {
					t.templates[i] = template{t.states[i], u.GetUID(), policyOf(n, u.GetLabels()[groupLabel])}
				}
			}
		}
	}
	return t, nil
}

// blocked tells where something of others stands in the place of a copy.
func (f *federation) blocked(member string, i item) bool {
	_, taken := f.strangers[member][i]
	return taken
}

// settle waits until hub and members are as users want them, checks what happened in between, and closes the period: what
// is there now has to stay until somebody gives a reason. Nobody may write meanwhile. statuses says whether the
// bindings' statuses have to be there, too.
func (f *federation) settle(ctx context.Context, limit time.Duration, statuses bool) []violation {
	t, err := f.read(ctx)
	if err != nil {
		return []violation{violation(err.Error())}
	}
	out := asViolations(f.ledger.verify(t.states))
	err = apitest.Await(limit, func() error {
		var wrong []string
		for _, m := range f.members {
			w, err := f.compare(ctx, m, t)
			if err != nil {
				return err
			}
			wrong = append(wrong, w...)
		}
		w, err := f.compareBindings(ctx, t, statuses)
		if err != nil {
			return err
		}
		if wrong = append(wrong, w...); len(wrong) > 0 {
			return fmt.Errorf("%d differences:\n%s", len(wrong), strings.Join(wrong[:min(8, len(wrong))], "\n"))
		}
		return nil
	})
	if err != nil {
		out = append(out, violation(fmt.Sprintf("not settled after %v: %v", limit, err)))
	}
	for _, m := range f.members {
		reasons := func(i item) []time.Time { return f.ledger.reasons(i, m.Name) }
		out = append(out, asViolations(f.histories[m.Name].judge(reasons, f.ledger.story))...)
	}
	f.ledger.settle(t.states)
	return out
}

func asViolations(s []string) []violation {
	var out []violation
	for _, v := range s {
		out = append(out, violation(v))
	}
	return out
}

// compare returns what is wrong in a member, an error when that cannot be said.
func (f *federation) compare(ctx context.Context, m *apitest.Member, t *truth) ([]string, error) {
	got, versions, strangers := map[item]copied{}, map[item]string{}, map[item]stranger{}
	for kind, resource := range resources {
		for _, n := range f.namespaces {
			client, err := m.Objects(resource, n)
			if err != nil {
				return nil, err
			}
			list, err := client.List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
			for j := range list.Items {
				u := &list.Items[j]
				i := item{kind, n, u.GetName()}
				versions[i] = u.GetResourceVersion()
				if f.blocked(m.Name, i) {
					strangers[i] = stranger{u.GetUID(), u.GetResourceVersion()}
				} else {
					got[i] = copied{stateOf(u), types.UID(u.GetAnnotations()[workv1alpha2.TemplateUIDAnnotation])}
				}
			}
		}
	}
	h := f.histories[m.Name]
	if err := h.caughtUp(versions); err != nil {
		return nil, err
	}
	want := expect(t.templates, t.placed, f.blocked)[m.Name]
	wrong := differ(m.Name, want, got, func(i item) string { return f.ledger.story(i) + h.story(i) })
	if !maps.Equal(f.strangers[m.Name], strangers) {
		wrong = append(wrong, fmt.Sprintf("%s: objects of others are %v, were %v", m.Name, strangers, f.strangers[m.Name]))
	}
	return wrong, nil
}

// compareBindings returns what is wrong about the hub's bindings.
func (f *federation) compareBindings(ctx context.Context, t *truth, statuses bool) ([]string, error) {
	want := expect(t.templates, t.placed, func(string, item) bool { return false })
	var wrong []string
	count := 0
	for _, n := range f.namespaces {
		list, err := f.api.Manifold.WorkV1alpha2().ResourceBindings(n).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("hub: %w", err)
		}
		for j := range list.Items {
			b := &list.Items[j]
			i := item{b.Spec.Resource.Kind, n, b.Spec.Resource.Name}
			if b.Name != bindingName(i) || b.Spec.Resource.UID != t.templates[i].uid {
				wrong = append(wrong, fmt.Sprintf("binding %s/%s is of %+v, of which the hub has %+v\n%s", n, b.Name, b.Spec.Resource, t.templates[i], f.ledger.story(i)))
				continue
			}
			count++
			wrong = append(wrong, f.compareBinding(b, i, want, statuses)...)
		}
	}
	if count != len(t.templates) {
		wrong = append(wrong, fmt.Sprintf("%d bindings for %d templates", count, len(t.templates)))
	}
	return wrong, nil
}

func (f *federation) compareBinding(b *workv1alpha2.ResourceBinding, i item, want map[string]map[item]copied, statuses bool) []string {
	placed, have := map[string]int32{}, map[string]int32{}
	for _, m := range both {
		if c, ok := want[m][i]; ok {
			placed[m] = c.replicas
		}
	}
	for _, c := range b.Spec.Clusters {
		have[c.Name] = c.Replicas
	}
	if !maps.Equal(placed, have) || b.DeletionTimestamp != nil {
		return []string{fmt.Sprintf("the binding of %s has clusters %v, deleted %v, want %v\n%s", i, have, b.DeletionTimestamp, placed, f.ledger.story(i))}
	}
	if !statuses || i.name == standsInTheWay {
		return nil
	}
	var named []string
	for _, s := range b.Status.AggregatedStatus {
		named = append(named, s.ClusterName)
	}
	slices.Sort(named)
	if !slices.Equal(named, slices.Sorted(maps.Keys(placed))) || !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.FullyApplied) {
		return []string{fmt.Sprintf("the binding of %s has the status %+v", i, b.Status)}
	}
	return nil
}
