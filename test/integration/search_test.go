/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/test/apitest"
)

const proxying = "/apis/search.karmada.io/v1alpha1/proxying/karmada/proxy"

// register makes a ResourceRegistry for one test.
func register(t *testing.T, clusters, selectors string) {
	t.Helper()
	name := unique("registry")
	hub.Create(t, "", fmt.Sprintf("{apiVersion: search.karmada.io/v1alpha1, kind: ResourceRegistry, metadata: {name: %s}, spec: {targetCluster: {clusterNames: [%s]}, resourceSelectors: [%s]}}",
		name, clusters, selectors))
	t.Cleanup(func() {
		_ = hub.Manifold.SearchV1alpha1().ResourceRegistries().Delete(contextAfter(), name, metav1.DeleteOptions{})
	})
}

// throughProxying is a client of the API of all clusters as if it were one.
func throughProxying(t *testing.T, of *apitest.API) kubernetes.Interface {
	t.Helper()
	cfg := rest.CopyConfig(of.Config)
	cfg.Host += proxying
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// plant makes a LimitRange in members, straight. Nobody else in these tests has any.
func plant(t *testing.T, ns, name string, in ...*apitest.Member) {
	t.Helper()
	for _, m := range in {
		_, err := m.Kube.CoreV1().LimitRanges(ns).Create(t.Context(), &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{"in": m.Name, "app": name},
		}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func origins(list *corev1.LimitRangeList) (out []string) {
	for i := range list.Items {
		out = append(out, list.Items[i].Name+" of "+list.Items[i].Annotations["resource.karmada.io/cached-from-cluster"])
	}
	return out
}

func TestProxyingReads(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	plant(t, ns, "common", fleet[1], fleet[0])
	plant(t, ns, "only", fleet[0])
	plant(t, ns, "unseen", fleet[2])
	register(t, "member1, member2", fmt.Sprintf("{apiVersion: v1, kind: LimitRange, namespace: %s}", ns))
	client := throughProxying(t, hub.API).CoreV1().LimitRanges(ns)

	want := []string{"common of member1", "only of member1", "common of member2"}
	var list *corev1.LimitRangeList
	apitest.Eventually(t, func() (err error) {
		if list, err = client.List(t.Context(), metav1.ListOptions{}); err != nil {
			return err
		}
		if diff := cmp.Diff(want, origins(list)); diff != "" {
			return fmt.Errorf("list (-want +got):\n%s", diff)
		}
		return nil
	})
	own, err := fleet[0].Kube.CoreV1().LimitRanges(ns).Get(t.Context(), "only", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := list.Items[1]; got.ResourceVersion != own.ResourceVersion || got.UID != own.UID {
		t.Errorf("an item has version %s and UID %s, in its cluster %s and %s", got.ResourceVersion, got.UID, own.ResourceVersion, own.UID)
	}

	t.Run("pages", func(t *testing.T) {
		var got []string
		o := metav1.ListOptions{Limit: 1}
		for {
			page, err := client.List(t.Context(), o)
			if err != nil || len(page.Items) > 1 {
				t.Fatalf("%d items, %v", len(page.Items), err)
			}
			got = append(got, origins(page)...)
			if o.Continue = page.Continue; o.Continue == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("selectors", func(t *testing.T) {
		byLabel, err := client.List(t.Context(), metav1.ListOptions{LabelSelector: "in=member2"})
		if err != nil || !slices.Equal(origins(byLabel), []string{"common of member2"}) {
			t.Errorf("by label: %v, %v", origins(byLabel), err)
		}
		byName, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=common"})
		if err != nil || !slices.Equal(origins(byName), []string{"common of member1", "common of member2"}) {
			t.Errorf("by name: %v, %v", origins(byName), err)
		}
		if _, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: "spec.limits=1"}); !apierrors.IsBadRequest(err) {
			t.Errorf("by a field that cannot be selected: %v", err)
		}
	})
	t.Run("get", func(t *testing.T) {
		got, err := client.Get(t.Context(), "only", metav1.GetOptions{})
		if err != nil || got.UID != own.UID || got.Annotations["resource.karmada.io/cached-from-cluster"] != "member1" {
			t.Errorf("%v, %v", got, err)
		}
		if _, err := client.Get(t.Context(), "common", metav1.GetOptions{}); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), "member1, member2") {
			t.Errorf("of a name that two clusters have: %v", err)
		}
		if _, err := client.Get(t.Context(), "unseen", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("of a cluster that is not selected: %v", err)
		}
	})
	t.Run("the hub answers for what is not registered", func(t *testing.T) {
		kube := throughProxying(t, hub.API)
		if _, err := kube.Discovery().ServerVersion(); err != nil {
			t.Error(err)
		}
		if _, err := kube.CoreV1().ConfigMaps(ns).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "here"}}, metav1.CreateOptions{}); err != nil {
			t.Error(err)
		}
		if err := hub.Has(t.Context(), "configmaps", ns, "here"); err != nil {
			t.Error(err)
		}
	})
}

