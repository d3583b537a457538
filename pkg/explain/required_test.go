/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package explain

import (
	"testing"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/placement"
)

func web(clusters ...string) *binding.Binding {
	b := &binding.Binding{}
	b.Namespace, b.Name = "default", "web-deployment"
	for _, c := range clusters {
		b.Spec.Clusters = append(b.Spec.Clusters, workv1alpha2.TargetCluster{Name: c, Replicas: 2})
	}
	return b
}

// What is in a cluster only because others need it there is told so, with and without a policy of its own.
func TestRequired(t *testing.T) {
	t.Parallel()
	in := Input{
		Template: object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default, uid: u2}}`),
		Clusters: clusters("member1", "member2"), Now: start,
	}
	decide := func(g placement.Governor, by ...*binding.Binding) *binding.Binding {
		b, _ := placement.Decide(placement.Input{Template: in.Template, Governor: g, Clusters: in.Clusters, Requirers: by, Now: start})
		for cluster := range binding.Targets(b) {
			b.Status.AggregatedStatus = append(b.Status.AggregatedStatus, workv1alpha2.AggregatedStatusItem{
				ClusterName: cluster, Applied: true, Health: workv1alpha2.ResourceHealthy,
			})
		}
		return b
	}
	in.Binding = decide(placement.Governor{}, web("member2"))
	got := Explain(in)
	if got.State == hubv1alpha1.ExplanationReleased || got.State == hubv1alpha1.ExplanationUnselected {
		t.Errorf("state %s: %s", got.State, got.Message)
	}
	if c := of(t, got, "member2"); !c.Target || c.Why != "needed there by web-deployment" {
		t.Errorf("member2: %+v", c)
	}

	const selects = "{apiVersion: v1, kind: ConfigMap}"
	in.Policies.Namespaced = append(in.Policies.Namespaced, policy(t, "p", selects, "{clusterAffinity: {clusterNames: [member1]}}"))
	in.Binding = decide(placement.Govern(in.Template.GroupVersionKind(), in.Template, in.Policies, in.Skipped), web("member1", "member2"))
	got = Explain(in)
	for cluster, needed := range map[string]bool{"member1": false, "member2": true} {
		if c := of(t, got, cluster); !c.Target || (c.Why == "needed there by web-deployment") != needed {
			t.Errorf("%s: %+v", cluster, c)
		}
	}
}
