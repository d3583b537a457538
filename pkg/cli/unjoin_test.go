/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cli_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

func newSecret(name string, data map[string]string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: data}
}

func unjoinArgs(more ...string) []string {
	return append([]string{"unjoin", "m1", "--cluster-kubeconfig", member.kubeconfig}, more...)
}

// linesOf returns the lines of out that begin so.
func linesOf(out, prefix string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, prefix) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func mustBeGone(t *testing.T, err error) {
	t.Helper()
	if !apierrors.IsNotFound(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestUnjoinLeavesNothing(t *testing.T) {
	namespace := fresh(t)
	mustRun(t, joinArgs(namespace, "m1")...)
	out := mustRun(t, unjoinArgs()...)
	want := `cluster  clusterrolebinding/karmada-controller-manager:karmada-m1 deleted
cluster  clusterrole/karmada-controller-manager:karmada-m1 deleted
cluster  secret/karmada-m1 deleted
cluster  serviceaccount/karmada-m1 deleted
cluster  secret/karmada-impersonator deleted
cluster  serviceaccount/karmada-impersonator deleted
cluster  namespace/` + namespace + ` deleted
`
	if diff := cmp.Diff(want, linesOf(out, "cluster  ")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	_, err := clusters.Get(t.Context(), "m1", metav1.GetOptions{})
	mustBeGone(t, err)
	for _, name := range []string{"m1", "m1-impersonator"} {
		_, err := hub.kube.CoreV1().Secrets(namespace).Get(t.Context(), name, metav1.GetOptions{})
		mustBeGone(t, err)
	}
	_, _, err = command(t, "unjoin", "m1")
	if err == nil || !strings.Contains(err.Error(), `has no cluster "m1"`) {
		t.Errorf("a second unjoin: %v", err)
	}
}

// What a user has put beside the hub's accounts stays, and so does a namespace that joining has not made.
func TestUnjoinSparesOthers(t *testing.T) {
	ctx := t.Context()
	for name, tc := range map[string]struct {
		before func(t *testing.T, namespace string) // the join
		after  func(t *testing.T, namespace string)
		want   string
	}{
		"a user's object": {
			before: func(*testing.T, string) {},
			after: func(t *testing.T, namespace string) {
				if _, err := member.kube.CoreV1().Secrets(namespace).Create(ctx, newSecret("mine", nil), metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			},
			want: "cluster  namespace/NAMESPACE left behind: it still holds secrets/mine\n",
		},
		"a user's namespace": {
			before: func(t *testing.T, namespace string) {
				ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
				if _, err := member.kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			},
			after: func(*testing.T, string) {},
			want:  "cluster  namespace/NAMESPACE left behind: it was not made by joining\n",
		},
		"another hub": {
			before: func(*testing.T, string) {},
			after: func(t *testing.T, namespace string) {
				other := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
					Name: "karmada-elsewhere", Labels: map[string]string{clusterv1alpha1.SystemLabel: clusterv1alpha1.SystemLabelValue},
				}}
				if _, err := member.kube.CoreV1().ServiceAccounts(namespace).Create(ctx, other, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			},
			want: "cluster  serviceaccount/karmada-impersonator left behind: a hub with the account karmada-elsewhere uses it\n" +
				"cluster  namespace/NAMESPACE left behind: it still holds " +
				"secrets/karmada-impersonator, serviceaccounts/karmada-elsewhere, serviceaccounts/karmada-impersonator\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := fresh(t)
			tc.before(t, namespace)
			mustRun(t, joinArgs(namespace, "m1")...)
			tc.after(t, namespace)
			out := mustRun(t, unjoinArgs()...)
			var left strings.Builder
			for line := range strings.Lines(out) {
				if strings.Contains(line, "left behind") {
					left.WriteString(line)
				}
			}
			if diff := cmp.Diff(strings.ReplaceAll(tc.want, "NAMESPACE", namespace), left.String()); diff != "" {
				t.Errorf("left behind (-want +got):\n%s", diff)
			}
			ns, err := member.kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
			if err != nil || ns.DeletionTimestamp != nil {
				t.Errorf("the namespace was deleted: %v", err)
			}
			_, err = member.kube.CoreV1().ServiceAccounts(namespace).Get(ctx, "karmada-m1", metav1.GetOptions{})
			mustBeGone(t, err)
		})
	}
}

// hold gives the Cluster the finalizer that a hub with something placed in the member sets.
func hold(t *testing.T, finalizers ...string) {
	t.Helper()
	c, err := clusters.Get(t.Context(), "m1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.Finalizers = finalizers
	if _, err := clusters.Update(t.Context(), c, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestUnjoinWaitsForTheHub(t *testing.T) {
	namespace := fresh(t)
	mustRun(t, joinArgs(namespace, "m1")...)
	hold(t, clusterv1alpha1.ClusterFinalizer)
	cleared := make(chan error, 1)
	ctx := t.Context()
	go func() { cleared <- clearWhenDeleted(ctx) }()
	out := mustRun(t, unjoinArgs("--wait", "30s")...)
	if err := <-cleared; err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "held by karmada.io/cluster-controller\n") {
		t.Errorf("no progress is told:\n%s", out)
	}
}

// clearWhenDeleted plays the hub: it releases the Cluster once it is being deleted.
func clearWhenDeleted(ctx context.Context) error {
	return poll(ctx, func() error {
		c, err := clusters.Get(ctx, "m1", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if c.DeletionTimestamp == nil {
			return context.DeadlineExceeded
		}
		if _, err := member.kube.RbacV1().ClusterRoleBindings().Get(ctx, "karmada-controller-manager:karmada-m1", metav1.GetOptions{}); err != nil {
			return err // the hub needs its rights until it has cleared the member
		}
		c.Finalizers = nil
		_, err = clusters.Update(ctx, c, metav1.UpdateOptions{})
		return err
	})
}

func TestUnjoinForce(t *testing.T) {
	namespace := fresh(t)
	mustRun(t, joinArgs(namespace, "m1")...)
	hold(t, clusterv1alpha1.ClusterFinalizer)

	_, _, err := command(t, unjoinArgs("--wait", "1s")...)
	for _, part := range []string{"still there after 1s", "held by karmada.io/cluster-controller", "--force"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q: %v", part, err)
		}
	}
	if _, err := member.kube.CoreV1().ServiceAccounts(namespace).Get(t.Context(), "karmada-m1", metav1.GetOptions{}); err != nil {
		t.Errorf("the hub has lost its access before it was done: %v", err)
	}

	_, stderr, err := command(t, unjoinArgs("--wait", "1s", "--force")...)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stderr, "karmada.io/managed=true") {
		t.Errorf("what stays behind is not told: %s", stderr)
	}
	_, err = clusters.Get(t.Context(), "m1", metav1.GetOptions{})
	mustBeGone(t, err)
}

func TestUnjoinRefuses(t *testing.T) {
	namespace := fresh(t)
	mustRun(t, joinArgs(namespace, "m1")...)
	pull := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "pulling"}, Spec: clusterv1alpha1.ClusterSpec{SyncMode: clusterv1alpha1.Pull}}
	if _, err := clusters.Create(t.Context(), pull, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"another cluster's kubeconfig": {args: []string{"unjoin", "m1", "--cluster-kubeconfig", hub.kubeconfig}, want: `is not cluster "m1"`},
		"a cluster with an agent":      {args: []string{"unjoin", "pulling"}, want: "sync mode Pull"},
		"no rights on the hub":         {args: []string{"unjoin", "m1", "--as", "nobody"}, want: "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := command(t, tc.args...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("want an error with %q, got: %v", tc.want, err)
			}
		})
	}
	mustBeJoined(t, namespace, "m1")
}

// A join that was interrupted before there was a Cluster leaves Secrets that nothing owns.
func TestUnjoinAfterInterruptedJoin(t *testing.T) {
	namespace := fresh(t)
	mustRun(t, joinArgs(namespace, "m1")...)
	secrets := hub.kube.CoreV1().Secrets(namespace)
	for _, name := range []string{"m1", "m1-impersonator"} {
		orphan := []byte(`{"metadata":{"ownerReferences":null}}`)
		if _, err := secrets.Patch(t.Context(), name, "application/merge-patch+json", orphan, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := clusters.Delete(t.Context(), "m1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	out := mustRun(t, unjoinArgs("--cluster-namespace", namespace)...)
	if diff := cmp.Diff("hub      secret/m1 deleted\nhub      secret/m1-impersonator deleted\n", linesOf(out, "hub  ")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestVersion(t *testing.T) {
	out := mustRun(t, "version")
	if !strings.HasPrefix(out, "Client: ") || !strings.Contains(out, "\nHub:    v") {
		t.Errorf("output is:\n%s", out)
	}
}
