/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/hosting"
)

// apiServices are those of a server.
func apiServices(t *testing.T, s server) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	gvr := hosting.APIServiceKind.GroupVersion().WithResource("apiservices")
	return client.Resource(gvr)
}

// addAPIService makes one that goes with the test.
func addAPIService(t *testing.T, s server, group string, labels map[string]any, more map[string]any) {
	t.Helper()
	spec := map[string]any{"group": group, "version": "v1alpha1", "groupPriorityMinimum": int64(1000), "versionPriority": int64(10)}
	for k, v := range more {
		spec[k] = v
	}
	obj := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": "v1alpha1." + group, "labels": labels}, "spec": spec,
	}}
	client := apiServices(t, s)
	if _, err := client.Create(t.Context(), obj, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Delete(context.Background(), obj.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
}

// served has the hub serve one of our groups, so that there is something to register, and the host a Service for it. It
// returns the arguments to register with it.
func served(t *testing.T) (args []string, access string) {
	t.Helper()
	addAPIService(t, hub, "hub.manifold-k8s.io", map[string]any{"kube-aggregator.kubernetes.io/automanaged": "onstart"}, nil)
	addAPIService(t, hub, "other.example.com", map[string]any{"kube-aggregator.kubernetes.io/automanaged": "onstart"}, nil)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "hub-"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 6443}}, Selector: map[string]string{"app": "hub"}},
	}
	service, err := member.kube.CoreV1().Services("default").Create(t.Context(), service, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := member.kube.CoreV1().Services("default").Delete(context.Background(), service.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		if _, _, err := commandWith(context.Background(), hub.kubeconfig, "deregister", "--host-kubeconfig", member.kubeconfig); err != nil {
			t.Error(err)
		}
		err := poll(context.Background(), func() error { // the next test makes it again
			_, err := member.kube.CoreV1().Namespaces().Get(context.Background(), hosting.Namespace, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return nil
			}
			return fmt.Errorf("namespace %s is still there: %w", hosting.Namespace, err)
		})
		if err != nil {
			t.Error(err)
		}
	})
	access = filepath.Join(t.TempDir(), "access.kubeconfig")
	return []string{"register", "--host-kubeconfig", member.kubeconfig, "--service", "default/" + service.Name + ":6443", "--host-access", access}, access
}

func TestRegister(t *testing.T) {
	args, file := served(t)
	dry := mustRun(t, append(args, "--dry-run")...)
	if !strings.Contains(dry, "apiservice/v1alpha1.hub.manifold-k8s.io would be created") || !strings.Contains(dry, "nothing has been changed") {
		t.Errorf("a dry run says\n%s", dry)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a dry run has written the kubeconfig")
	}
	out := mustRun(t, args...)
	want := `host     namespace/manifold-system created
host     serviceaccount/manifold created
host     clusterrolebinding/manifold:auth-delegator created
host     rolebinding/manifold:authentication-reader created
host     secret/manifold created
host     clusterrole/manifold-view created
host     clusterrole/manifold-edit created
host     clusterrole/manifold-admin created
host     apiservice/v1alpha1.hub.manifold-k8s.io created
`
	if diff := cmp.Diff(want, linesOf(out, "host  ")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	for _, next := range []string{"wrote " + file, "manifold server --host-kubeconfig " + file} {
		if !strings.Contains(out, next) {
			t.Errorf("it does not say %q:\n%s", next, out)
		}
	}
	checkHostAccess(t, file)
	if again := linesOf(mustRun(t, args...), "host  "); strings.Contains(again, "created") || strings.Contains(again, "updated") {
		t.Errorf("a second registration changed something:\n%s", again)
	}

	gone := mustRun(t, "deregister", "--host-kubeconfig", member.kubeconfig)
	wantGone := `host     apiservice/v1alpha1.hub.manifold-k8s.io deleted
host     clusterrole/manifold-view deleted
host     clusterrole/manifold-edit deleted
host     clusterrole/manifold-admin deleted
host     rolebinding/manifold:authentication-reader deleted
host     clusterrolebinding/manifold:auth-delegator deleted
host     serviceaccount/manifold deleted
`
	if got := linesOf(gone, "host  "); !strings.HasPrefix(got, wantGone) || !strings.HasSuffix(got, "namespace/manifold-system deleted\n") {
		t.Errorf("deregister says\n%s", gone)
	}
}

// checkHostAccess looks what can be done with the kubeconfig that the server is given: nothing but what it is for.
func checkHostAccess(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the kubeconfig has mode %v, %v", info.Mode(), err)
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkIdentity(t.Context(), cfg, "system:serviceaccount:manifold-system:manifold"); err != nil {
		t.Error(err)
	}
	kube := clientFor(t, cfg)
	if _, err := kube.CoreV1().ConfigMaps("kube-system").Get(t.Context(), "extension-apiserver-authentication", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	needed := access.Rights("create", schema.GroupResource{Group: "authorization.k8s.io", Resource: "subjectaccessreviews"}, "")
	if missing, err := access.Missing(t.Context(), kube, needed); err != nil || len(missing) > 0 {
		t.Errorf("missing %v: %v", missing, err)
	}
	if _, err := kube.CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("it can read Secrets: %v", err)
	}
}

// What somebody else has put into the namespace stays, and so does the namespace.
func TestDeregisterSparesOthers(t *testing.T) {
	args, _ := served(t)
	mustRun(t, append(args, "--token-duration", "1h")...)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "mine"}}
	if _, err := member.kube.CoreV1().ConfigMaps(hosting.Namespace).Create(t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	out := mustRun(t, "deregister", "--host-kubeconfig", member.kubeconfig)
	if !strings.Contains(out, "namespace/manifold-system left behind: it still holds configmaps/mine") {
		t.Errorf("output:\n%s", out)
	}
	if err := member.kube.CoreV1().ConfigMaps(hosting.Namespace).Delete(t.Context(), "mine", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestRegisterRefuses(t *testing.T) {
	args, _ := served(t)
	addAPIService(t, member, "policy.karmada.io", nil, nil)
	addAPIService(t, hub, "policy.karmada.io", map[string]any{"kube-aggregator.kubernetes.io/automanaged": "onstart"}, nil)
	nobody := member.editedKubeconfig(t, func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { u.Impersonate = "nobody" })
	other := []string{"register", "--host-kubeconfig", member.kubeconfig}
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"no host":           {args: []string{"register"}, want: []string{"--host-kubeconfig FILE"}},
		"host missing":      {args: []string{"register", "--host-kubeconfig", "/none"}, want: []string{"/none does not exist"}},
		"context missing":   {args: append(other, "--host-context", "c9"), want: []string{"c9", "--host-context"}},
		"the hub itself":    {args: []string{"register", "--host-kubeconfig", hub.kubeconfig}, want: []string{"leads to the hub itself"}},
		"both":              {args: append(other, "--address", "https://a", "--service", "b/c"), want: []string{"--address and --service"}},
		"no service":        {args: append(other, "--service", "c"), want: []string{"NAMESPACE/NAME"}},
		"bad address":       {args: append(other, "--address", "http://a/b"), want: []string{"https://HOST:PORT"}},
		"short token":       {args: append(other, "--token-duration", "1s"), want: []string{"at least 10m"}},
		"no rights":         {args: []string{"register", "--host-kubeconfig", nobody}, want: []string{"no rights on the host cluster", "create apiservices", "escalate clusterroles"}},
		"served by another": {args: args, want: []string{"v1alpha1 of policy.karmada.io already", "apiservice v1alpha1.policy.karmada.io"}},
	} {
		_, _, err := command(t, tc.args...)
		for _, want := range tc.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: want an error with %q, got %v", name, want, err)
			}
		}
	}
	if err := apiServices(t, member).Delete(t.Context(), "v1alpha1.policy.karmada.io", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, _, err := command(t, other...)
	if err == nil || !strings.Contains(err.Error(), "which calls the hub manifold.manifold-system.svc") || !strings.Contains(err.Error(), "--serving-names") {
		t.Errorf("a certificate that is for other names: %v", err)
	}
	if _, err := member.kube.CoreV1().Namespaces().Get(t.Context(), hosting.Namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a refused registration has changed the host: %v", err)
	}
}