func TestProxyingWatch(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	plant(t, ns, "a", fleet[0])
	register(t, "member1", fmt.Sprintf("{apiVersion: v1, kind: LimitRange, namespace: %s}", ns))
	client := throughProxying(t, hub.API).CoreV1().LimitRanges(ns)
	var list *corev1.LimitRangeList
	apitest.Eventually(t, func() (err error) {
		if list, err = client.List(t.Context(), metav1.ListOptions{}); err == nil && len(list.Items) != 1 {
			err = fmt.Errorf("%d items", len(list.Items))
		}
		return err
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	follow := func(version string) watch.Interface {
		w, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	told := func(w watch.Interface) (string, string) {
		select {
		case e, ok := <-w.ResultChan():
			if !ok {
				t.Fatal("the watch has ended")
			}
			m, ok := e.Object.(*corev1.LimitRange)
			if !ok {
				t.Fatalf("%s %v", e.Type, e.Object)
			}
			return fmt.Sprintf("%s %s of %s", e.Type, m.Name, m.Annotations["resource.karmada.io/cached-from-cluster"]), m.ResourceVersion
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
		return "", ""
	}
	informer := informers.NewSharedInformerFactoryWithOptions(throughProxying(t, hub.API), 0, informers.WithNamespace(ns)).Core().V1().LimitRanges()
	go informer.Informer().RunWithContext(ctx)
	w := follow(list.ResourceVersion)
	plant(t, ns, "b", fleet[0])
	first, version := told(w)
	register(t, "member2", fmt.Sprintf("{apiVersion: v1, kind: LimitRange, namespace: %s}", ns)) // a cluster more
	plant(t, ns, "b", fleet[1])
	second, _ := told(w)
	if err := fleet[0].Kube.CoreV1().LimitRanges(ns).Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	third, _ := told(w)
	want := []string{"ADDED b of member1", "ADDED b of member2", "DELETED a of member1"}
	if diff := cmp.Diff(want, []string{first, second, third}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	apitest.Eventually(t, func() error {
		held, err := informer.Lister().List(labels.Everything())
		if err == nil && (len(held) != 1 || held[0].Name != "b") { // of two clusters: an informer goes by the name
			err = fmt.Errorf("an informer holds %v", held)
		}
		return err
	})
	again := follow(version)
	second, _ = told(again)
	third, _ = told(again)
	if diff := cmp.Diff(want[1:], []string{second, third}); diff != "" {
		t.Errorf("from the middle (-want +got):\n%s", diff)
	}
}

// What changes an object goes to the cluster that has it, as the user; and nobody sees more than the hub's RBAC allows.
func TestProxyingAsUser(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	plant(t, ns, "one", fleet[0])
	plant(t, ns, "two", fleet[0], fleet[1])
	register(t, "member1, member2", fmt.Sprintf("{apiVersion: v1, kind: LimitRange, namespace: %s}", ns))
	role := unique("proxying")
	hub.Create(t, "", docs(
		fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: %s, labels: {karmada.io/bootstrapping: test}}, rules: [{apiGroups: [search.karmada.io], resources: [proxying/proxy], verbs: ['*']}]}", role),
		fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: %[1]s, labels: {karmada.io/bootstrapping: test}}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[1]s}, subjects: [{kind: ServiceAccount, name: user, namespace: %[2]s}]}", role, ns)))
	t.Cleanup(func() {
		_ = hub.Kube.RbacV1().ClusterRoleBindings().Delete(contextAfter(), role, metav1.DeleteOptions{})
		_ = hub.Kube.RbacV1().ClusterRoles().Delete(contextAfter(), role, metav1.DeleteOptions{})
	})
	user := account(t, ns, "view")
	client := throughProxying(t, user).CoreV1().LimitRanges(ns)
	apitest.Eventually(t, func() error {
		list, err := client.List(t.Context(), metav1.ListOptions{})
		if err == nil && len(list.Items) != 3 {
			err = fmt.Errorf("sees %v", origins(list))
		}
		return err
	})
	if _, err := throughProxying(t, user).CoreV1().LimitRanges("").List(t.Context(), metav1.ListOptions{}); forbidden(err) != nil {
		t.Errorf("a list over all namespaces: %v", err)
	}
	got, err := client.Get(t.Context(), "one", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got.Labels["changed"] = "yes"
	if _, err := client.Update(t.Context(), got, metav1.UpdateOptions{}); forbidden(err) != nil {
		t.Errorf("an update that the member does not allow: %v", err)
	}
	grant := fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: user}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}, subjects: [{kind: ServiceAccount, name: user, namespace: %s}]}", ns)
	fleet[0].Create(t, ns, grant)
	apitest.Eventually(t, func() error { // the controller and the member need a moment
		_, err := client.Update(t.Context(), got, metav1.UpdateOptions{})
		return err
	})
	live, err := fleet[0].Kube.CoreV1().LimitRanges(ns).Get(t.Context(), "one", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if live.Labels["changed"] != "yes" || len(live.Annotations) > 0 {
		t.Errorf("in the member it has labels %v and annotations %v", live.Labels, live.Annotations)
	}
	if _, err := client.Update(t.Context(), got, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("an update of an old reading: %v", err)
	}
	if err := client.Delete(t.Context(), "two", metav1.DeleteOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("deletion of what two clusters have: %v", err)
	}
	if _, err := client.Create(t.Context(), &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "new"}}, metav1.CreateOptions{}); !apierrors.IsMethodNotSupported(err) {
		t.Errorf("creation: %v", err)
	}
	if err := client.Delete(t.Context(), "one", metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	if err := fleet[0].Lacks(t.Context(), "limitranges", ns, "one"); err != nil {
		t.Error(err)
	}
}

