/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package members runs real Kubernetes control planes on loopback, to be joined to a federation by tests and by the demo.
//
// A member is a kube-apiserver and, when workloads are wanted, a kube-controller-manager, a kube-scheduler and a kwok
// that plays the pods of two nodes: a Deployment becomes available, but no container runs. Logs, exec, attach, port-forward,
// cp and debug work all the same, and top with a metrics-server; package kubelet, in the calling process, answers them. What exec runs is a local command,
// with the rights of whoever runs the member. The members of one [Set] share an etcd, embedded in the calling process,
// each under a prefix of its own.
//
// Nothing outlives the caller: the kernel kills the children when the process that started them dies, however it dies.
// That and the process accounting of /proc make the package Linux only.
package members