// The kubeconfig for the way through the host has the host's address and credentials, and is complete in itself.
func TestKubeconfigThroughHost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "through.kubeconfig")
	_, warned, err := command(t, "kubeconfig", "--through-host", "--host-kubeconfig", member.kubeconfig, "--output", file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(warned, "not registered with the host") {
		t.Errorf("it does not warn that nothing is there yet: %s", warned)
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	if want := member.config.Host + hubv1alpha1.ProxyPath; cfg.Host != want {
		t.Errorf("server is %s, want %s", cfg.Host, want)
	}
	if diff := cmp.Diff(string(member.config.CertData), string(cfg.CertData)); diff != "" {
		t.Errorf("certificate (-want +got):\n%s", diff)
	}
	if _, _, err := command(t, "kubeconfig"); err == nil || !strings.Contains(err.Error(), "--through-host") {
		t.Errorf("without the flag: %v", err)
	}
}

// A user who is granted what the errors call missing, and no more, can register and deregister.
func TestRegisterWithTheRightsThatAreNamed(t *testing.T) {
	args, file := served(t)
	asMember := member.editedKubeconfig(t, func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { u.Impersonate = "narrow" })
	register := append([]string{"--as", "narrow"}, args...)
	register[slices.Index(register, member.kubeconfig)] = asMember
	grant(t, member, "narrow", missingIn(t, register, "host cluster"))
	grant(t, hub, "narrow", missingIn(t, register, "hub"))
	mustRun(t, register...)
	checkHostAccess(t, file)

	deregister := []string{"deregister", "--host-kubeconfig", asMember}
	grant(t, member, "narrow", missingIn(t, deregister, "host cluster"))
	mustRun(t, deregister...)
}

// A hub that has access to the host already gets no account.
func TestRegisterWithoutAccount(t *testing.T) {
	args, _ := served(t)
	out := mustRun(t, append(args, "--host-access", "")...)
	for _, never := range []string{"serviceaccount/", "secret/", "rolebinding/", "wrote", "manifold server"} {
		if strings.Contains(out, never) {
			t.Errorf("it says %q:\n%s", never, out)
		}
	}
	if !strings.Contains(out, "apiservice/v1alpha1.hub.manifold-k8s.io created") {
		t.Errorf("nothing is registered:\n%s", out)
	}
}
