/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// maxBytesPerPod is what a cached pod may cost, with everything that there is beside it.
const maxBytesPerPod = 6 << 10

// realPod fills a pod in as a Deployment's is in a cluster where it runs: two containers, a token, tolerations, status.
func realPod(i int) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		now := metav1.NewTime(time.Unix(1700000000+int64(i), 0))
		p.UID = types.UID(fmt.Sprintf("%08x-1111-2222-3333-%012x", i, i))
		p.GenerateName = "shop-frontend-6d4cf56db6-"
		p.CreationTimestamp = now
		p.Labels = map[string]string{
			"app.kubernetes.io/name": "shop", "app.kubernetes.io/instance": "shop-production", "app.kubernetes.io/version": "4.11.2",
			"app.kubernetes.io/component": "frontend", "pod-template-hash": "6d4cf56db6",
		}
		p.Annotations = map[string]string{
			"prometheus.io/scrape": "true", "prometheus.io/port": "9102", "kubectl.kubernetes.io/restartedAt": "2026-01-02T03:04:05Z",
			"checksum/config": "9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de",
		}
		p.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "shop-frontend-6d4cf56db6", UID: "0b0e2a0e-6b2e-4b61-8c3c-0a8d2f2b7c11",
			Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true),
		}}
		p.Spec = realSpec(i)
		p.Status = corev1.PodStatus{
			Phase: corev1.PodRunning, HostIP: "10.0.3.17", PodIP: "10.244.3.17", QOSClass: corev1.PodQOSBurstable, StartTime: &now,
			HostIPs: []corev1.HostIP{{IP: "10.0.3.17"}}, PodIPs: []corev1.PodIP{{IP: "10.244.3.17"}},
		}
		for _, c := range []corev1.PodConditionType{"PodReadyToStartContainers", corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
			p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: c, Status: corev1.ConditionTrue, LastTransitionTime: now})
		}
		for _, c := range p.Spec.Containers {
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{
				Name: c.Name, Image: c.Image, Ready: true, Started: ptr.To(true),
				ImageID:     c.Image + "@sha256:4c1c50d0ffc614f90b93b07d778028dc765548e823f676fb027f61d281ac380d",
				ContainerID: fmt.Sprintf("containerd://4c1c50d0ffc614f90b93b07d778028dc765548e823f676fb027f61d2%08x", i),
				State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
			})
		}
		p.ManagedFields = []metav1.ManagedFieldsEntry{{
			Manager: "kube-controller-manager", Operation: "Update", APIVersion: "v1", Time: &now, FieldsType: "FieldsV1",
			FieldsV1: &metav1.FieldsV1{Raw: make([]byte, 3000)},
		}}
	}
}

func realSpec(i int) corev1.PodSpec {
	container := func(name string) corev1.Container {
		return corev1.Container{
			Name: name, Image: "registry.example.org/shop/" + name + ":4.11.2", ImagePullPolicy: corev1.PullIfNotPresent,
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}},
			Env: []corev1.EnvVar{
				{Name: "LOG_LEVEL", Value: "info"}, {Name: "DATABASE_HOST", Value: "postgres.shop.svc.cluster.local"},
				{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"}}},
				{Name: "PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "shop"}, Key: "password"}}},
			},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{"cpu": resource.MustParse("100m"), "memory": resource.MustParse("128Mi")},
				Limits:   corev1.ResourceList{"memory": resource.MustParse("256Mi")},
			},
			VolumeMounts: []corev1.VolumeMount{
				{Name: "config", MountPath: "/etc/shop"}, {Name: "kube-api-access-x2x4x", ReadOnly: true, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount"},
			},
			ReadinessProbe:         &corev1.Probe{PeriodSeconds: 10, TimeoutSeconds: 1, SuccessThreshold: 1, FailureThreshold: 3},
			TerminationMessagePath: "/dev/termination-log", TerminationMessagePolicy: corev1.TerminationMessageReadFile,
		}
	}
	return corev1.PodSpec{
		Containers: []corev1.Container{container("frontend"), container("sidecar")}, NodeName: "node-" + strconv.Itoa(i%50),
		ServiceAccountName: "shop", DeprecatedServiceAccount: "shop", RestartPolicy: corev1.RestartPolicyAlways, DNSPolicy: corev1.DNSClusterFirst,
		SchedulerName: "default-scheduler", SecurityContext: &corev1.PodSecurityContext{}, TerminationGracePeriodSeconds: ptr.To[int64](30),
		Priority: ptr.To[int32](0), EnableServiceLinks: ptr.To(true), PreemptionPolicy: ptr.To(corev1.PreemptLowerPriority),
		Tolerations: []corev1.Toleration{
			{Key: "node.kubernetes.io/not-ready", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](300)},
			{Key: "node.kubernetes.io/unreachable", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](300)},
		},
		Volumes: []corev1.Volume{
			{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "shop"}, DefaultMode: ptr.To[int32](420)}}},
			{Name: "kube-api-access-x2x4x", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{DefaultMode: ptr.To[int32](420), Sources: []corev1.VolumeProjection{
				{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: ptr.To[int64](3607), Path: "token"}},
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
			}}}},
		},
	}
}

