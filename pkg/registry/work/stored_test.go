/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package work

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

func madeWork(manifests ...string) *workv1alpha1.Work {
	w := &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{Namespace: "karmada-es-m1", Name: "w"}}
	for _, m := range manifests {
		w.Spec.Workload.Manifests = append(w.Spec.Workload.Manifests, runtime.RawExtension{Raw: []byte(m)})
	}
	return w
}

func TestWorkValidation(t *testing.T) {
	t.Parallel()
	const good = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"shop","name":"a"}}`
	in := func(namespace string) *workv1alpha1.Work {
		w := madeWork(good)
		w.Namespace = namespace
		return w
	}
	for name, tc := range map[string]struct {
		w    *workv1alpha1.Work
		want []string
	}{
		"good":               {madeWork(good, strings.Replace(good, `"a"`, `"b"`, 1)), nil},
		"empty":              {madeWork(), nil},
		"elsewhere":          {in("default"), []string{"Invalid metadata.namespace"}},
		"for no cluster":     {in("karmada-es-"), []string{"Invalid metadata.namespace"}},
		"no object":          {madeWork(`"text"`), []string{"Invalid spec.workload.manifests[0]"}},
		"without kind":       {madeWork(`{"apiVersion":"v1","metadata":{"name":"a"}}`), []string{"Invalid spec.workload.manifests[0]"}},
		"without apiVersion": {madeWork(`{"kind":"Secret","metadata":{"name":"a"}}`), []string{"Required spec.workload.manifests[0].apiVersion"}},
		"without name":       {madeWork(`{"apiVersion":"v1","kind":"Secret","metadata":{"generateName":"a"}}`), []string{"Required spec.workload.manifests[0].metadata.name"}},
		"twice":              {madeWork(good, good), []string{"Duplicate spec.workload.manifests[1]"}},
		"not propagatable":   {madeWork(good, `{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"}}`), []string{"Forbidden spec.workload.manifests[1]"}},
		"a Work in a Work": {madeWork(`{"apiVersion":"work.karmada.io/v1alpha1","kind":"Work","metadata":{"name":"a"}}`),
			[]string{"Forbidden spec.workload.manifests[0]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defaultWork(tc.w, nil)
			if diff := cmp.Diff(tc.want, found(validateWork(tc.w))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWorkDefaults(t *testing.T) {
	t.Parallel()
	w := madeWork(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","uid":"u","resourceVersion":"1"},"status":{"x":1},"data":{"k":"v"}}`)
	defaultWork(w, nil)
	if got, want := string(w.Spec.Workload.Manifests[0].Raw), `{"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap","metadata":{"name":"a"}}`; got != want {
		t.Errorf("manifest = %s, want %s", got, want)
	}
	const id = workv1alpha2.WorkPermanentIDLabel
	if len(w.Labels[id]) != 36 || len(w.Finalizers) != 1 {
		t.Errorf("metadata = %+v", w.ObjectMeta)
	}
	again := w.DeepCopy()
	again.Labels, again.Finalizers = nil, nil
	defaultWork(again, w)
	if again.Labels[id] != w.Labels[id] || len(again.Finalizers) != 0 {
		t.Errorf("an update has metadata %+v", again.ObjectMeta)
	}
	if diff := cmp.Diff(w.Spec, again.Spec); diff != "" {
		t.Errorf("a second pruning changed the spec (-before +after):\n%s", diff)
	}
	if got := workloadKinds(madeWork(`{"kind":"ConfigMap"}`, `{"kind":"Secret"}`)); got != "ConfigMap,Secret" {
		t.Errorf("kinds = %q", got)
	}
}
