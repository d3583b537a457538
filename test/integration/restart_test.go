/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// copied is what the restart test compares of a copy with its template.
type copied struct {
	Replicas int32
	Template string // UID of the template it was made from
}

// inventory returns the Deployments of a namespace in a member, and their own UIDs.
func inventory(ctx context.Context, m *apitest.Member, ns string) (map[string]copied, map[string]types.UID, error) {
	list, err := m.Kube.AppsV1().Deployments(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, nil, err
	}
	copies, uids := map[string]copied{}, map[string]types.UID{}
	for _, d := range list.Items {
		copies[d.Name] = copied{*d.Spec.Replicas, d.Annotations[workv1alpha2.TemplateUIDAnnotation]}
		uids[d.Name] = d.UID
	}
	return copies, uids, nil
}

// createAll creates n Deployments d0, d1, … one after the other, and goes on trying when the hub is not there. It tells
// after each one.
func createAll(ctx context.Context, h *apitest.Hub, ns string, n int, created func(i int)) error {
	for i := range n {
		for {
			_, err := h.TryCreate(ctx, ns, deployment(fmt.Sprintf("d%d", i), 6))
			if err == nil || apierrors.IsAlreadyExists(errors.Unwrap(err)) {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", ctx.Err(), err)
			case <-time.After(100 * time.Millisecond):
			}
		}
		created(i)
	}
	return nil
}

