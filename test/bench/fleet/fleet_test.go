/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package fleet

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/test/simulated"
)

// The members run in a process of their own, which is this program again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "members" {
		if err := Child(context.Background(), os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestSimulatedFleet(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen := make(chan simulated.Sighting, 10)
	f, err := Start(ctx, program, Config{
		Simulated: true, Count: 2, Available: time.Millisecond, Dir: t.TempDir(), Seen: func(s simulated.Sighting) { seen <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	m := f.Members[1]
	client, err := dynamic.NewForConfig(&rest.Config{Host: m.Endpoint, BearerToken: m.Token, TLSClientConfig: rest.TLSClientConfig{CAData: m.CA}})
	if err != nil {
		t.Fatal(err)
	}
	d := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "spec": map[string]any{"replicas": int64(3)}}}
	d.SetName("web")
	deployments := client.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).Namespace("default")
	if _, err := deployments.Apply(ctx, "web", d, metav1.ApplyOptions{FieldManager: "test"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int32{-1, 3} {
		select {
		case s := <-seen:
			if s.Member != m.Name || s.Name != "web" || s.Available != want {
				t.Errorf("saw %+v, want %d available in %s", s, want, m.Name)
			}
		case <-ctx.Done():
			t.Fatal("nothing is reported")
		}
	}
	stats, err := f.Stats(ctx)
	if err != nil || len(stats) != 2 || stats[1].Sent != 1 || stats[0].Sent != 0 {
		t.Errorf("stats: %+v, %v", stats, err)
	}
	if err := f.Fail(ctx, m.Name); err != nil {
		t.Error(err)
	}
	short, end := context.WithTimeout(ctx, 50*time.Millisecond)
	defer end()
	if _, err := deployments.Get(short, "web", metav1.GetOptions{}); err == nil {
		t.Error("a failed member answers")
	}
	if err := f.Heal(ctx, m.Name); err != nil {
		t.Error(err)
	}
	if _, err := deployments.Get(ctx, "web", metav1.GetOptions{}); err != nil {
		t.Errorf("a healed member: %v", err)
	}
	if err := f.Slow(ctx, "nobody", time.Second); err == nil {
		t.Error("a member that does not exist can be slow")
	}
	if err := f.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := f.Stats(ctx); err == nil {
		t.Error("members that have ended answer")
	}
}
