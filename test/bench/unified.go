/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/test/bench/fleet"
)

const (
	// podMembers and podsEach make the pods that the hub shows as its own.
	podMembers, podsEach = 10, 1000
	// listRounds is how often each way of listing them is measured.
	listRounds = 12
	// asTable is what kubectl accepts for `get`, and pageSize how many it asks for at a time.
	asTable  = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
	pageSize = 500
)

const (
	figurePodMemory = "pods: memory of the hub per pod that is cached"
	figurePodList   = "pods: list of all, protobuf, p50"
	figurePodDead   = "pods: list of all with one member dead, protobuf, p50"
)

// pods is the one API over all members, with as many pods as a small fleet has.
func (s settings) pods() plan {
	return plan{
		name: "pods", members: fmt.Sprintf("simulated members with %d pods each", podsEach),
		fleet:   fleet.Config{Simulated: true, Count: podMembers, Pods: podsEach},
		limits:  map[string]*limit{figurePodMemory: atMost(6), figurePodList: below(300), figurePodDead: below(300)},
		proxied: []string{"m0000"},
		phases:  slices.Concat(startPhases, []phase{{"list pods", (*bench).listPods}}),
	}
}

// listPods measures what it costs to see the pods of all members.
func (b *bench) listPods(ctx context.Context) error {
	before, err := b.liveHeap(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := b.countPods(ctx, b.hub.client); err != nil {
		return err
	}
	b.report.add("pods: first list, which fills the cache", milliseconds(time.Since(begin)), "ms")
	if err := pause(ctx, b.calm); err != nil { // what the filling has left behind
		return err
	}
	after, err := b.liveHeap(ctx)
	if err != nil {
		return err
	}
	b.report.add(figurePodMemory, (after-before)/(podMembers*podsEach)/1024, "KiB")

	stopProfile := b.startProfile(ctx, "list", profileTime)
	defer func() { _ = stopProfile() }() // only waits: its error is returned below, unless there is another one
	plain := rest.CopyConfig(b.hub.config)
	plain.ContentType, plain.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	asJSON, err := kubernetes.NewForConfig(plain)
	if err != nil {
		return err
	}
	for _, way := range []struct {
		what string
		list func(context.Context) error
	}{
		{"list of all, protobuf", func(ctx context.Context) error { return b.countPods(ctx, b.hub.client) }},
		{"list of all, JSON", func(ctx context.Context) error { return b.countPods(ctx, asJSON) }},
		{"tables of 500, as kubectl get", func(ctx context.Context) error { return b.countRows(ctx, asJSON) }},
	} {
		if err := b.timeList(ctx, way.what, way.list); err != nil {
			return err
		}
	}
	if err := stopProfile(); err != nil {
		return err
	}
	if err := b.fleet.Fail(ctx, b.proxied[0]); err != nil {
		return err
	}
	return b.timeList(ctx, "list of all with one member dead, protobuf", func(ctx context.Context) error { return b.countPods(ctx, b.hub.client) })
}

// timeList measures a way of listing: the time until the last byte is read and decoded.
func (b *bench) timeList(ctx context.Context, what string, list func(context.Context) error) error {
	var took []time.Duration
	for range listRounds {
		begin := time.Now()
		if err := list(ctx); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		took = append(took, time.Since(begin))
	}
	b.report.add("pods: "+what+", p50", milliseconds(percentile(took, 50)), "ms")
	b.report.add("pods: "+what+", slowest", milliseconds(percentile(took, 100)), "ms")
	return nil
}

func (b *bench) countPods(ctx context.Context, client kubernetes.Interface) error {
	list, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	return allPods(len(list.Items))
}

func allPods(n int) error {
	if n != podMembers*podsEach {
		return fmt.Errorf("the hub lists %d pods, there are %d", n, podMembers*podsEach)
	}
	return nil
}

// countRows lists as kubectl does.
func (b *bench) countRows(ctx context.Context, client kubernetes.Interface) error {
	rows, next := 0, ""
	for {
		var page metav1.Table
		data, err := client.CoreV1().RESTClient().Get().Resource("pods").SetHeader("Accept", asTable).
			Param("limit", strconv.Itoa(pageSize)).Param("continue", next).DoRaw(ctx)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &page); err != nil {
			return err
		}
		rows += len(page.Rows)
		if next = page.Continue; next == "" {
			return allPods(rows)
		}
	}
}

// liveHeap returns how many bytes of the hub's heap are in use after a collection.
func (b *bench) liveHeap(ctx context.Context) (float64, error) {
	data, err := b.hub.client.Discovery().RESTClient().Get().RequestURI("/debug/pprof/heap?gc=1&debug=1").DoRaw(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the size of the heap: %w", err)
	}
	for line := range bytes.Lines(data) {
		if text, ok := strings.CutPrefix(string(line), "# HeapAlloc = "); ok {
			return strconv.ParseFloat(strings.TrimSpace(text), 64)
		}
	}
	return 0, errors.New("the profile of the heap does not say how large it is")
}
