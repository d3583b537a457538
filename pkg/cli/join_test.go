/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cli_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// checkJoined returns an error unless the hub has a Cluster of that name with credentials that work in the member.
func checkJoined(ctx context.Context, namespace, name string) error {
	c, err := clusters.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if c.Spec.ID != member.id {
		return fmt.Errorf("id is %q, want %q", c.Spec.ID, member.id)
	}
	for secretName, user := range map[string]string{name: "karmada-" + name, name + "-impersonator": "karmada-impersonator"} {
		secret, err := hub.kube.CoreV1().Secrets(namespace).Get(ctx, secretName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if owner := metav1.GetControllerOf(secret); owner == nil || owner.UID != c.UID {
			return fmt.Errorf("secret %s is not owned by the cluster: %v", secretName, secret.OwnerReferences)
		}
		cfg := &rest.Config{Host: c.Spec.APIEndpoint, BearerToken: string(secret.Data["token"])}
		cfg.CAData = secret.Data["caBundle"]
		if cfg.CAData == nil {
			cfg.Insecure = true
		}
		if err := checkIdentity(ctx, cfg, "system:serviceaccount:"+namespace+":"+user); err != nil {
			return fmt.Errorf("secret %s: %w", secretName, err)
		}
	}
	return nil
}

func checkIdentity(ctx context.Context, cfg *rest.Config, want string) error {
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	me, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if got := me.Status.UserInfo.Username; got != want {
		return fmt.Errorf("credentials are those of %s, want %s", got, want)
	}
	return nil
}

func mustBeJoined(t *testing.T, namespace, name string) {
	t.Helper()
	if err := checkJoined(t.Context(), namespace, name); err != nil {
		t.Fatal(err)
	}
}

func TestJoin(t *testing.T) {
	fresh(t)
	const namespace = clusterv1alpha1.ClusterNamespace
	out := mustRun(t, "join", "first", "--cluster-kubeconfig", member.kubeconfig, "--wait", "0",
		"--cluster-region", "eu", "--cluster-zones", "a,b", "--cluster-provider", "acme")
	_, steps, _ := strings.Cut(out, "hub at "+hub.config.Host+"\n")
	want := `cluster  namespace/karmada-cluster created
cluster  serviceaccount/karmada-impersonator created
cluster  serviceaccount/karmada-first created
cluster  clusterrole/karmada-controller-manager:karmada-first created
cluster  clusterrolebinding/karmada-controller-manager:karmada-first created
cluster  secret/karmada-impersonator created
cluster  secret/karmada-first created
hub      namespace/karmada-cluster created
hub      secret/first-impersonator created
hub      secret/first created
hub      cluster/first created
cluster first joined
`
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	mustBeJoined(t, namespace, "first")
	c, err := clusters.Get(t.Context(), "first", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantSpec := clusterv1alpha1.ClusterSpec{
		ID: member.id, SyncMode: clusterv1alpha1.Push, APIEndpoint: member.config.Host,
		SecretRef:             &clusterv1alpha1.LocalSecretReference{Namespace: namespace, Name: "first"},
		ImpersonatorSecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: namespace, Name: "first-impersonator"},
		Provider:              "acme", Region: "eu", Zones: []string{"a", "b"},
	}
	if diff := cmp.Diff(wantSpec, c.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	secret, err := hub.kube.CoreV1().Secrets(namespace).Get(t.Context(), "first", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := &rest.Config{Host: c.Spec.APIEndpoint, BearerToken: string(secret.Data["token"])}
	cfg.CAData = secret.Data["caBundle"]
	if _, err := kubernetes.NewForConfigOrDie(cfg).CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{Limit: 1}); err != nil {
		t.Errorf("the hub's account has no rights: %v", err)
	}
}

// A second join repairs what has become of the first, and keeps what it is not told to change.
func TestJoinAgain(t *testing.T) {
	namespace := fresh(t)
	ctx := t.Context()
	mustRun(t, joinArgs(namespace, "m1", "--cluster-region", "eu")...)

	out := mustRun(t, joinArgs(namespace, "m1")...)
	if strings.Contains(out, "created") || strings.Contains(out, "updated") {
		t.Errorf("a second join changed something:\n%s", out)
	}

	secrets := hub.kube.CoreV1().Secrets(namespace)
	stale := []byte(`{"data":{"token":"c3RhbGU="}}`)
	if _, err := secrets.Patch(ctx, "m1", "application/merge-patch+json", stale, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := member.kube.CoreV1().ServiceAccounts(namespace).Delete(ctx, "karmada-impersonator", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := checkJoined(ctx, namespace, "m1"); err == nil {
		t.Fatal("the credentials still work; the test is wrong")
	}
	mustRun(t, joinArgs(namespace, "m1", "--api-endpoint", strings.Replace(member.config.Host, "127.0.0.1", "localhost", 1))...)
	c, err := clusters.Get(ctx, "m1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Spec.Region != "eu" || !strings.HasPrefix(c.Spec.APIEndpoint, "https://localhost:") {
		t.Errorf("region is %q and endpoint %q, want the old and the new", c.Spec.Region, c.Spec.APIEndpoint)
	}
	mustRun(t, joinArgs(namespace, "m1")...)
	mustBeJoined(t, namespace, "m1")
}

// Whatever write a join is interrupted at, the Cluster is not there without its Secrets, and a second run completes it.
func TestJoinInterrupted(t *testing.T) {
	var left atomic.Int64 // writes until the interruption
	hubFile := interrupted(t, hub, &left)
	memberFile := interrupted(t, member, &left)
	const enough = 100
	for n := range int64(enough) {
		namespace := fresh(t)
		left.Store(n)
		_, _, err := commandOn(t, hubFile, "join", "m1", "--cluster-kubeconfig", memberFile, "--cluster-namespace", namespace, "--wait", "0")
		if err == nil {
			if n < 10 {
				t.Fatalf("joined with %d writes, which cannot be all", n)
			}
			return
		}
		if _, err := clusters.Get(t.Context(), "m1", metav1.GetOptions{}); err == nil {
			for _, name := range []string{"m1", "m1-impersonator"} {
				s, err := hub.kube.CoreV1().Secrets(namespace).Get(t.Context(), name, metav1.GetOptions{})
				if err != nil || len(s.Data["token"]) == 0 {
					t.Fatalf("after %d writes the cluster is there without secret %s: %v", n, name, err)
				}
			}
		}
		mustRun(t, joinArgs(namespace, "m1")...)
		if err := checkJoined(t.Context(), namespace, "m1"); err != nil {
			t.Fatalf("interrupted after %d writes, and run again: %v", n, err)
		}
	}
	t.Fatalf("not joined with %d writes", enough)
}

// interrupted returns a kubeconfig for s by a proxy that lets as many writes pass as left says, and fails all others.
func interrupted(t *testing.T, s server, left *atomic.Int64) string {
	t.Helper()
	target, err := url.Parse(s.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(s.config)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read := r.Method == http.MethodGet || strings.Contains(r.URL.Path, "subjectaccessreviews")
		if !read && left.Add(-1) < 0 {
			http.Error(w, "interrupted", http.StatusTeapot)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return s.editedKubeconfig(t, func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
		c.Server, c.CertificateAuthorityData = front.URL, nil
	})
}

func TestJoinDryRun(t *testing.T) {
	namespace := fresh(t)
	out := mustRun(t, joinArgs(namespace, "m1", "--dry-run")...)
	if !strings.Contains(out, "hub      cluster/m1 would be created\n") {
		t.Errorf("output does not say what would be made:\n%s", out)
	}
	mustBeUntouched(t, namespace)
}

func mustBeUntouched(t *testing.T, namespace string) {
	t.Helper()
	for _, s := range []server{hub, member} {
		_, err := s.kube.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("%s has a namespace %s: %v", s.config.Host, namespace, err)
		}
	}
	roles, err := member.kube.RbacV1().ClusterRoles().List(t.Context(), metav1.ListOptions{LabelSelector: clusterv1alpha1.SystemLabel})
	if err != nil || len(roles.Items) > 0 {
		t.Errorf("cluster has %d roles of a hub: %v", len(roles.Items), err)
	}
}

func TestJoinRefuses(t *testing.T) {
	namespace := fresh(t)
	taken := &clusterv1alpha1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: "taken"},
		Spec:       clusterv1alpha1.ClusterSpec{ID: "other-id", APIEndpoint: "https://other:6443"},
	}
	if _, err := clusters.Create(t.Context(), taken, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	nobody := member.editedKubeconfig(t, func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { u.Impersonate = "nobody" })
	badToken := member.editedKubeconfig(t, func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { *u = clientcmdapi.AuthInfo{Token: "x"} })
	down := member.editedKubeconfig(t, func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Server = "https://127.0.0.1:1" })
	wrongCA := member.editedKubeconfig(t, func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
		c.CertificateAuthorityData = hub.config.CAData
	})
	missing := filepath.Join(t.TempDir(), "none")

	tests := map[string]struct {
		hub  string // kubeconfig; empty: that of the hub
		args []string
		want []string // parts of the error
	}{
		"no name":              {args: []string{"join"}, want: []string{"NAME of one cluster", "kubectl manifold join --help"}},
		"no such flag":         {args: []string{"join", "m1", "--bad"}, want: []string{"unknown flag: --bad", "kubectl manifold join --help"}},
		"no kubeconfig":        {args: []string{"join", "m1"}, want: []string{"--cluster-kubeconfig"}},
		"kubeconfig missing":   {args: []string{"join", "m1", "--cluster-kubeconfig", missing}, want: []string{missing + " does not exist"}},
		"context missing":      {args: joinArgs(namespace, "m1", "--cluster-context", "c9"), want: []string{`no context "c9"`, "member1"}},
		"unreachable":          {args: []string{"join", "m1", "--cluster-kubeconfig", down}, want: []string{"https://127.0.0.1:1", "GET /version", "connection refused", down}},
		"foreign certificate":  {args: []string{"join", "m1", "--cluster-kubeconfig", wrongCA}, want: []string{"certificate of " + member.config.Host, "unknown authority"}},
		"credentials refused":  {args: []string{"join", "m1", "--cluster-kubeconfig", badToken}, want: []string{member.config.Host + " refuses the credentials"}},
		"no rights in member":  {args: []string{"join", "m1", "--cluster-kubeconfig", nobody, "--cluster-namespace", namespace}, want: []string{"no rights on the cluster " + member.config.Host, "\n  create namespaces", "\n  watch secrets in namespace " + namespace, "\n  escalate clusterroles.rbac"}},
		"no rights on hub":     {args: joinArgs(namespace, "m1", "--as", "nobody"), want: []string{"no rights on the hub " + hub.config.Host, "\n  create clusters.cluster.karmada.io"}},
		"name taken":           {args: joinArgs(namespace, "taken"), want: []string{`"taken" is taken`, "other-id", "https://other:6443"}},
		"upper case":           {args: joinArgs(namespace, "M1"), want: []string{`invalid cluster name "M1"`}},
		"too long":             {args: joinArgs(namespace, strings.Repeat("m", 49)), want: []string{"49 characters and may have 48"}},
		"the hub itself":       {args: []string{"join", "m1", "--cluster-kubeconfig", hub.kubeconfig}, want: []string{"leads to the hub itself"}},
		"not a hub":            {hub: member.kubeconfig, args: joinArgs(namespace, "m1"), want: []string{member.config.Host + " is not a hub"}},
		"hub unreachable":      {hub: down, args: joinArgs(namespace, "m1"), want: []string{"hub: cannot reach https://127.0.0.1:1"}},
		"endpoint not a URL":   {args: joinArgs(namespace, "m1", "--api-endpoint", "10.0.0.1:6443"), want: []string{"invalid API endpoint"}},
		"region not a label":   {args: joinArgs(namespace, "m1", "--cluster-region", "a b"), want: []string{`invalid --cluster-region "a b"`}},
		"namespace not a name": {args: joinArgs("A", "m1"), want: []string{"invalid --cluster-namespace"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.hub == "" {
				tc.hub = hub.kubeconfig
			}
			out, _, err := commandOn(t, tc.hub, tc.args...)
			if err == nil {
				t.Fatalf("no error; output:\n%s", out)
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error lacks %q:\n%v", part, err)
				}
			}
			if first := err.Error()[0]; first < 'a' || first > 'z' {
				t.Errorf("error does not start in lower case: %v", err)
			}
		})
	}
	mustBeUntouched(t, namespace)
}

