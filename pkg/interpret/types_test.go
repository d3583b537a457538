/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package interpret

import (
	"math/rand/v2"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestStatusFitsItsType holds the statuses of native kinds against Kubernetes' types, unknown fields refused,
// and the relations between counters that the API server demands.
func TestStatusFitsItsType(t *testing.T) {
	t.Parallel()
	for kind, into := range map[schema.GroupVersionKind]func() any{
		appsv1.SchemeGroupVersion.WithKind("Deployment"):  func() any { return &appsv1.DeploymentStatus{} },
		appsv1.SchemeGroupVersion.WithKind("ReplicaSet"):  func() any { return &appsv1.ReplicaSetStatus{} },
		appsv1.SchemeGroupVersion.WithKind("StatefulSet"): func() any { return &appsv1.StatefulSetStatus{} },
		appsv1.SchemeGroupVersion.WithKind("DaemonSet"):   func() any { return &appsv1.DaemonSetStatus{} },
		batchv1.SchemeGroupVersion.WithKind("Job"):        func() any { return &batchv1.JobStatus{} },

		corev1.SchemeGroupVersion.WithKind("ReplicationController"): func() any { return &corev1.ReplicationControllerStatus{} },
		corev1.SchemeGroupVersion.WithKind("PersistentVolume"):      func() any { return &corev1.PersistentVolumeStatus{} },
		corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"): func() any { return &corev1.PersistentVolumeClaimStatus{} },
		corev1.SchemeGroupVersion.WithKind("Pod"):                   func() any { return &corev1.PodStatus{} },
		policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"): func() any { return &policyv1.PodDisruptionBudgetStatus{} },
	} {
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 0))
			tmpl := randomTemplate(r, kind)
			delete(tmpl.Object, "status") // made up for other tests
			status, _ := Of(kind).Aggregate(tmpl, randomMembers(r))
			out := into()
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(status, out, true); err != nil {
				t.Fatalf("seed %d: %s: %v: %v", seed, kind.Kind, err, status)
			}
			job, ok := out.(*batchv1.JobStatus)
			if !ok {
				continue
			}
			finished := isTrue(status, jobComplete) || isTrue(status, jobFailed)
			switch {
			case finished && (job.Active > 0 || job.StartTime == nil),
				isTrue(status, jobComplete) != (job.CompletionTime != nil),
				isTrue(status, jobComplete) != isTrue(status, jobSuccessCriteria),
				isTrue(status, jobComplete) && isTrue(status, jobFailureTarget),
				isTrue(status, jobFailed) && !isTrue(status, jobFailureTarget):
				t.Fatalf("seed %d: the API server would refuse %v", seed, status)
			}
		}
	}
}