// pods starts a union over 10 members of pods that are like real ones, and lists them once.
func pods(t testing.TB, total int) *federation {
	t.Helper()
	const members = 10
	var names []string
	for m := range members {
		names = append(names, "member"+strconv.Itoa(m))
	}
	f := federateWith(t, func(c *Config, p *pace) {
		*p, c.Patience = defaultPace, time.Minute
		p.check, p.write = time.Hour, time.Minute // a busy machine is waited for
	}, names...)
	for i := range total {
		f.cluster(names[i%members]).set("namespace-"+strconv.Itoa(i%20), fmt.Sprintf("shop-frontend-6d4cf56db6-%05x", i), realPod(i))
	}
	f.all(t)
	return f
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// What is cached costs at most maxBytesPerPod for each pod, with the history full.
func TestMemoryPerPod(t *testing.T) {
	const total = 10_000
	f := pods(t, total)
	for i := range total { // each changes once, so that the history fills
		m := f.cluster("member" + strconv.Itoa(i%10))
		m.set("namespace-"+strconv.Itoa(i%20), fmt.Sprintf("shop-frontend-6d4cf56db6-%05x", i), func(p *corev1.Pod) { p.Status.PodIP = "10.244.3.18" })
	}
	for _, name := range f.names() {
		f.Wrote(name, "", "", strconv.FormatInt(f.cluster(name).revision, 10))
	}
	f.all(t)
	with, stats := heap(), f.Stats()
	f.Union.mu.Lock()
	f.forget()
	f.Union.mu.Unlock()
	perPod := (with - heap()) / total
	t.Logf("%d bytes per pod; encoded %d; %d events in the history", perPod, stats.Bytes/stats.Objects, stats.History)
	if perPod > maxBytesPerPod || perPod < stats.Bytes/stats.Objects {
		t.Errorf("a cached pod costs %d bytes, at most %d are allowed", perPod, maxBytesPerPod)
	}
}

func BenchmarkList(b *testing.B) {
	f := pods(b, 10_000)
	shop, err := labels.Parse("app.kubernetes.io/component=frontend")
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]struct {
		namespace string
		sel       Selection
		limit     int64
		cold      bool
	}{
		"pods=10000":           {},
		"pods=10000/selector":  {sel: Selection{Labels: shop}},
		"pods=10000/page=500":  {limit: 500},
		"pods=10000/namespace": {namespace: "namespace-3"},
		// All is decoded: nothing is in memory any more that another list has decoded.
		"pods=10000/cold": {cold: true},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if c.cold {
					b.StopTimer()
					heap()
					b.StartTimer()
				}
				if _, _, err := f.List(b.Context(), c.namespace, c.sel, &internalversion.ListOptions{Limit: c.limit}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
