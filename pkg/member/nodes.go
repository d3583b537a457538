/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"maps"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// NodeSummary is the size of a member.
type NodeSummary struct {
	Total, Ready int32
	Allocatable  corev1.ResourceList // sum over all nodes
}

func (n *NodeSummary) same(o *NodeSummary) bool {
	if n == nil || o == nil {
		return n == o
	}
	return n.Total == o.Total && n.Ready == o.Ready && maps.EqualFunc(n.Allocatable, o.Allocatable,
		func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })
}

// summarizeEvery bounds how often a change of nodes leads to a new summary.
const summarizeEvery = time.Second

// node is what the summary needs of one node.
type node struct {
	ready       bool
	allocatable map[string]string
}

func (n node) same(o node) bool {
	return n.ready == o.ready && maps.Equal(n.allocatable, o.allocatable)
}

// nodeStore is the keeper of nodes, reduced to the summary's needs.
type nodeStore struct {
	changed chan struct{} // never before all are known: a part of them would be a wrong sum

	mu     sync.Mutex
	nodes  map[string]node
	synced bool
}

func (s *nodeStore) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func nodeOf(u *unstructured.Unstructured) node {
	n := node{}
	n.allocatable, _, _ = unstructured.NestedStringMap(u.Object, "status", "allocatable") // absent until the kubelet reports
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")        // likewise
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == string(corev1.NodeReady) {
			n.ready = m["status"] == string(corev1.ConditionTrue)
		}
	}
	return n
}

func (s *nodeStore) seen(u *unstructured.Unstructured, _ bool) {
	name, n := u.GetName(), nodeOf(u)
	s.mu.Lock()
	old, known := s.nodes[name]
	s.nodes[name] = n
	synced := s.synced
	s.mu.Unlock()
	if synced && (!known || !n.same(old)) { // most node updates are heartbeats
		s.signal()
	}
}

func (s *nodeStore) gone(key types.NamespacedName) {
	s.mu.Lock()
	delete(s.nodes, key.Name)
	s.mu.Unlock()
	s.signal()
}

func (s *nodeStore) complete(there map[types.NamespacedName]bool) {
	s.mu.Lock()
	maps.DeleteFunc(s.nodes, func(name string, _ node) bool { return !there[types.NamespacedName{Name: name}] })
	s.synced = true
	s.mu.Unlock()
	s.signal()
}

func (s *nodeStore) summary() *NodeSummary {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &NodeSummary{Allocatable: corev1.ResourceList{}}
	for _, n := range s.nodes {
		out.Total++
		if n.ready {
			out.Ready++
		}
		for name, text := range n.allocatable {
			q, err := resource.ParseQuantity(text)
			if err != nil { // written by a kubelet; not ours to complain about
				continue
			}
			sum := out.Allocatable[corev1.ResourceName(name)]
			sum.Add(q)
			out.Allocatable[corev1.ResourceName(name)] = sum
		}
	}
	return out
}

// watchNodes keeps State.Nodes.
func (m *Member) watchNodes(ctx context.Context) {
	s := &nodeStore{nodes: map[string]node{}, changed: make(chan struct{}, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.reflect(ctx, schema.GroupVersionResource{Version: "v1", Resource: "nodes"}, "", s)
	}()
	defer func() { <-done }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		}
		m.update(func(st *State) { st.Nodes = s.summary() })
		select {
		case <-ctx.Done():
			return
		case <-time.After(summarizeEvery):
		}
	}
}
