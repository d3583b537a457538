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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// hosted starts a hub for one test, with a bare member joined, behind the API server of a member that has controllers, whose
// own hub does not mind.
func hosted(t *testing.T) (h *apitest.Hub, host *apitest.Member) {
	t.Helper()
	h, host = apitest.NewHub(t), fleet[0]
	if err := h.Enrol(t.Context(), bare[1]); err != nil {
		t.Fatal(err)
	}
	access := filepath.Join(t.TempDir(), "host-access.kubeconfig")
	if _, err := h.CLI(t.Context(), "register", "--host-kubeconfig", host.Kubeconfig, "--host-access", access); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := h.CLI(contextAfter(), "deregister", "--host-kubeconfig", host.Kubeconfig); err != nil {
			t.Error(err)
		}
		apitest.Eventually(t, func() error { return hub.ClusterReady(contextAfter(), host.Name) }) // for the tests that follow
	})
	h.Kill()
	h.AddArgs("--host-kubeconfig", access)
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("passed on after %v", apitest.Within(t, time.Minute, func() error { return passedOn(t.Context(), host) }))
	return h, host
}

// passedOn returns an error unless the host passes requests for all that is registered on.
func passedOn(ctx context.Context, host *apitest.Member) error {
	services, err := host.Objects("apiservices.apiregistration.k8s.io", "")
	if err != nil {
		return err
	}
	list, err := services.List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-manifold"})
	if err != nil {
		return err
	}
	if len(list.Items) < 5 {
		return fmt.Errorf("%d API services are registered", len(list.Items))
	}
	for i := range list.Items {
		if conditions := fmt.Sprint(field(&list.Items[i], "status", "conditions")); !strings.Contains(conditions, "status:True type:Available") {
			return fmt.Errorf("%s: %s", list.Items[i].GetName(), conditions)
		}
	}
	// What kubectl asks first follows a moment later.
	served, err := host.Kube.Discovery().ServerPreferredResources()
	if err != nil {
		return err
	}
	for _, group := range served {
		if group.GroupVersion == hubv1alpha1.SchemeGroupVersion.String() {
			return nil
		}
	}
	return fmt.Errorf("discovery has %d groups, and not %s", len(served), hubv1alpha1.SchemeGroupVersion)
}

// as returns access to the host as one of its users.
func as(t *testing.T, host *apitest.Member, user string, groups ...string) *apitest.API {
	t.Helper()
	return host.With(t, clientcmdapi.AuthInfo{
		ClientCertificateData: host.Config.CertData, ClientKeyData: host.Config.KeyData, Impersonate: user, ImpersonateGroups: groups,
	})
}

