/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// below returns the same access to a cluster's API server, by way of the hub.
func below(t *testing.T, a *apitest.API, cluster string) *apitest.API {
	t.Helper()
	k, err := clientcmd.LoadFromFile(a.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range k.Clusters {
		c.Server += "/apis/cluster.karmada.io/v1alpha1/clusters/" + cluster + "/proxy"
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*k, path); err != nil {
		t.Fatal(err)
	}
	out, err := apitest.NewAPI(a.Name, path)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// passenger makes a service account in a namespace of the hub that may pass through to clusters ("*" is the one name for
// all), and in those members of home may edit the namespace of the same name.
func passenger(t *testing.T, clusters []string, home ...string) (*apitest.API, string) {
	t.Helper()
	ns := namespace(t)
	hub.Create(t, ns, docs("{apiVersion: v1, kind: ServiceAccount, metadata: {name: user}}", fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: through-%[1]s}
rules: [{apiGroups: [cluster.karmada.io], resources: [clusters/proxy], verbs: ["*"], resourceNames: ["%[2]s"]}]`, ns, strings.Join(clusters, `", "`)), fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: through-%[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: through-%[1]s}
subjects: [{kind: ServiceAccount, name: user, namespace: %[1]s}]`, ns)))
	t.Cleanup(func() {
		for _, r := range []string{"clusterrolebindings", "clusterroles"} {
			client, err := hub.Objects(r, "")
			if err == nil {
				err = client.Delete(contextAfter(), "through-"+ns, metav1.DeleteOptions{})
			}
			if err != nil && !apierrors.IsNotFound(err) {
				t.Error(err)
			}
		}
	})
	for _, m := range fleet {
		if slices.Contains(home, m.Name) {
			m.Create(t, ns, fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: user}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: "system:serviceaccount:%s:user"}]`, ns))
		}
	}
	return hub.As(t.Context(), t, ns, "user"), ns
}

// Whoever may go through to a member acts there under the own name, with the rights that the member gives to it.
func TestThroughToOneMember(t *testing.T) {
	t.Parallel()
	user, ns := passenger(t, []string{"member1"}, "member1", "member2")
	there := below(t, user, "member1")
	apitest.Eventually(t, func() error { // until the hub's authorizer and the member know of the roles
		_, err := there.TryCreate(t.Context(), ns, configMap("a", "v"))
		return err
	})
	if err := fleet[0].Has(t.Context(), "configmaps", ns, "a"); err != nil {
		t.Error(err)
	}
	if err := hub.Lacks(t.Context(), "configmaps", ns, "a"); err != nil {
		t.Error(err)
	}

	events, err := there.Kube.CoreV1().ConfigMaps(ns).Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=b"})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	fleet[0].Create(t, ns, configMap("b", "v"))
	select {
	case e := <-events.ResultChan():
		if e.Type != "ADDED" {
			t.Errorf("watch: %v", e)
		}
	case <-time.After(10 * time.Second):
		t.Error("the watch tells nothing")
	}
	there.Patch(t, "configmaps", ns, "b", "data: {key: w}")
	there.Delete(t, "configmaps", ns, "b")
	if out := there.Kubectl(t, "", "-n", ns, "get", "configmap", "a", "-o", "jsonpath={.data.key}"); out != "v" {
		t.Errorf("kubectl get: %q", out)
	}
	if out := there.Kubectl(t, "", "auth", "whoami", "-o", "jsonpath={.status.userInfo.username} {.status.userInfo.groups}"); !strings.HasPrefix(out, "system:serviceaccount:"+ns+":user ") {
		t.Errorf("kubectl auth whoami: %q", out)
	}

	if err := acts(t.Context(), fleet[0], ns); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"a namespace of others in the member": get(t.Context(), there, "kube-system"),
		"another member":                      get(t.Context(), below(t, user, "member2"), ns),
		"all members":                         get(t.Context(), below(t, user, "*"), ns),
		"the hub itself":                      get(t.Context(), user, ns),
	} {
		if err := forbidden(err); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	hub.Delete(t, "clusterrolebindings", "", "through-"+ns)
	apitest.Eventually(t, func() error { return forbidden(get(t.Context(), there, ns)) })
	apitest.Eventually(t, func() error {
		if err := acts(t.Context(), fleet[0], ns); err == nil {
			return fmt.Errorf("the hub may still act as accounts of %s in member1", ns)
		}
		return nil
	})
}

// acts returns an error if the hub may not act in a member as service accounts of a namespace.
func acts(ctx context.Context, m *apitest.Member, ns string) error {
	role, err := m.Kube.RbacV1().ClusterRoles().Get(ctx, "karmada-impersonator", metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, r := range role.Rules {
		if slices.Contains(r.ResourceNames, "system:serviceaccounts:"+ns) {
			return nil
		}
	}
	return fmt.Errorf("karmada-impersonator in %s is %v", m.Name, role.Rules)
}

// get reads a ConfigMap that is in every namespace.
func get(ctx context.Context, a *apitest.API, ns string) error {
	_, err := a.Kube.CoreV1().ConfigMaps(ns).Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
	return err
}

// The administrator of the hub is one in the members; a cluster that is not there, or that says nothing of how to act as
// users, is told of.
func TestThroughAsAdministrator(t *testing.T) {
	t.Parallel()
	inMember := below(t, hub.API, "member2")
	apitest.Eventually(t, func() error { return get(t.Context(), inMember, "kube-system") })
	rehearsed := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: unique("rehearsed")}}
	if _, err := inMember.Kube.CoreV1().Namespaces().Create(t.Context(), rehearsed, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Errorf("dry run: %v", err)
	}
	if err := inMember.Lacks(t.Context(), "namespaces", "", rehearsed.Name); err != nil {
		t.Errorf("after a dry run: %v", err)
	}
	if err := get(t.Context(), below(t, hub.API, "nowhere"), "default"); !apierrors.IsNotFound(err) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a cluster that is not there: %v", err)
	}
	hub.Create(t, "", `
apiVersion: cluster.karmada.io/v1alpha1
kind: Cluster
metadata: {name: taciturn}
spec: {syncMode: Push, apiEndpoint: "https://127.0.0.1:1"}`)
	defer hub.Delete(t, "clusters", "", "taciturn")
	apitest.Eventually(t, func() error {
		err := get(t.Context(), below(t, hub.API, "taciturn"), "default")
		if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "spec.impersonatorSecretRef") {
			return fmt.Errorf("a cluster without impersonator: %w", err)
		}
		return nil
	})
}

// The name * stands for all members.
func TestThroughToAllMembers(t *testing.T) {
	t.Parallel()
	user, ns := passenger(t, []string{"*"}, "member1", "member2", "member3")
	all := below(t, user, "*")
	fleet[0].Create(t, ns, docs(configMap("both", "1"), configMap("one", "1")))
	fleet[1].Create(t, ns, configMap("both", "2"))
	apitest.Eventually(t, func() error {
		list, err := all.Kube.CoreV1().ConfigMaps(ns).List(t.Context(), metav1.ListOptions{LabelSelector: "app"})
		if err != nil {
			return err
		}
		var got []string
		for i := range list.Items {
			got = append(got, list.Items[i].Annotations["resource.karmada.io/cached-from-cluster"]+"/"+list.Items[i].Name)
		}
		if want := []string{"member1/both", "member1/one", "member2/both"}; !slices.Equal(got, want) {
			return fmt.Errorf("got %v, want %v", got, want)
		}
		return nil
	})
	if out := all.Kubectl(t, "", "-n", ns, "get", "configmaps", "-l", "app"); !strings.Contains(out, "CLUSTER") || strings.Count(out, "member1") != 2 {
		t.Errorf("kubectl get:\n%s", out)
	}
	if err := all.Has(t.Context(), "configmaps", ns, "one"); err != nil {
		t.Errorf("the one object of that name: %v", err)
	}
	if err := all.Has(t.Context(), "configmaps", ns, "both"); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), "member1, member2") {
		t.Errorf("an object in two clusters: %v", err)
	}
	if err := all.Lacks(t.Context(), "configmaps", ns, "none"); err != nil {
		t.Errorf("an object in none: %v", err)
	}
	all.Patch(t, "configmaps", ns, "one", "data: {key: w}")
	all.Delete(t, "configmaps", ns, "one")
	if err := fleet[0].Lacks(t.Context(), "configmaps", ns, "one"); err != nil {
		t.Error(err)
	}
	if _, err := all.Kube.CoreV1().ConfigMaps(ns).Watch(t.Context(), metav1.ListOptions{}); !apierrors.IsMethodNotSupported(err) {
		t.Errorf("watch: %v", err)
	}
	if _, err := all.TryCreate(t.Context(), ns, configMap("new", "v")); !apierrors.IsMethodNotSupported(err) {
		t.Errorf("create: %v", err)
	}
}

// Nobody becomes somebody else in a member by saying so.
func TestThroughWithForgedHeaders(t *testing.T) {
	t.Parallel()
	user, ns := passenger(t, []string{"member1"}, "member1")
	there := below(t, user, "member1")
	apitest.Eventually(t, func() error { return get(t.Context(), there, ns) })
	for _, header := range []string{"Impersonate-User", "X-Remote-User", "X-Remote-Group", "Impersonate-Group"} {
		cfg := rest.CopyConfig(there.Config)
		cfg.Wrap(func(base http.RoundTripper) http.RoundTripper { return forging{base, header} })
		client, err := kubernetes.NewForConfig(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.CoreV1().Secrets("kube-system").List(t.Context(), metav1.ListOptions{}); err == nil {
			t.Errorf("%s: lists what is not for this user", header)
		}
	}
}

type forging struct {
	base   http.RoundTripper
	header string
}

func (f forging) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set(f.header, "system:masters")
	return f.base.RoundTrip(req)
}
