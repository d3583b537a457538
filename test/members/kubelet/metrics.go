/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kubelet

import (
	"hash/fnv"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
)

// What a node uses beside its pods.
const (
	nodeCPU    = 0.1       // cores
	nodeMemory = 512 << 20 // bytes
)

// MetricsPath is where the resource metrics of a node are; the node's annotation metrics.k8s.io/resource-metrics-path tells
// metrics-server.
func MetricsPath(node string) string { return "/nodes/" + node + "/metrics/resource" }

var (
	perContainer = []string{"container", "namespace", "pod"}

	nodeCPUDesc         = prometheus.NewDesc("node_cpu_usage_seconds_total", "CPU time used by the node in core-seconds.", nil, nil)
	nodeMemoryDesc      = prometheus.NewDesc("node_memory_working_set_bytes", "Working set of the node in bytes.", nil, nil)
	containerStartDesc  = prometheus.NewDesc("container_start_time_seconds", "Start of the container in seconds since 1970.", perContainer, nil)
	containerCPUDesc    = prometheus.NewDesc("container_cpu_usage_seconds_total", "CPU time used by the container in core-seconds.", perContainer, nil)
	containerMemoryDesc = prometheus.NewDesc("container_memory_working_set_bytes", "Working set of the container in bytes.", perContainer, nil)
)

// usage remembers the CPU time that nodes have used: a counter must not fall when a pod goes.
type usage struct {
	mu    sync.Mutex
	nodes map[string]spent
}

type spent struct {
	at    time.Time
	total float64 // core-seconds
}

func newUsage() *usage { return &usage{nodes: map[string]spent{}} }

// spend returns the total of a node that has used the given number of cores since the last call.
func (u *usage) spend(node string, cores float64, now time.Time) float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	s, known := u.nodes[node]
	if known {
		s.total += cores * now.Sub(s.at).Seconds()
	}
	s.at = now
	u.nodes[node] = s
	return s.total
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	node := r.PathValue("node")
	pods, err := s.cfg.Client.CoreV1().Pods(metav1.NamespaceAll).List(r.Context(), metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector("spec.nodeName", node).String(),
		ResourceVersion: "0", // from the API server's memory
	})
	if err != nil {
		writeError(w, err)
		return
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(&collector{node: node, pods: pods.Items, usage: s.usage, now: time.Now()})
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// collector turns the pods of a node into what they use.
type collector struct {
	node  string
	pods  []corev1.Pod
	usage *usage
	now   time.Time
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{nodeCPUDesc, nodeMemoryDesc, containerStartDesc, containerCPUDesc, containerMemoryDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	emit := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.NewMetricWithTimestamp(c.now, prometheus.MustNewConstMetric(d, kind, value, labels...))
	}
	cores, memory := nodeCPU, float64(nodeMemory)
	for i := range c.pods {
		pod := &c.pods[i]
		for _, status := range pod.Status.ContainerStatuses {
			running := status.State.Running
			if running == nil {
				continue
			}
			cpu, bytes := uses(pod, status.Name)
			cores, memory = cores+cpu, memory+bytes
			labels := []string{status.Name, pod.Namespace, pod.Name}
			emit(containerStartDesc, prometheus.GaugeValue, float64(running.StartedAt.Unix()), labels...)
			emit(containerCPUDesc, prometheus.CounterValue, cpu*c.now.Sub(running.StartedAt.Time).Seconds(), labels...)
			emit(containerMemoryDesc, prometheus.GaugeValue, bytes, labels...)
		}
	}
	emit(nodeCPUDesc, prometheus.CounterValue, c.usage.spend(c.node, cores, c.now))
	emit(nodeMemoryDesc, prometheus.GaugeValue, memory)
}

// uses returns the cores and bytes that a container uses, always the same: half of what it requests, or else up to 20
// thousandths of a core and 64 MiB, so that pods differ.
func uses(pod *corev1.Pod, name string) (cores, bytes float64) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(string(pod.UID) + "/" + name)) // never fails
	cores, bytes = float64(1+h.Sum32()%20)/1000, float64(1+h.Sum32()%64)*(1<<20)
	for _, c := range pod.Spec.Containers {
		if c.Name != name {
			continue
		}
		if q := c.Resources.Requests.Cpu(); !q.IsZero() {
			cores = q.AsApproximateFloat64() / 2
		}
		if q := c.Resources.Requests.Memory(); !q.IsZero() {
			bytes = q.AsApproximateFloat64() / 2
		}
	}
	return cores, bytes
}