// through returns access to the hub as one of the host's users, by the kubeconfig that the CLI writes.
func through(t *testing.T, h *apitest.Hub, user *apitest.API) *apitest.API {
	t.Helper()
	file := filepath.Join(t.TempDir(), "through-host.kubeconfig")
	if _, err := h.CLI(t.Context(), "kubeconfig", "--through-host", "--host-kubeconfig", user.Kubeconfig, "--output", file); err != nil {
		t.Fatal(err)
	}
	api, err := apitest.NewAPI("through host", file)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// bind gives a role of the cluster to a user, everywhere.
func bind(t *testing.T, server *apitest.API, role, kind, user string) {
	t.Helper()
	name := unique("bind")
	server.Create(t, "", fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: %s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: %s, name: %q}]`, name, role, kind, user))
	t.Cleanup(func() {
		client, err := server.Objects("clusterrolebindings", "")
		if err == nil {
			err = client.Delete(contextAfter(), name, metav1.DeleteOptions{})
		}
		if err != nil && server.Name != "hub" { // that is gone by then
			t.Error(err)
		}
	})
}

// The users of a host cluster reach our kinds at the host, and the whole hub through it, as far as the host's RBAC and the
// hub's let them; nobody else gets in that way, and nobody notices who does not use it.
func TestHost(t *testing.T) {
	h, host := hosted(t)
	bind(t, host.API, "manifold-edit", "Group", "devs")
	bind(t, h.API, "edit", "User", "host:dev")
	t.Run("our kinds", func(t *testing.T) { checkOurKinds(t, host) })
	t.Run("native kinds", func(t *testing.T) { checkNativeKinds(t, h, host) })
	t.Run("controllers", func(t *testing.T) { checkHostControllers(t, h, host) })
	t.Run("front proxy", func(t *testing.T) { checkFrontProxy(t, h, host) })
	t.Run("away", func(t *testing.T) { checkHostAway(t, h, host) })
}

func checkOurKinds(t *testing.T, host *apitest.Member) {
	dev, nobody := as(t, host, "dev", "devs"), as(t, host, "nobody")
	out := dev.Kubectl(t, "", "get", "clusters,federations")
	for _, want := range []string{bare[1].Name, "federation.hub.manifold-k8s.io/default"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	dev.Kubectl(t, policy("from-host", all("ConfigMap"), on(bare[1].Name)), "apply", "-f", "-")
	out = dev.Kubectl(t, "", "get", "clusters,pp,rb", "-A")
	if !strings.Contains(out, "propagationpolicy.policy.karmada.io/from-host") {
		t.Errorf("no policy in\n%s", out)
	}
	dev.Kubectl(t, "", "delete", "pp", "from-host")
	if out := dev.Kubectl(t, "", "explain", "pp.spec.placement"); !strings.Contains(out, "clusterAffinity") {
		t.Errorf("explained as\n%s", out)
	}
	_, err := nobody.Manifold.ClusterV1alpha1().Clusters().List(t.Context(), metav1.ListOptions{})
	if err := forbidden(err); err != nil {
		t.Error(err)
	}
	_, err = nobody.Kube.Discovery().RESTClient().Get().AbsPath(hubv1alpha1.ProxyPath + "/version").DoRaw(t.Context())
	if err := forbidden(err); err != nil {
		t.Error(err)
	}
	// The host's own schemas stay the host's: of the hub's list it takes our groups.
	all, err := host.Kube.Discovery().RESTClient().Get().AbsPath("/openapi/v3/apis/policy.karmada.io/v1alpha1").DoRaw(t.Context())
	if err != nil || !strings.Contains(string(all), "PropagationPolicy") {
		t.Errorf("schemas of our kinds at the host: %v", err)
	}
	for range 20 { // it would choose at random
		own, err := host.Kube.Discovery().RESTClient().Get().AbsPath("/openapi/v3/apis/apiregistration.k8s.io/v1").DoRaw(t.Context())
		if err != nil || !strings.Contains(string(own), "APIService") {
			t.Fatalf("the host's own schemas: %v", err)
		}
	}
}

func checkNativeKinds(t *testing.T, h *apitest.Hub, host *apitest.Member) {
	ns := namespaceOn(t, h)
	dev := through(t, h, as(t, host, "dev", "devs"))
	if out := dev.Kubectl(t, "", "auth", "whoami"); !strings.Contains(out, "host:dev") || !strings.Contains(out, "host:devs") || strings.Contains(out, "masters") {
		t.Errorf("on the hub the user is\n%s", out)
	}
	apitest.Eventually(t, func() error { return dev.Lacks(t.Context(), "deployments", ns, "none") }) // RBAC has arrived
	manifest := docs(policy("p", all("Deployment"), on(bare[1].Name)), deployment("web", 2))
	out := dev.Kubectl(t, manifest, "-n", ns, "apply", "--dry-run=server", "-f", "-")
	if !strings.Contains(out, "server dry run") || h.Lacks(t.Context(), "deployments", ns, "web") != nil {
		t.Errorf("a dry run said %s, and changed something: %v", out, h.Lacks(t.Context(), "deployments", ns, "web"))
	}
	dev.Kubectl(t, manifest, "-n", ns, "apply", "-f", "-")
	if e, err := explained(t.Context(), dev, "/apis/apps/v1/namespaces/"+ns+"/deployments/web"); err != nil || e.Name != "web" {
		t.Errorf("explained as %+v, %v", e, err)
	}
	watch := dev.StartKubectl(t, "", "-n", ns, "get", "deployments", "-w")
	rollout := dev.StartKubectl(t, "", "-n", ns, "rollout", "status", "deployment/web", "--timeout=60s")
	member := bare[1]
	apitest.Eventually(t, func() error { return member.Has(t.Context(), "deployments", ns, "web") })
	apitest.Eventually(t, func() error { // the member has no controllers, so this is said for them
		d, err := member.Kube.AppsV1().Deployments(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		d.Status.ObservedGeneration, d.Status.Replicas, d.Status.UpdatedReplicas = d.Generation, 2, 2
		d.Status.ReadyReplicas, d.Status.AvailableReplicas = 2, 2
		_, err = member.Kube.AppsV1().Deployments(ns).UpdateStatus(t.Context(), d, metav1.UpdateOptions{})
		return err
	})
	if err := rollout.Wait(); err != nil {
		t.Fatal(err)
	}
	apitest.Eventually(t, func() error {
		if !strings.Contains(watch.String(), "2/2") {
			return fmt.Errorf("the watch has not shown that it is ready:\n%s", watch.String())
		}
		return nil
	})
	if out := dev.Kubectl(t, "", "explain", "deployment.spec.replicas"); !strings.Contains(out, "Number of desired pods") {
		t.Errorf("explained as\n%s", out)
	}
	dev.Kubectl(t, "", "-n", ns, "delete", "deployment", "web")
	apitest.Eventually(t, func() error { return member.Lacks(t.Context(), "deployments", ns, "web") })
	for what, err := range map[string]error{
		"clusters": dev.Has(t.Context(), "clusters", "", bare[1].Name),
		"roles":    dev.Has(t.Context(), "clusterroles", "", "none"),
	} {
		if err := forbidden(err); err != nil {
			t.Errorf("%s, which the hub has not granted: %v", what, err)
		}
	}
	// An administrator of the host is somebody on the hub, and not its administrator.
	root := through(t, h, host.API)
	_, err := root.Kube.CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{})
	if err := forbidden(err); err != nil || !strings.Contains(fmt.Sprint(root.Kubectl(t, "", "auth", "whoami")), "host:system:masters") {
		t.Errorf("the host's administrator on the hub: %v", err)
	}
	// A user of the hub has no business there.
	_, err = h.Kube.Discovery().RESTClient().Get().AbsPath(hubv1alpha1.ProxyPath + "/version").DoRaw(t.Context())
	if err := forbidden(err); err != nil {
		t.Error(err)
	}
}

// The host's own controllers know its namespaces and the owners in it, and are to delete nothing of the hub's.
func checkHostControllers(t *testing.T, h *apitest.Hub, host *apitest.Member) {
	ns := namespaceOn(t, h)
	h.Create(t, ns, policy("kept", all("ConfigMap"), on(bare[1].Name)))
	before, err := h.Get(t.Context(), "propagationpolicies", ns, "kept")
	if err != nil {
		t.Fatal(err)
	}
	host.Create(t, "", "{apiVersion: v1, kind: Namespace, metadata: {name: "+ns+"}}")
	if err := host.Has(t.Context(), "propagationpolicies", ns, "kept"); err != nil {
		t.Fatalf("the policy is not to be seen at the host, so its controllers could not find it: %v", err)
	}
	host.Delete(t, "namespaces", "", ns)
	apitest.Eventually(t, func() error { return host.Lacks(t.Context(), "namespaces", "", ns) })
	if after, err := h.Get(t.Context(), "propagationpolicies", ns, "kept"); err != nil || after.GetUID() != before.GetUID() {
		t.Errorf("with a namespace of the host, the hub's policy in that of the same name has gone: %v", err)
	}
	lists, err := host.Kube.Discovery().ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		for _, r := range list.APIResources {
			if strings.Contains(list.GroupVersion, "karmada.io/") && slices.Contains(r.Verbs, "delete") {
				t.Errorf("%s of %s invites the host's garbage collector", r.Name, list.GroupVersion)
			}
		}
	}
}

// A host that is away keeps its users out, and nobody else.
func checkHostAway(t *testing.T, h *apitest.Hub, host *apitest.Member) {
	proxy := frontProxies(t, host.Server)
	const ours = "/apis/cluster.karmada.io/v1alpha1/clusters"
	asked := func(user string) (int, string) {
		return request(t, h, proxy.right, ours, []string{"X-Remote-User", user, "X-Remote-Group", "system:masters"})
	}
	ready := func() {
		t.Helper()
		if _, err := h.Kube.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(t.Context()); err != nil {
			t.Errorf("the hub is not ready: %v", err)
		}
		if _, err := h.Kube.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{}); err != nil {
			t.Errorf("a user of the hub: %v", err)
		}
	}
	const bound = 15 * time.Second // far above what the server waits for an answer, below a user's patience
	refused := func(how string) {
		t.Helper()
		begin := time.Now()
		code, body := asked(unique("user")) // about whom no answer is remembered
		if took := time.Since(begin); code != http.StatusInternalServerError || !strings.Contains(body, "host cluster") || took > bound {
			t.Errorf("%s: a user of the host got %d after %v: %s", how, code, took, body)
		}
		ready()
	}
	letIn := func() {
		t.Helper()
		apitest.Eventually(t, func() error {
			if code, body := asked(unique("user")); code != http.StatusOK {
				return fmt.Errorf("after the host's return: %d %s", code, body)
			}
			return nil
		})
	}
	if err := host.Server.Pause(); err != nil {
		t.Fatal(err)
	}
	refused("a host that hangs")
	if err := host.Server.Resume(); err != nil {
		t.Fatal(err)
	}
	letIn()
	host.Server.Stop()
	refused("a host that is gone")
	// A hub that starts meanwhile serves its own users, and the host's when that is back.
	h.Kill()
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready()
	if code, body := asked("early"); code != http.StatusUnauthorized {
		t.Errorf("a user of a host that has never answered got %d: %s", code, body)
	}
	if err := host.Server.Restart(contextAfter()); err != nil {
		t.Fatal(err)
	}
	letIn()
	apitest.Eventually(t, func() error { return passedOn(t.Context(), host) })
}

// What deploy/ has for a hub in a host cluster is valid there, and keeps to the strictest security standard for pods.
func TestHostManifests(t *testing.T) {
	t.Parallel()
	const folder, ns = "../../deploy/host", "manifold-system"
	host := fleet[1]
	host.Kubectl(t, "", "apply", "-f", folder+"/namespace.yaml")
	t.Cleanup(func() {
		if err := host.Kube.CoreV1().Namespaces().Delete(contextAfter(), ns, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	out := host.Kubectl(t, "", "apply", "-k", folder, "--dry-run=server")
	for _, want := range []string{"statefulset.apps/manifold created", "service/manifold created", "configmap/manifold-host-access created", "authentication-reader created"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "Warning") {
		t.Errorf("the host warns:\n%s", out)
	}
}
