/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package present

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][3]any{
		"web.member1":     {"web", "member1", true},
		"web.0.member1":   {"web.0", "member1", true},
		"web":             {"web", "", false},
		".member1":        {".member1", "", false},
		"web.":            {"web.", "", false},
		"":                {"", "", false},
		"a.example.com.m": {"a.example.com", "m", true},
	} {
		own, cluster, ok := Split(name)
		if got := [3]any{own, cluster, ok}; got != want {
			t.Errorf("Split(%q) = %v, want %v", name, got, want)
		}
		if ok && Name(own, cluster) != name {
			t.Errorf("Name(%q, %q) = %q", own, cluster, Name(own, cluster))
		}
	}
}

func TestOwned(t *testing.T) {
	t.Parallel()
	for ref, want := range map[[2]string]bool{
		{"v1", "Pod"}: true, {"", "Pod"}: true, {"", "Node"}: true, {"apps/v1", "ReplicaSet"}: true, {"extensions/v1beta1", "ReplicaSet"}: false,
		{"apps/v1", "Deployment"}: false, {"", "Deployment"}: false, {"v1", "Service"}: false, {"events.k8s.io/v1", "Event"}: true,
		{"example.com/v1", "Pod"}: false, {"a/b/c", "Pod"}: false,
	} {
		if got := Owned(ref[0], ref[1]); got != want {
			t.Errorf("Owned(%q, %q) = %v", ref[0], ref[1], got)
		}
	}
}

// hubUIDs knows the templates called web.
func hubUIDs(_, kind, namespace, name string) (types.UID, bool) {
	return types.UID("hub-" + kind), namespace == "ns" && name == "web"
}

func owner(apiVersion, kind, name, uid string) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: name, UID: types.UID(uid)}
}

func shownMeta(name string, owners ...metav1.OwnerReference) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: name + ".m1", Namespace: "ns", UID: "u", ResourceVersion: "7", OwnerReferences: owners,
		Labels:      map[string]string{ClusterLabel: "m1"},
		Annotations: map[string]string{ClusterAnnotation: "m1"},
	}
}

func liveMeta(name string, owners ...metav1.OwnerReference) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: "ns", UID: "u", ResourceVersion: "7", OwnerReferences: owners}
}

func TestObject(t *testing.T) {
	t.Parallel()
	node, nodeShown := "n", "n.m1"
	for name, tc := range map[string]struct{ live, want runtime.Object }{
		"pod": {
			live: &corev1.Pod{ObjectMeta: liveMeta("p", owner("apps/v1", "ReplicaSet", "web-1", "rs")), Spec: corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{NominatedNodeName: node}},
			want: &corev1.Pod{ObjectMeta: shownMeta("p", owner("apps/v1", "ReplicaSet", "web-1.m1", "rs")), Spec: corev1.PodSpec{NodeName: nodeShown}, Status: corev1.PodStatus{NominatedNodeName: nodeShown}},
		},
		"pod that waits for a node, of a template": {
			live: &corev1.Pod{ObjectMeta: liveMeta("p", owner("batch/v1", "Job", "web", "job"), owner("v1", "Node", "n", "node"))},
			want: &corev1.Pod{ObjectMeta: shownMeta("p", owner("batch/v1", "Job", "web", "hub-Job"), owner("v1", "Node", "n.m1", "node"))},
		},
		"replica set": {
			live: &appsv1.ReplicaSet{ObjectMeta: liveMeta("web-1", owner("apps/v1", "Deployment", "web", "d"))},
			want: &appsv1.ReplicaSet{ObjectMeta: shownMeta("web-1", owner("apps/v1", "Deployment", "web", "hub-Deployment"))},
		},
		"replica set of what the hub does not know": {
			live: &appsv1.ReplicaSet{ObjectMeta: liveMeta("x-1", owner("apps/v1", "Deployment", "x", "d"))},
			want: &appsv1.ReplicaSet{ObjectMeta: shownMeta("x-1", owner("apps/v1", "Deployment", "x", "d"))},
		},
		"node": {live: &corev1.Node{ObjectMeta: liveMeta("n")}, want: &corev1.Node{ObjectMeta: shownMeta("n")}},
		"endpoints": {
			live: &discoveryv1.EndpointSlice{ObjectMeta: liveMeta("e", owner("v1", "Service", "web", "s")), Endpoints: []discoveryv1.Endpoint{
				{NodeName: &node, TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: "ns", Name: "p", UID: "p"}}, {},
			}},
			want: &discoveryv1.EndpointSlice{ObjectMeta: shownMeta("e", owner("v1", "Service", "web", "hub-Service")), Endpoints: []discoveryv1.Endpoint{
				{NodeName: &nodeShown, TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: "ns", Name: "p.m1", UID: "p"}}, {},
			}},
		},
		"event about a pod": {
			live: &corev1.Event{ObjectMeta: liveMeta("ev"), InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: "ns", Name: "p", UID: "p"}, Related: &corev1.ObjectReference{Kind: "Node", Name: node}},
			want: &corev1.Event{ObjectMeta: shownMeta("ev"), InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: "ns", Name: "p.m1", UID: "p"}, Related: &corev1.ObjectReference{Kind: "Node", Name: nodeShown}},
		},
		"event about a template": {
			live: &corev1.Event{ObjectMeta: liveMeta("ev"), InvolvedObject: corev1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "ns", Name: "web", UID: "d"}},
			want: &corev1.Event{ObjectMeta: shownMeta("ev"), InvolvedObject: corev1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "ns", Name: "web", UID: "hub-Deployment"}},
		},
		"event of a kubelet about its node": {
			live: &corev1.Event{ObjectMeta: liveMeta("ev"), InvolvedObject: corev1.ObjectReference{Kind: "Node", Name: node, UID: "n"}},
			want: &corev1.Event{ObjectMeta: shownMeta("ev"), InvolvedObject: corev1.ObjectReference{Kind: "Node", Name: nodeShown, UID: "n.m1"}},
		},
	} {
		shown := tc.live.DeepCopyObject()
		if err := Object("m1", shown, hubUIDs); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, shown); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		back := shown.DeepCopyObject()
		if err := Original("m1", back, tc.live, shown); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.live, back); diff != "" {
			t.Errorf("%s, and back (-want +got):\n%s", name, diff)
		}
	}
	if err := Object("m1", &metav1.Status{}, nil); err == nil {
		t.Error("what has no metadata was presented")
	}
}

