/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli"
	"github.com/manifold-k8s/manifold/pkg/generated/clientset/versioned"
	clusterclient "github.com/manifold-k8s/manifold/pkg/generated/clientset/versioned/typed/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/test/members"
)

// Two real control planes: one is the member; the other, which serves Clusters as a custom resource, stands for the hub.
var (
	hub, member server
	clusters    clusterclient.ClusterInterface
)

type server struct {
	kubeconfig string
	config     *rest.Config
	kube       kubernetes.Interface
	id         string
}

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "cli")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	set, err := members.Start(ctx, members.Config{Names: []string{"hub", "member1"}, Dir: dir, WithWorkloads: true})
	if err != nil {
		return 0, fmt.Errorf("start control planes: %w", err)
	}
	defer set.Close()
	for name, s := range map[string]*server{"hub": &hub, "member1": &member} {
		if *s, err = newServer(ctx, set.Member(name)); err != nil {
			return 0, err
		}
	}
	client, err := versioned.NewForConfig(hub.config)
	if err != nil {
		return 0, err
	}
	clusters = client.ClusterV1alpha1().Clusters()
	if err := serveClusters(ctx, hub.config); err != nil {
		return 0, fmt.Errorf("serve clusters: %w", err)
	}
	return m.Run(), nil
}

func newServer(ctx context.Context, m *members.Member) (server, error) {
	s := server{kubeconfig: m.Kubeconfig, config: m.RESTConfig()}
	var err error
	if s.kube, err = kubernetes.NewForConfig(s.config); err != nil {
		return s, err
	}
	ns, err := s.kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return s, err
	}
	s.id = string(ns.UID)
	return s, nil
}

func serveClusters(ctx context.Context, cfg *rest.Config) error {
	client, err := apiextensions.NewForConfig(cfg)
	if err != nil {
		return err
	}
	schema := &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)}
	crd := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "clusters." + clusterv1alpha1.GroupName},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: clusterv1alpha1.GroupName,
			Scope: apiextensionsv1.ClusterScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "clusters", Singular: "cluster", Kind: "Cluster"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: clusterv1alpha1.SchemeGroupVersion.Version, Served: true, Storage: true,
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
				Schema:       &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: schema},
			}},
		},
	}
	if _, err := client.ApiextensionsV1().CustomResourceDefinitions().Create(ctx, crd, metav1.CreateOptions{}); err != nil {
		return err
	}
	return poll(ctx, func() error {
		_, err := clusters.List(ctx, metav1.ListOptions{})
		return err
	})
}

// poll calls f until it returns nil, for at most half a minute, and returns its last error.
func poll(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// command runs `kubectl manifold` against the hub.
func command(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return commandOn(t, hub.kubeconfig, args...)
}

func commandOn(t *testing.T, hubKubeconfig string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return commandWith(t.Context(), hubKubeconfig, args...)
}

func commandWith(ctx context.Context, hubKubeconfig string, args ...string) (stdout, stderr string, err error) {
	var out, errOut bytes.Buffer
	root := cli.NewCommand(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
	root.SetArgs(append([]string{"--kubeconfig", hubKubeconfig}, args...))
	err = root.ExecuteContext(ctx)
	return out.String(), errOut.String(), err
}

func clientFor(t *testing.T, cfg *rest.Config) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// mustRun runs a command that has to succeed and returns its output.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, err := command(t, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}

// joinArgs are the arguments to join the member under a name, without waiting for it to be ready.
func joinArgs(namespace, name string, more ...string) []string {
	return append([]string{"join", name, "--cluster-kubeconfig", member.kubeconfig, "--cluster-namespace", namespace, "--wait", "0"}, more...)
}

// editedKubeconfig writes a copy of that of s, changed by edit.
func (s server) editedKubeconfig(t *testing.T, edit func(cluster *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo)) string {
	t.Helper()
	raw, err := clientcmd.LoadFromFile(s.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	current := raw.Contexts[raw.CurrentContext]
	edit(raw.Clusters[current.Cluster], raw.AuthInfos[current.AuthInfo])
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*raw, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// namespaces counts those that tests were given.
var namespaces atomic.Int64

// fresh has the hub free of clusters, now and after the test, and returns the name of a namespace to join with that
// neither server has.
func fresh(t *testing.T) string {
	t.Helper()
	namespace := fmt.Sprintf("cli-%d", namespaces.Add(1))
	wipe(t)
	t.Cleanup(func() { wipe(t) })
	return namespace
}

func wipe(t *testing.T) {
	t.Helper()
	ctx := context.Background() // that of the test is over when this runs as its clean-up
	must := func(err error) {
		t.Helper()
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	list, err := clusters.List(ctx, metav1.ListOptions{})
	must(err)
	for i := range list.Items {
		c := &list.Items[i]
		if len(c.Finalizers) > 0 {
			c.Finalizers = nil
			_, err := clusters.Update(ctx, c, metav1.UpdateOptions{})
			must(err)
		}
		must(clusters.Delete(ctx, c.Name, metav1.DeleteOptions{}))
	}
	marked := metav1.ListOptions{LabelSelector: clusterv1alpha1.SystemLabel}
	must(member.kube.RbacV1().ClusterRoles().DeleteCollection(ctx, metav1.DeleteOptions{}, marked))
	must(member.kube.RbacV1().ClusterRoleBindings().DeleteCollection(ctx, metav1.DeleteOptions{}, marked))
}