// The server is killed while 200 Deployments are created. Afterwards each member holds what was asked for, no more, and
// nothing that it held before was made anew. Nor does a restart carry out what a Lazy policy holds back.
func TestKilledDuringCreation(t *testing.T) {
	const count, killAt = 200, 100
	h := alone(t)
	ns := namespaceOn(t, h)
	h.Create(t, ns, policy("all", all("Deployment"), weightsOver("bare", 1, 2, 3), "activationPreference: Lazy"))
	reached, done := make(chan struct{}), make(chan error, 1)
	client := *h // it keeps its connection data when the hub is started anew
	go func() {
		done <- createAll(t.Context(), &client, ns, count, func(i int) {
			if i == killAt {
				close(reached)
			}
		})
	}()
	select {
	case <-reached:
	case err := <-done:
		t.Fatalf("creation ended early: %v", err)
	}
	h.Kill()
	before := map[string]map[string]types.UID{}
	for _, m := range bare {
		_, uids, err := inventory(t.Context(), m, ns)
		if err != nil {
			t.Fatal(err)
		}
		before[m.Name] = uids
	}
	begin := time.Now()
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("ready again after %v, with %d copies in %s before", time.Since(begin), len(before[bare[0].Name]), bare[0].Name)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	checkIntent(t, h, ns, count, before)

	if out, err := h.Second(t.Context()); !isExit(err, 1) || !strings.Contains(out, "another server is running on the data directory "+h.Dir) {
		t.Errorf("a second server on the same directory: %v\n%s", err, out)
	}
	h.Patch(t, "propagationpolicies", ns, "all", fmt.Sprintf("spec: {placement: {%s}}", weightsOver("bare", 1)))
	begin = time.Now()
	if err := h.Stop(); err != nil || time.Since(begin) > 10*time.Second {
		t.Errorf("SIGTERM: ended after %v: %v", time.Since(begin), err)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkIntent(t, h, ns, count, before)
	checkHeldBack(t, h, ns)
}

// checkHeldBack checks that every binding is in all clusters still, though the Lazy policy names one only, and that one of
// a template that is edited follows.
func checkHeldBack(t *testing.T, h *apitest.Hub, ns string) {
	t.Helper()
	apitest.Always(t, quiet, func() error {
		bindings, err := h.Manifold.WorkV1alpha2().ResourceBindings(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, b := range bindings.Items {
			if len(b.Spec.Clusters) != len(bare) {
				return fmt.Errorf("%s went to %v", b.Name, b.Spec.Clusters)
			}
		}
		return nil
	})
	h.Patch(t, "deployments", ns, "d0", `metadata: {labels: {edited: "yes"}}`)
	apitest.Eventually(t, func() error {
		b, err := binding(t.Context(), h, ns, "d0", "Deployment")
		if err == nil && len(b.Spec.Clusters) != 1 {
			err = fmt.Errorf("d0 is still in %v", b.Spec.Clusters)
		}
		return err
	})
}

// checkIntent waits until each member holds exactly what the hub's templates ask for, and checks that what it held
// before is the same object still.
func checkIntent(t *testing.T, h *apitest.Hub, ns string, count int, before map[string]map[string]types.UID) {
	t.Helper()
	templates, err := h.Kube.AppsV1().Deployments(ns).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(templates.Items) != count {
		t.Fatalf("the hub has %d Deployments, want %d", len(templates.Items), count)
	}
	for i, m := range bare {
		want := map[string]copied{}
		for _, d := range templates.Items {
			want[d.Name] = copied{int32(i + 1), string(d.UID)} // 6 by the weights 1, 2, 3
		}
		var uids map[string]types.UID
		apitest.Eventually(t, func() (err error) {
			var got map[string]copied
			got, uids, err = inventory(t.Context(), m, ns)
			if diff := cmp.Diff(want, got); err == nil && diff != "" {
				err = fmt.Errorf("%s (-want +got):\n%s", m.Name, diff)
			}
			return err
		})
		for name, uid := range before[m.Name] {
			if uids[name] != uid {
				t.Errorf("%s: %s was made anew", m.Name, name)
			}
		}
	}
	bindings, err := h.Manifold.WorkV1alpha2().ResourceBindings(ns).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(bindings.Items) != count {
		t.Errorf("the hub has %d bindings, want %d: %v", len(bindings.Items), count, err)
	}
}

// unmanaged returns an error unless the member has the namespace without any mark of ours.
func unmanaged(ctx context.Context, m *apitest.Member, ns string) error {
	u, err := m.Get(ctx, "namespaces", "", ns)
	if err == nil && (u.GetLabels()[workv1alpha2.ManagedLabel] != "" || len(u.GetAnnotations()) > 0) {
		err = fmt.Errorf("%s: namespace %s is marked still: %v, %v", m.Name, ns, u.GetLabels(), u.GetAnnotations())
	}
	return err
}

func isExit(err error, code int) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == code
}

// Leaving takes the copies along, unless the member is lost; then only the hub forgets it.
func TestUnjoin(t *testing.T) {
	t.Parallel()
	h := apitest.NewHub(t)
	ns := unique("it")
	home := unique("home") // of this hub's accounts in the member, which is also that of another hub
	api := *fleet[2].API
	api.Name = "leaver"
	leaver := &apitest.Member{API: &api, Server: fleet[2].Server}
	if err := h.Join(t.Context(), leaver, "--cluster-namespace", home); err != nil {
		t.Fatal(err)
	}
	lost := bare[2]
	if err := h.Enrol(t.Context(), lost); err != nil {
		t.Fatal(err)
	}
	h.Create(t, "", fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s}}", ns))
	h.Create(t, ns, docs(configMap("c", "v"), policy("p", all("ConfigMap"), "clusterAffinity: {}")))
	for _, m := range []*apitest.Member{leaver, lost} {
		apitest.Eventually(t, func() error { return m.Has(t.Context(), "configmaps", ns, "c") })
	}
	out, err := h.CLI(t.Context(), "unjoin", "leaver", "--cluster-kubeconfig", leaver.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"to be removed from leaver: 1 ConfigMap\n", "to be kept in leaver, without the hub's marks: "} {
		if !strings.Contains(out, said) {
			t.Errorf("the output lacks %q:\n%s", said, out)
		}
	}
	for _, check := range []error{
		h.Lacks(t.Context(), "clusters", "", "leaver"),
		h.Lacks(t.Context(), "secrets", home, "leaver"),
		leaver.Lacks(t.Context(), "configmaps", ns, "c"),
		unmanaged(t.Context(), leaver, ns), // it may hold more than what came from here
		leaver.Lacks(t.Context(), "serviceaccounts", home, "karmada-leaver"),
	} {
		if check != nil {
			t.Error(check)
		}
	}
	if err := lost.Has(t.Context(), "configmaps", ns, "c"); err != nil {
		t.Errorf("the other member lost its copy: %v", err)
	}

	stop(t, lost)
	if _, err := h.CLI(t.Context(), "unjoin", lost.Name); err != nil {
		t.Fatal(err)
	}
	apitest.Eventually(t, func() error { return h.Lacks(t.Context(), "clusters", "", lost.Name) })
	apitest.Eventually(t, func() error {
		b, err := binding(t.Context(), h, ns, "c", "ConfigMap")
		if err == nil && (len(b.Spec.Clusters) > 0 || len(b.Status.AggregatedStatus) > 0) {
			err = fmt.Errorf("the binding still names clusters: %+v, %+v", b.Spec.Clusters, b.Status.AggregatedStatus)
		}
		return err
	})
}