func TestSearchCache(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	plant(t, ns, "common", fleet[1], fleet[0])
	register(t, "member1, member2", fmt.Sprintf("{apiVersion: v1, kind: LimitRange, namespace: %s}", ns))
	viewer := account(t, ns, "view")
	ask := func(who *apitest.API, path string) (int, string) {
		var code int
		result := who.Kube.Discovery().RESTClient().Get().RequestURI("/apis/search.karmada.io/v1alpha1/search/" + path).Do(t.Context())
		body, _ := result.StatusCode(&code).Raw()
		return code, string(body)
	}
	found := func(body string) []string {
		var list corev1.LimitRangeList
		if err := json.Unmarshal([]byte(body), &list); err != nil || list.Kind != "LimitRangeList" {
			t.Errorf("%v: %s", err, body)
		}
		return origins(&list)
	}
	path := "cache/api/v1/namespaces/" + ns + "/limitranges"
	both := []string{"common of member1", "common of member2"}
	apitest.Eventually(t, func() error {
		code, body := ask(hub.API, path)
		if code != http.StatusOK || strings.Count(body, "cached-from-cluster") != 2 {
			return fmt.Errorf("%d %s", code, body)
		}
		return nil
	})
	for query, want := range map[string][]string{"": both, "/common": both, "/other": nil, "?labelSelector=in%3Dmember2": both[1:]} {
		code, body := ask(hub.API, path+query)
		if got := found(body); code != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%q: %d %v, want %v", query, code, got, want)
		}
	}
	for path, want := range map[string]int{
		"cache/api/v1/secrets": http.StatusBadRequest, "cache/version": http.StatusBadRequest, "cache/api/v1/limitranges?watch=1": http.StatusBadRequest,
		"attic/api/v1/limitranges": http.StatusBadRequest, "opensearch/x": http.StatusOK,
	} {
		if code, body := ask(hub.API, path); code != want || code >= 400 && !strings.HasPrefix(body, `{"error":`) {
			t.Errorf("%s: %d %s, want %d", path, code, body, want)
		}
	}
	// Who may view one namespace may not search: that right is cluster-wide.
	if code, _ := ask(viewer, path); code != http.StatusForbidden {
		t.Errorf("a viewer of the namespace gets %d", code)
	}
}
