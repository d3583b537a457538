/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package work

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/manifold-k8s/manifold/apis/work/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/render"
)

var now = time.Unix(10000, 0)

// made is a Work of ConfigMaps of these names.
func made(names ...string) *workv1alpha1.Work {
	w := &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{
		Namespace: "karmada-es-m1", Name: "w", Generation: 4, Labels: map[string]string{workv1alpha2.WorkPermanentIDLabel: "id"},
	}}
	for _, n := range names {
		w.Spec.Workload.Manifests = append(w.Spec.Workload.Manifests, runtime.RawExtension{
			Raw: fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"shop","name":%q},"data":{"a":"b"}}`, n)})
	}
	return w
}

func serving() *clusterv1alpha1.Cluster {
	c := &clusterv1alpha1.Cluster{}
	c.Status.APIEnablements = []clusterv1alpha1.APIEnablement{{GroupVersion: "v1", Resources: []clusterv1alpha1.APIResource{{Name: "configmaps", Kind: "ConfigMap"}}}}
	return c
}

func planned(t *testing.T, w *workv1alpha1.Work) []item {
	t.Helper()
	items, err := plan(w, serving())
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// remembers makes the status of w name these objects, as if they had been sent in that order.
func remembers(t *testing.T, w *workv1alpha1.Work, names ...string) *workv1alpha1.Work {
	t.Helper()
	report(w, planned(t, made(names...)), result{pending: true}, now)
	return w
}

func TestPlan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		w    *workv1alpha1.Work
		want []string
		all  bool // recorded
	}{
		"new":           {made("a", "b"), []string{"0 a", "1 b"}, false},
		"recorded":      {remembers(t, made("a", "b"), "a", "b"), []string{"0 a", "1 b"}, true},
		"moved":         {remembers(t, made("b", "a"), "a", "b"), []string{"0 b", "1 a"}, false},
		"left the list": {remembers(t, made("b"), "a", "b"), []string{"0 b", "-1 a"}, false},
		"nothing left":  {remembers(t, made(), "a"), []string{"-1 a"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			items := planned(t, tc.w)
			for _, i := range items {
				got = append(got, fmt.Sprint(i.ordinal, " ", i.name))
				if i.resource != "configmaps" || (i.want == nil) != (i.ordinal < 0) {
					t.Errorf("item %+v", i)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
			if recorded(tc.w, items) != tc.all {
				t.Errorf("recorded = %v", !tc.all)
			}
		})
	}
}

// What was sent stays named in the status until it is known to be gone, a suspension in between included.
func TestNamed(t *testing.T) {
	t.Parallel()
	w := remembers(t, made("a", "d"), "a", "c")
	for _, i := range planned(t, w) {
		if want := i.name != "d"; named(w, i) != want {
			t.Errorf("%s is named: %v, want %v", i, !want, want)
		}
	}
}

func TestDesired(t *testing.T) {
	t.Parallel()
	w := made("a")
	m := planned(t, w)[0].want
	if m.GetLabels()[workv1alpha2.ManagedLabel] != "true" || m.GetLabels()[workv1alpha2.WorkPermanentIDLabel] != "id" {
		t.Errorf("labels = %v", m.GetLabels())
	}
	hash := m.GetAnnotations()[workv1alpha2.ContentHashAnnotation]
	if diff := cmp.Diff(map[string]string{
		workv1alpha2.WorkNamespaceAnnotation: "karmada-es-m1", workv1alpha2.WorkNameAnnotation: "w",
		workv1alpha2.ConflictResolutionAnnotation: "abort", workv1alpha2.ContentHashAnnotation: hash,
	}, m.GetAnnotations()); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if hash != render.Hash(m) {
		t.Errorf("hash %s, want %s", hash, render.Hash(m))
	}
	w.Annotations = map[string]string{workv1alpha2.ConflictResolutionAnnotation: "overwrite"}
	if got := planned(t, w)[0].want.GetAnnotations()[workv1alpha2.ConflictResolutionAnnotation]; got != "overwrite" {
		t.Errorf("conflict resolution = %q", got)
	}
}

func TestResourceOf(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"ConfigMap": "configmaps", "Widget": ""} {
		if got := resourceOf(serving(), schema.GroupVersionKind{Version: "v1", Kind: kind}); got != want {
			t.Errorf("%s is %q, want %q", kind, got, want)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	mine := func(change func(*member.Copy)) *member.Copy {
		c := &member.Copy{WorkID: "id", Hash: "h", Fingerprint: 7}
		change(c)
		return c
	}
	for name, tc := range map[string]struct {
		have *member.Copy
		e    entry
		want verdict
	}{
		"nothing there":               {nil, entry{}, look},
		"sent just now":               {nil, entry{hash: "h", sent: now.Add(-time.Second)}, awaits},
		"sent, and lost":              {nil, entry{hash: "h", sent: now.Add(-time.Minute)}, look},
		"another was sent just now":   {nil, entry{hash: "old", sent: now}, look},
		"as accepted":                 {mine(func(*member.Copy) {}), entry{accepted: 7}, settled},
		"after a restart":             {mine(func(*member.Copy) {}), entry{}, compare},
		"changed by others":           {mine(func(c *member.Copy) { c.Fingerprint = 8 }), entry{accepted: 7}, compare},
		"of an older manifest":        {mine(func(c *member.Copy) { c.Hash = "old" }), entry{accepted: 7}, send},
		"being deleted":               {mine(func(c *member.Copy) { c.Deleting = true }), entry{accepted: 7}, refuse},
		"of another Work":             {mine(func(c *member.Copy) { c.WorkID = "other" }), entry{accepted: 7}, refuse},
		"of a binding":                {mine(func(c *member.Copy) { c.PermanentID = "b" }), entry{accepted: 7}, refuse},
		"without anybody's identity":  {mine(func(c *member.Copy) { c.WorkID = "" }), entry{accepted: 7}, look},
		"a binding's that is deleted": {mine(func(c *member.Copy) { c.PermanentID, c.Deleting = "b", true }), entry{}, refuse},
	} {
		if got, why := judge(tc.have, tc.e, "id", "h", now); got != tc.want || (why != "") != (got == refuse) {
			t.Errorf("%s: %v %q, want %v", name, got, why, tc.want)
		}
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	const id, binding = workv1alpha2.WorkPermanentIDLabel, workv1alpha2.ResourceBindingPermanentIDLabel
	own := map[string]string{workv1alpha2.WorkNamespaceAnnotation: "karmada-es-m1", workv1alpha2.WorkNameAnnotation: "w"}
	for name, tc := range map[string]struct {
		labels, annotations map[string]string
		mine, refused       bool
	}{
		"ours":                     {map[string]string{id: "id"}, own, true, false},
		"without label":            {nil, own, true, false},
		"foreign":                  {nil, nil, false, false},
		"another Work's":           {map[string]string{id: "other"}, own, false, true},
		"a binding's":              {map[string]string{id: "id", binding: "b"}, own, false, true},
		"a cluster-wide binding's": {map[string]string{workv1alpha2.ClusterResourceBindingPermanentIDLabel: "b"}, nil, false, true},
	} {
		live := &unstructured.Unstructured{Object: map[string]any{}}
		live.SetLabels(tc.labels)
		live.SetAnnotations(tc.annotations)
		if mine, why := claim(live, made()); mine != tc.mine || (why != "") != tc.refused {
			t.Errorf("%s: %v %q", name, mine, why)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	yes := true
	collected, err := member.Collect(map[string]any{"a": int64(1)})
	if err != nil {
		t.Fatal(err)
	}
	have := &member.Copy{WorkID: "id", Status: collected, Health: workv1alpha2.ResourceUnhealthy}
	for name, tc := range map[string]struct {
		r           result
		suspend     bool
		applied     string
		dispatching string
	}{
		"all there": {result{}, false, "True AppliedSuccessful", "True Dispatching"},
		"failed":    {result{failed: []string{"ConfigMap shop/a: no"}}, false, "False AppliedFailed", "True Dispatching"},
		"not known": {result{pending: true}, false, "", "True Dispatching"},
		"suspended": {result{}, true, "", "False SuspendDispatching"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := made("a")
			if tc.suspend {
				w.Spec.SuspendDispatching = &yes
			}
			items := planned(t, w)
			tc.r.copies = map[object]*member.Copy{items[0].object: have}
			report(w, items, tc.r, now)
			says := func(kind string) string {
				if c := meta.FindStatusCondition(w.Status.Conditions, kind); c != nil && c.ObservedGeneration == 4 {
					return string(c.Status) + " " + c.Reason
				}
				return ""
			}
			if says(workv1alpha1.WorkApplied) != tc.applied || says(workv1alpha1.WorkDispatching) != tc.dispatching {
				t.Errorf("conditions = %+v", w.Status.Conditions)
			}
			want := []workv1alpha1.ManifestStatus{{
				Identifier: workv1alpha1.ResourceIdentifier{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespace: "shop", Name: "a"},
				Status:     &runtime.RawExtension{Raw: []byte(`{"a":1}`)}, Health: workv1alpha1.ResourceUnhealthy,
			}}
			if diff := cmp.Diff(want, w.Status.ManifestStatuses); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
	if m := failure([]string{strings.Repeat("é", 2000)}, 1); len(m) > maxMessage {
		t.Errorf("a message of %d bytes", len(m))
	}
}

// A fight is noticed, and ends.
func TestDrifted(t *testing.T) {
	t.Parallel()
	e := entry{}
	for i := range maxDrifts {
		if wait := e.drifted(now); wait != 0 {
			t.Errorf("drift %d waits %v", i, wait)
		}
		e.sent = now
	}
	if wait := e.drifted(now.Add(time.Second)); wait != fightPause-time.Second {
		t.Errorf("a fight waits %v", wait)
	}
	if wait := e.drifted(now.Add(driftWindow + time.Second)); wait != 0 || e.drifts != 1 {
		t.Errorf("after a while: waits %v, %d drifts", wait, e.drifts)
	}
}