func TestJoinTwice(t *testing.T) {
	namespace := fresh(t)
	mustRun(t, joinArgs(namespace, "m1")...)
	_, _, err := command(t, joinArgs(namespace, "m2")...)
	if err == nil || !strings.Contains(err.Error(), `already joined, as "m1"`) || !strings.Contains(err.Error(), member.id) {
		t.Errorf("error does not name the other cluster: %v", err)
	}
	if _, err := clusters.Get(t.Context(), "m2", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the cluster was made all the same: %v", err)
	}
}

func TestJoinKeepsForeignSecrets(t *testing.T) {
	namespace := fresh(t)
	mustRun(t, joinArgs(namespace, "m1")...)
	mustRun(t, "unjoin", "m1")
	kept := newSecret("m1", map[string]string{"token": "mine"})
	if _, err := hub.kube.CoreV1().Secrets(namespace).Create(t.Context(), kept, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, _, err := command(t, joinArgs(namespace, "m1")...)
	if err == nil || !strings.Contains(err.Error(), namespace+"/m1 that was not made by joining") {
		t.Errorf("a user's secret was not respected: %v", err)
	}
}

func TestJoinWaits(t *testing.T) {
	for name, tc := range map[string]struct {
		condition      metav1.Condition
		wait           string
		stdout, stderr string
	}{
		"ready": {
			condition: metav1.Condition{Status: metav1.ConditionTrue, Reason: clusterv1alpha1.ReasonClusterReady},
			wait:      "30s",
			stdout:    "cluster m1 is ready\n",
		},
		"not ready": {
			condition: metav1.Condition{Status: metav1.ConditionFalse, Reason: clusterv1alpha1.ReasonClusterNotReachable, Message: "no route"},
			wait:      "2s",
			stderr:    "warning: cluster m1 is joined, but not ready after 2s: ClusterNotReachable: no route",
		},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := fresh(t)
			tc.condition.Type = clusterv1alpha1.ClusterConditionReady
			tc.condition.LastTransitionTime = metav1.Now()
			probed := make(chan error, 1)
			ctx := t.Context()
			go func() { // the part of the hub
				probed <- poll(ctx, func() error {
					c, err := clusters.Get(ctx, "m1", metav1.GetOptions{})
					if err != nil {
						return err
					}
					c.Status.Conditions = []metav1.Condition{tc.condition}
					_, err = clusters.UpdateStatus(ctx, c, metav1.UpdateOptions{})
					return err
				})
			}()
			stdout, stderr, err := command(t, "join", "m1", "--cluster-kubeconfig", member.kubeconfig, "--cluster-namespace", namespace, "--wait", tc.wait)
			if err := <-probed; err != nil {
				t.Fatal(err)
			}
			if err != nil {
				t.Fatalf("a cluster that is joined gave an error: %v", err)
			}
			if !strings.HasSuffix(stdout, tc.stdout) || !strings.Contains(stderr, tc.stderr) {
				t.Errorf("want %q and %q, got:\n%s%s", tc.stdout, tc.stderr, stdout, stderr)
			}
		})
	}
}
