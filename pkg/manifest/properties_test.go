/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package manifest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/render"
)

// web is a Deployment with something for every overrider.
func web() *unstructured.Unstructured {
	container := func(name string) any {
		return map[string]any{"name": name, "image": "registry.example.com/web:1", "command": []any{"serve"}, "args": []any{"--port", "80"}}
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{
			"name": "web", "namespace": "ns", "uid": "u", "generation": int64(3),
			"labels": map[string]any{"app": "web"}, "annotations": map[string]any{"doc": `{"list":[1,2]}`},
		},
		"spec": map[string]any{"replicas": int64(7), "template": map[string]any{"spec": map[string]any{"containers": []any{container("a"), container("b")}}}},
	}}
}

// source is a binding of web to a cluster with a label and a region, and any override policies: of some nothing applies,
// of some a rule does not fit.
func source(r *rand.Rand) Source {
	s := Source{Template: web(), Binding: &binding.Binding{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web-deployment"}}}
	s.Binding.Spec.Clusters = []workv1alpha2.TargetCluster{{Name: "m1", Replicas: 4}}
	s.Cluster = &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "m1", Labels: map[string]string{"tier": "front"}}}
	s.Cluster.Spec.Region = "north"
	for i := range r.IntN(4) {
		s.ClusterOverrides = append(s.ClusterOverrides, &policyv1alpha1.ClusterOverridePolicy{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("p", i)}, Spec: spec(r)})
	}
	for i := range r.IntN(4) {
		s.Overrides = append(s.Overrides, &policyv1alpha1.OverridePolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: []string{"ns", "ns", "elsewhere"}[r.IntN(3)], Name: fmt.Sprint("p", i)}, Spec: spec(r)})
	}
	return s
}

func spec(r *rand.Rand) (out policyv1alpha1.OverrideSpec) {
	labelled := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	out.ResourceSelectors = [][]policyv1alpha1.ResourceSelector{
		nil,
		{{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "ns", Name: "web"}},
		{{APIVersion: "apps/v1", Kind: "Deployment", LabelSelector: labelled}},
		{{APIVersion: "v1", Kind: "ConfigMap"}, {APIVersion: "apps/v1", Kind: "Deployment"}},
		{{APIVersion: "v1", Kind: "ConfigMap"}},
	}[r.IntN(5)]
	for range r.IntN(3) {
		out.OverrideRules = append(out.OverrideRules, policyv1alpha1.RuleWithCluster{TargetCluster: affinity(r), Overriders: overriders(r)})
	}
	if len(out.OverrideRules) == 0 { // the deprecated form
		out.TargetCluster, out.Overriders = affinity(r), overriders(r)
	}
	return out
}

func affinity(r *rand.Rand) *policyv1alpha1.ClusterAffinity {
	return []*policyv1alpha1.ClusterAffinity{
		nil, {}, {ClusterNames: []string{"m1", "m2"}}, {ExcludeClusters: []string{"m1"}},
		{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "front"}}},
	}[r.IntN(5)]
}

// overriders of all kinds, most of which fit the template.
func overriders(r *rand.Rand) (o policyv1alpha1.Overriders) {
	value := func() string { return fmt.Sprint("v", r.IntN(3)) }
	raw := func(s string) apiextensionsv1.JSON { return apiextensionsv1.JSON{Raw: []byte(s)} }
	ops := []policyv1alpha1.OverriderOperator{"add", "remove", "replace"}
	for range 1 + r.IntN(3) {
		op := ops[r.IntN(3)]
		switch r.IntN(7) {
		case 0:
			o.ImageOverrider = append(o.ImageOverrider, policyv1alpha1.ImageOverrider{
				Component: []policyv1alpha1.ImageComponent{"Registry", "Repository", "Tag"}[r.IntN(3)], Operator: op, Value: value()})
		case 1:
			o.CommandOverrider = append(o.CommandOverrider, policyv1alpha1.CommandArgsOverrider{ContainerName: "a", Operator: ops[r.IntN(2)], Value: []string{value(), "serve"}})
		case 2:
			o.ArgsOverrider = append(o.ArgsOverrider, policyv1alpha1.CommandArgsOverrider{ContainerName: "b", Operator: ops[r.IntN(2)], Value: []string{value(), "80"}})
		case 3:
			o.LabelsOverrider = append(o.LabelsOverrider, policyv1alpha1.LabelAnnotationOverrider{Operator: op, Value: map[string]string{"app": value(), "x": value()}})
		case 4:
			o.AnnotationsOverrider = append(o.AnnotationsOverrider, policyv1alpha1.LabelAnnotationOverrider{Operator: op, Value: map[string]string{"note": value()}})
		case 5:
			o.FieldOverrider = append(o.FieldOverrider, policyv1alpha1.FieldOverrider{FieldPath: "/metadata/annotations/doc",
				JSON: []policyv1alpha1.JSONPatchOperation{{SubPath: "/list/0", Operator: ops[2*r.IntN(2)], Value: raw(`{"a":[1]}`)}}})
		case 6:
			path := []string{"/spec/replicas", "/spec/template/spec/containers/0/env", "/spec/template/spec/containers/1/env", "/spec/no/such"}[r.IntN(4)]
			o.Plaintext = append(o.Plaintext, policyv1alpha1.PlaintextOverrider{Path: path, Operator: "add", Value: raw(`[{"name":"A","value":"1"}]`)})
		}
	}
	return o
}

