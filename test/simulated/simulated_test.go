/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

const patience = 30 * time.Second

func start(t *testing.T, cfg Config) *Fleet {
	t.Helper()
	f, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (m *Member) restConfig() *rest.Config {
	return &rest.Config{Host: m.Endpoint, BearerToken: m.Token, TLSClientConfig: rest.TLSClientConfig{CAData: m.CA}, QPS: -1}
}

func clientOf(t *testing.T, m *Member) dynamic.Interface {
	t.Helper()
	c, err := dynamic.NewForConfig(m.restConfig())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// eventually calls check until it returns nil, and fails with its last error.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; <-ticker.C {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func manifest(name, image string, labels map[string]string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": name, "namespace": "default"},
		"spec": map[string]any{
			"replicas": int64(2),
			"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": image}}}},
		},
	}}
	u.SetLabels(labels)
	return u
}

var force = metav1.ApplyOptions{FieldManager: "manifold", Force: true}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	m := start(t, Config{Members: 1}).Members[0]
	counts := map[bool]int{}
	for _, legacy := range []bool{false, true} {
		d, err := discovery.NewDiscoveryClientForConfig(m.restConfig())
		if err != nil {
			t.Fatal(err)
		}
		d.UseLegacyDiscovery = legacy
		groups, lists, err := discovery.ServerGroupsAndResources(d)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, l := range lists {
			counts[legacy] += len(l.APIResources)
			for _, r := range l.APIResources {
				found[fmt.Sprint(l.GroupVersion, " ", r.Name, " ", r.Kind, " ", r.Namespaced)] = true
			}
		}
		for _, want := range []string{
			"v1 namespaces Namespace false", "v1 endpoints Endpoints true", "apps/v1 deployments Deployment true",
			"networking.k8s.io/v1 ingresses Ingress true", "networking.k8s.io/v1 networkpolicies NetworkPolicy true",
		} {
			if !found[want] {
				t.Errorf("legacy %v: %q is not served", legacy, want)
			}
		}
		if i := slices.IndexFunc(groups, func(g *metav1.APIGroup) bool { return g.Name == "autoscaling" }); i < 0 ||
			groups[i].PreferredVersion.Version != "v2" || len(groups[i].Versions) != 2 {
			t.Errorf("legacy %v: autoscaling is wrong in %v", legacy, groups)
		}
		if v, err := d.ServerVersion(); err != nil || v.GitVersion != Version {
			t.Errorf("version is %v, %v", v, err)
		}
	}
	if counts[false] != counts[true] || counts[true] != len(kinds) {
		t.Errorf("resources: %d aggregated, %d legacy, want %d", counts[false], counts[true], len(kinds))
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	m := start(t, Config{Members: 1}).Members[0]
	c := clientOf(t, m).Resource(deployments.resource()).Namespace("default")
	first := manifest("web", "a", map[string]string{"one": "1", "two": "2"})
	created, err := c.Apply(t.Context(), "web", first, force)
	if err != nil {
		t.Fatal(err)
	}
	if created.GetUID() == "" || created.GetResourceVersion() == "" || created.GetGeneration() != 1 || created.GetCreationTimestamp() == (metav1.Time{}) {
		t.Errorf("incomplete: %v", created.Object["metadata"])
	}
	again, err := c.Apply(t.Context(), "web", first, force)
	if err != nil || again.GetResourceVersion() != created.GetResourceVersion() {
		t.Errorf("applying the same writes: %v, %v", again, err)
	}
	if s := m.Stats(); s.Sent != 1 || s.Writes != 1 {
		t.Errorf("counted %+v, want one write", s)
	}

	// Another manager adds a label and takes over the replicas.
	other := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "labels": map[string]any{"theirs": "x"}},
		"spec": map[string]any{"replicas": int64(2)},
	}}
	if _, err := c.Apply(t.Context(), "web", other, metav1.ApplyOptions{FieldManager: "other", Force: true}); err != nil {
		t.Fatal(err)
	}
	second := manifest("web", "b", map[string]string{"one": "1"})
	unstructured.RemoveNestedField(second.Object, "spec", "replicas")
	changed, err := c.Apply(t.Context(), "web", second, force)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"one": "1", "theirs": "x"}, changed.GetLabels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if n, _, err := unstructured.NestedInt64(changed.Object, "spec", "replicas"); n != 2 || err != nil {
		t.Errorf("the other manager's replicas are %d, %v", n, err)
	}
	if changed.GetGeneration() != 2 || changed.GetUID() != created.GetUID() {
		t.Errorf("generation %d, uid %s", changed.GetGeneration(), changed.GetUID())
	}
	owners := map[string]string{}
	for _, f := range changed.GetManagedFields() {
		owners[f.Manager+" "+string(f.Operation)] = string(f.FieldsV1.GetRawBytes())
	}
	if ours := owners["manifold Apply"]; !strings.Contains(ours, "f:image") || strings.Contains(ours, "f:replicas") || len(owners) != 2 {
		t.Errorf("managed fields are %v", owners)
	}
	if !strings.Contains(owners["other Apply"], "f:replicas") {
		t.Errorf("managed fields are %v", owners)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	m := start(t, Config{Members: 1}).Members[0]
	all := clientOf(t, m).Resource(deployments.resource())
	c := all.Namespace("default")
	ctx := t.Context()
	made, err := c.Create(ctx, manifest("web", "a", nil), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wrong := types.UID("wrong")
	stale := made.DeepCopy()
	stale.SetResourceVersion("1")
	alien := manifest("web", "a", nil)
	alien.SetUID(wrong)
	away := manifest("web", "a", nil)
	away.SetNamespace("none")
	stranger := m.restConfig()
	stranger.BearerToken = "none"
	refused, err := dynamic.NewForConfig(stranger)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		act  func() error
		want func(error) bool
	}{
		"created twice":  {func() error { _, err := c.Create(ctx, manifest("web", "a", nil), metav1.CreateOptions{}); return err }, apierrors.IsAlreadyExists},
		"not there":      {func() error { _, err := c.Get(ctx, "none", metav1.GetOptions{}); return err }, apierrors.IsNotFound},
		"old version":    {func() error { _, err := c.Update(ctx, stale, metav1.UpdateOptions{}); return err }, apierrors.IsConflict},
		"apply to other": {func() error { _, err := c.Apply(ctx, "web", alien, force); return err }, apierrors.IsConflict},
		"delete other":   {func() error { return c.Delete(ctx, "web", *metav1.NewPreconditionDeleteOptions("wrong")) }, apierrors.IsConflict},
		"delete nothing": {func() error { return c.Delete(ctx, "none", metav1.DeleteOptions{}) }, apierrors.IsNotFound},
		"no namespace":   {func() error { _, err := all.Namespace("none").Apply(ctx, "web", away, force); return err }, apierrors.IsNotFound},
		"other patches": {func() error {
			_, err := c.Patch(ctx, "web", types.MergePatchType, []byte("{}"), metav1.PatchOptions{})
			return err
		}, apierrors.IsUnsupportedMediaType},
		"unknown kind": {func() error {
			_, err := clientOf(t, m).Resource(deployments.GroupVersion().WithResource("x")).List(ctx, metav1.ListOptions{})
			return err
		}, apierrors.IsNotFound},
		"broken selector": {func() error { _, err := c.List(ctx, metav1.ListOptions{LabelSelector: "=="}); return err }, apierrors.IsBadRequest},
		"no token":        {func() error { _, err := refused.Resource(nodes.resource()).List(ctx, metav1.ListOptions{}); return err }, apierrors.IsUnauthorized},
	} {
		if err := c.act(); !c.want(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := c.Delete(ctx, "web", *metav1.NewPreconditionDeleteOptions(string(made.GetUID()))); err != nil {
		t.Error(err)
	}
}

func TestUpdateAndNamespaces(t *testing.T) {
	t.Parallel()
	m := start(t, Config{Members: 1, Nodes: 3}).Members[0]
	c := clientOf(t, m)
	ctx := t.Context()
	list, err := c.Resource(nodes.resource()).List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) != 3 || list.GetResourceVersion() == "" {
		t.Fatalf("nodes: %v, %v", list, err)
	}
	ns := &unstructured.Unstructured{}
	ns.SetName("own")
	ns.SetGroupVersionKind(namespaces.GroupVersionKind)
	if _, err := c.Resource(namespaces.resource()).Apply(ctx, "own", ns, force); err != nil {
		t.Fatal(err)
	}
	d := manifest("web", "a", map[string]string{"mark": "x"})
	d.SetNamespace("own")
	inside := c.Resource(deployments.resource()).Namespace("own")
	live, err := inside.Apply(ctx, "web", d, force)
	if err != nil {
		t.Fatal(err)
	}
	live.SetLabels(nil)
	live.SetManagedFields(nil)
	after, err := inside.Update(ctx, live, metav1.UpdateOptions{FieldManager: "manifold"})
	if err != nil || len(after.GetLabels()) > 0 || len(after.GetManagedFields()) > 0 || after.GetGeneration() != 1 {
		t.Errorf("updated: %v, %v", after, err)
	}
	if err := c.Resource(namespaces.resource()).Delete(ctx, "own", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := inside.Get(ctx, "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("what was in the namespace: %v", err)
	}
}

func TestDeploymentsBecomeAvailable(t *testing.T) {
	t.Parallel()
	seen := make(chan Sighting, 100)
	m := start(t, Config{Members: 1, Available: time.Millisecond, Seen: func(s Sighting) { seen <- s }}).Members[0]
	c := clientOf(t, m).Resource(deployments.resource()).Namespace("default")
	for generation, image := range []string{"a", "b"} {
		if _, err := c.Apply(t.Context(), "web", manifest("web", image, nil), force); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int32{-1, 2} {
			select {
			case s := <-seen:
				if s.Image != image || s.Available != want || s.Gone || s.Name != "web" || s.Member != m.Name {
					t.Errorf("generation %d: saw %+v, want %s with %d available", generation+1, s, image, want)
				}
			case <-time.After(patience):
				t.Fatalf("generation %d: nothing seen, want %d available", generation+1, want)
			}
		}
	}
	if s := m.Stats(); s.Sent != 2 || s.Writes != 4 {
		t.Errorf("counted %+v", s)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	m := start(t, Config{Members: 1}).Members[0]
	c := clientOf(t, m).Resource(nodes.resource())
	const slow = 50 * time.Millisecond
	m.SetLatency(slow)
	begin := time.Now()
	if _, err := c.List(t.Context(), metav1.ListOptions{}); err != nil || time.Since(begin) < slow {
		t.Errorf("a slow member answers after %v, %v", time.Since(begin), err)
	}
	m.SetLatency(0)
	m.Hang()
	short, cancel := context.WithTimeout(t.Context(), slow)
	defer cancel()
	if _, err := c.List(short, metav1.ListOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a member that hangs answers: %v", err)
	}
	m.Resume()
	if _, err := c.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("a member that is back: %v", err)
	}
}
