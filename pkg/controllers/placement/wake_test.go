/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package placement

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	fcache "k8s.io/client-go/tools/cache/testing"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	"github.com/manifold-k8s/manifold/pkg/template"
)

// stored returns a store that holds the bindings.
func stored(t *testing.T, bindings ...*workv1alpha2.ResourceBinding) *binding.Store {
	t.Helper()
	source := fcache.NewFakeControllerSource()
	for _, b := range bindings {
		source.Add(b)
	}
	s := binding.NewStore(source, fcache.NewFakeControllerSource(), nil, nil)
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if !cache.WaitForCacheSync(t.Context().Done(), s.HasSynced) {
		t.Fatal("the store does not fill")
	}
	return s
}

// Whether a binding still needs an object may be known only when the templates of its own kind are: then what it is said to
// need has to be looked at, too, and nothing else.
func TestWhatIsNeededFollowsTheNeedysKind(t *testing.T) {
	t.Parallel()
	of := func(apiVersion, kind, name string) *workv1alpha2.ResourceBinding {
		return &workv1alpha2.ResourceBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name},
			Spec: workv1alpha2.ResourceBindingSpec{
				Resource: workv1alpha2.ObjectReference{APIVersion: apiVersion, Kind: kind, Namespace: "ns", Name: name},
				Clusters: []workv1alpha2.TargetCluster{{Name: "m1"}},
			},
		}
	}
	needy, content := of("apps/v1", "Deployment", "needy"), of("apps/v1", "Deployment", "content")
	needy.Spec.PropagateDeps = true
	needed, taken, other := of("v1", "ConfigMap", "needed"), of("v1", "ConfigMap", "taken"), of("v1", "ConfigMap", "other")
	needed.Spec.RequiredBy = []workv1alpha2.BindingSnapshot{{Namespace: "ns", Name: "needy"}}
	taken.Spec.RequiredBy = []workv1alpha2.BindingSnapshot{{Namespace: "ns", Name: "content"}} // which says itself that it takes nothing along

	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	var asked []string
	c := &Controller{cfg: Config{Bindings: stored(t, needy, content, needed, taken, other), Templates: template.NewStore(nil, nil, nil)}}
	c.loop = loop.New(loop.Config{Name: "test", Unmeasured: true}, func(_ context.Context, r template.Ref) (time.Duration, error) {
		if asked = append(asked, r.Name); len(asked) == 3 {
			stop()
		}
		return 0, nil
	})
	c.lookAtKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	if n := c.loop.Len(); n != 3 {
		t.Errorf("%d steps are asked for, want 3", n)
	}
	if err := c.loop.Run(ctx); err != nil {
		t.Fatal(err)
	}
	slices.Sort(asked)
	if diff := cmp.Diff([]string{"content", "needed", "needy"}, asked); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}