func (s Source) copied() Source {
	out := Source{Binding: s.Binding.DeepCopy(), Template: s.Template.DeepCopy(), Cluster: s.Cluster.DeepCopy()}
	for _, p := range s.ClusterOverrides {
		out.ClusterOverrides = append(out.ClusterOverrides, p.DeepCopy())
	}
	for _, p := range s.Overrides {
		out.Overrides = append(out.Overrides, p.DeepCopy())
	}
	return out
}

// Rendering depends on what there is and on nothing else: not on the order in which policies are given, not on what was
// rendered before. It leaves its input as it is, and the manifest shares nothing with it.
func TestProperties(t *testing.T) {
	t.Parallel()
	fitted, failed := 0, 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 5))
		s := source(r)
		before := s.copied()
		first, err := Of(s)
		if err != nil {
			failed++
		} else {
			fitted++
		}
		shuffled := s
		shuffled.ClusterOverrides, shuffled.Overrides = slices.Clone(s.ClusterOverrides), slices.Clone(s.Overrides)
		r.Shuffle(len(s.ClusterOverrides), reflect.Swapper(shuffled.ClusterOverrides))
		r.Shuffle(len(s.Overrides), reflect.Swapper(shuffled.Overrides))
		for what, other := range map[string]Source{"once more": s, "in another order": shuffled, "of copies": before} {
			again, errAgain := Of(other)
			if fmt.Sprint(err) != fmt.Sprint(errAgain) || !reflect.DeepEqual(first, again) {
				t.Fatalf("seed %d, %s: %v, then %v (-first +second):\n%s", seed, what, err, errAgain, cmp.Diff(first, again))
			}
			if first != nil && render.Hash(first) != render.Hash(again) {
				t.Fatalf("seed %d, %s: another hash", seed, what)
			}
		}
		if first != nil {
			scribble(first.Object)
		}
		if !reflect.DeepEqual(before, s) {
			t.Fatalf("seed %d: the input was changed (-before +after):\n%s", seed, cmp.Diff(before, s))
		}
	}
	if fitted < 300 || failed < 100 {
		t.Errorf("%d sources had a manifest, %d did not: that proves little", fitted, failed)
	}
}

// Policies of which nothing applies change nothing.
func TestNoOverrideIsIdentity(t *testing.T) {
	t.Parallel()
	elsewhere := &policyv1alpha1.ClusterAffinity{ClusterNames: []string{"m2"}}
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 6))
		s := source(r)
		bare := s
		bare.ClusterOverrides, bare.Overrides = nil, nil
		for _, p := range s.ClusterOverrides {
			for i := range p.Spec.OverrideRules {
				p.Spec.OverrideRules[i].TargetCluster = elsewhere
			}
			p.Spec.TargetCluster = elsewhere
		}
		for _, p := range s.Overrides {
			p.Namespace = "elsewhere"
		}
		want, err := Of(bare)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Of(s)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("seed %d (-without +with):\n%s", seed, cmp.Diff(want, got))
		}
	}
}

// scribble changes every object and list below v, so that sharing shows.
func scribble(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, e := range v {
			scribble(e)
			v[key] = "scribbled over " + key
		}
	case []any:
		for i, e := range v {
			scribble(e)
			v[i] = "scribbled over"
		}
	}
}
