/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cluster

import (
	"net/http"
	"testing"
	"time"

	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

// A member is measured from its first step on, whether it can be reached or not, until its Cluster is gone.
func TestMembersAreMeasuredWhileTheyAreThere(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(time.Unix(1000, 0))
	clusters := cache.NewSharedIndexInformer(&cache.ListWatch{}, &clusterv1alpha1.Cluster{}, 0, cache.Indexers{})
	measured := telemetry.New(telemetry.Config{Clock: clock})
	nothing := secrets(t, http.StatusNotFound, nil)
	c := &Controller{
		cfg: Config{
			Clusters: clusters, Writer: &written{}, Secrets: nothing, Namespaces: nothing.(corev1client.NamespacesGetter), Fleet: member.NewFleet(),
			Events: record.NewFakeRecorder(10), Clock: clock, Telemetry: measured,
		},
		differs: map[string]time.Time{}, spaces: map[string]bool{},
	}
	cl := pushed()
	c.spaces[cl.Name] = true
	if err := clusters.GetStore().Add(cl); err != nil {
		t.Fatal(err)
	}
	if _, err := c.step(t.Context(), cl.Name); err != nil {
		t.Fatal(err)
	}
	if measured.Of(cl.Name) == nil {
		t.Error("the member is not measured")
	}
	if err := clusters.GetStore().Delete(cl); err != nil {
		t.Fatal(err)
	}
	if _, err := c.step(t.Context(), cl.Name); err != nil {
		t.Fatal(err)
	}
	if measured.Of(cl.Name) != nil {
		t.Error("the member is measured after its end")
	}
}
