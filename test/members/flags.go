/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members

import (
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	kwok              = "kwok"
	metricsServer     = "metrics-server"

	// frontProxy is the name under which an API server hands on the identity of a user to those behind it.
	frontProxy = "front-proxy-client"
)

// workloadComponents are what a member runs beside its API server when it has workloads.
var workloadComponents = []string{controllerManager, scheduler, kwok}

// controllers are the ones that objects propagated to a member rely on, and those that keep namespaces, service
// accounts and nodes in order. Left out are the ones for volumes that attach, clouds, certificates and migration.
const controllers = "clusterrole-aggregation-controller,cronjob-controller,daemonset-controller,deployment-controller," +
	"disruption-controller,endpoints-controller,endpointslice-controller,endpointslice-mirroring-controller," +
	"garbage-collector-controller,horizontal-pod-autoscaler-controller,job-controller,namespace-controller," +
	"node-lifecycle-controller,persistentvolume-binder-controller,persistentvolumeclaim-protection-controller," +
	"persistentvolume-protection-controller,pod-garbage-collector-controller,replicaset-controller," +
	"replicationcontroller-controller,resourcequota-controller,root-ca-certificate-publisher-controller," +
	"serviceaccount-controller,serviceaccount-token-controller,statefulset-controller,taint-eviction-controller," +
	"ttl-after-finished-controller,validatingadmissionpolicy-status-controller,volumeattributesclass-protection-controller"

// nodeGrace is how long a node counts as alive without a sign of life. The nodes never give one: they have no leases,
// which keeps an idle member idle, and lets a kwok that is started anew take them over at once.
const nodeGrace = 10000 * time.Hour

// argsOf returns the command line of one component of m.
func (m *Member) argsOf(component string) []string {
	switch component {
	case apiServer:
		return m.apiServerArgs()
	case controllerManager:
		return append(clientArgs(m.Kubeconfig),
			"--leader-elect=false",
			"--secure-port=0",
			"--controllers="+controllers,
			"--root-ca-file="+m.pki.file("ca.crt"),
			"--service-account-private-key-file="+m.pki.file("service-accounts.key"),
			"--node-monitor-grace-period="+nodeGrace.String(),
			"--endpoint-updates-batch-period=0s",
			"--pvclaimbinder-sync-period=1m",
			"--concurrent-deployment-syncs=20",
			"--concurrent-replicaset-syncs=20",
			"--concurrent-statefulset-syncs=20",
			"--concurrent-job-syncs=20",
			"--concurrent-namespace-syncs=20",
			"--concurrent-serviceaccount-token-syncs=10",
		)
	case scheduler:
		return append(clientArgs(m.Kubeconfig), "--leader-elect=false", "--secure-port=0")
	case kwok:
		return []string{
			"--config=" + m.kwokConfigFile(),
			"--kubeconfig=" + m.Kubeconfig,
			"--manage-all-nodes",
			"--node-ip=127.0.0.1",
			"--node-lease-duration-seconds=0",
			fmt.Sprintf("--cidr=10.%d.0.0/16", 128+m.index%128), // members' pods are told apart by their addresses
		}
	case metricsServer:
		return m.metricsServerArgs()
	}
	panic("no such component: " + component)
}

// clientArgs let a component work as fast as the machine allows.
func clientArgs(kubeconfig string) []string {
	return []string{"--kubeconfig=" + kubeconfig, "--kube-api-qps=500", "--kube-api-burst=1000"}
}

func (m *Member) apiServerArgs() []string {
	return []string{
		"--etcd-servers=" + m.store,
		"--etcd-prefix=/" + m.Name,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(m.port),
		"--tls-cert-file=" + m.pki.file("server.crt"),
		"--tls-private-key-file=" + m.pki.file("server.key"),
		"--client-ca-file=" + m.pki.file("ca.crt"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + m.pki.file("service-accounts.key"),
		"--service-account-signing-key-file=" + m.pki.file("service-accounts.key"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--kubelet-certificate-authority=" + m.pki.file("ca.crt"),
		"--kubelet-client-certificate=" + m.pki.file("admin.crt"),
		"--kubelet-client-key=" + m.pki.file("admin.key"),
		"--kubelet-preferred-address-types=" + string(corev1.NodeInternalIP),
		"--requestheader-client-ca-file=" + m.pki.file("ca.crt"),
		"--requestheader-allowed-names=" + frontProxy,
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + m.pki.file(frontProxy+".crt"),
		"--proxy-client-key-file=" + m.pki.file(frontProxy+".key"),
		"--endpoint-reconciler-type=none",                                                   // a loopback address cannot be an endpoint
		"--feature-gates=APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false", // no lease to renew for ever
		"--profiling=false",
	}
}