// What a client changes is kept, what was only shown is not.
func TestOriginalKeepsChanges(t *testing.T) {
	t.Parallel()
	live := &corev1.Pod{ObjectMeta: liveMeta("p", owner("apps/v1", "ReplicaSet", "web-1", "rs"), owner("batch/v1", "Job", "web", "job"))}
	live.Labels = map[string]string{"a": "1", ClusterLabel: "of an inner hub"}
	shown := live.DeepCopy()
	if err := Object("m1", shown, hubUIDs); err != nil {
		t.Fatal(err)
	}
	MarkStale(shown, "2026-01-01T00:00:00Z")
	if ClusterOf(shown) != "m1" || ClusterOf(live) != "" {
		t.Errorf("clusters %q and %q", ClusterOf(shown), ClusterOf(live))
	}
	changed := shown.DeepCopy()
	changed.Labels = map[string]string{"b": "2"} // the cluster's label, too, is taken off
	changed.Annotations["c"] = "3"
	changed.OwnerReferences = changed.OwnerReferences[1:]
	changed.Spec.NodeName = "n.m1"
	before, was := live.DeepCopy(), shown.DeepCopy()
	if err := Original("m1", changed, live, shown); err != nil {
		t.Fatal(err)
	}
	want := &corev1.Pod{ObjectMeta: liveMeta("p", owner("batch/v1", "Job", "web", "job")), Spec: corev1.PodSpec{NodeName: "n"}}
	want.Labels = map[string]string{"b": "2", ClusterLabel: "of an inner hub"}
	want.Annotations = map[string]string{"c": "3"}
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, live) + cmp.Diff(was, shown); diff != "" {
		t.Errorf("the objects that were compared with have changed:\n%s", diff)
	}
}

// There and back is where it was, and nothing shown is shown under another object's name.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		pick := func(of ...string) string { return of[r.IntN(len(of))] }
		var owners []metav1.OwnerReference
		for i := range r.IntN(3) {
			kind := [][2]string{{"apps/v1", "ReplicaSet"}, {"apps/v1", "StatefulSet"}, {"v1", "Node"}, {"example.com/v1", "Pod"}}[r.IntN(4)]
			// Of two owners of one kind and name, one has gone, and only its UID tells them apart.
			owners = append(owners, owner(kind[0], kind[1], []string{"web", pick("web.m1", "x")}[i], fmt.Sprint("uid", i)))
		}
		live := &corev1.Pod{ObjectMeta: liveMeta(pick("p", "p.m1", "p.m2.m1"), owners...), Spec: corev1.PodSpec{NodeName: pick("", "n", "n.m1")}}
		if r.IntN(2) == 0 {
			live.Labels = map[string]string{pick("a", ClusterLabel, ShortLabel): "v"}
		}
		if r.IntN(2) == 0 {
			live.Annotations = map[string]string{pick("a", ClusterAnnotation, StaleAnnotation): "v"}
		}
		cluster := pick("m1", "m2")
		shown := live.DeepCopy()
		if err := Object(cluster, shown, hubUIDs); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if own, c, ok := Split(shown.Name); !ok || own != live.Name || c != cluster || shown.UID != live.UID || ClusterOf(shown) != cluster {
			t.Fatalf("seed %d: %s of %s is shown as %s", seed, live.Name, cluster, shown.Name)
		}
		back := shown.DeepCopy()
		if err := Original(cluster, back, live, shown); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(live, back); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}
