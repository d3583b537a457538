/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// With the real kubectl, at the hub, users look into pods of members and reach what runs there.
func TestIntoPods(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	names := running(t, ns, "web", 1, "member1", "member2")
	pod := names[0]
	plain, cluster, _ := strings.Cut(pod, ".")
	file := filepath.Join(t.TempDir(), "copied")
	if err := os.WriteFile(file, []byte("content\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args  []string
		stdin string
		fails bool
		want  string
	}{
		"logs":               {args: []string{"logs", pod}, want: "main in " + plain},
		"logs of a workload": {args: []string{"logs", "deploy/web", "-c", "main", "--tail=1"}, want: "main in web-"},
		"previous logs":      {args: []string{"logs", pod, "--previous"}, want: "main (previous run) in " + plain},
		"logs of all":        {args: []string{"logs", pod, "--all-containers", "--prefix"}, want: "[pod/" + pod + "/main] main in " + plain},
		"logs by plain name": {args: []string{"logs", plain}, want: "main in " + plain},
		"logs of none":       {args: []string{"logs", pod, "-c", "none"}, fails: true, want: "container none is not valid"},
		"no such pod":        {args: []string{"logs", "none.member1"}, fails: true, want: `pods "none.member1" not found`},
		"no such pod at all": {args: []string{"logs", "none"}, fails: true, want: `pods "none" not found`},
		"output":             {args: []string{"exec", pod, "--", "sh", "-c", "echo $HOSTNAME"}, want: plain},
		"exit code":          {args: []string{"exec", pod, "--", "sh", "-c", "exit 3"}, fails: true, want: "exit code 3"},
		"input":              {args: []string{"exec", "-i", pod, "--", "cat"}, stdin: "said", want: "said"},
		"exec by plain name": {args: []string{"exec", plain, "--", "echo", "there"}, want: "there"},
		"exec in a workload": {args: []string{"exec", "deploy/web", "--", "echo", "there"}, want: "there"},
		"attach":             {args: []string{"attach", "-i", pod}, stdin: "hello\n", want: "you said: hello"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := hub.StartKubectl(t, tc.stdin, append([]string{"-n", ns}, tc.args...)...)
			err := c.Wait()
			if (err != nil) != tc.fails || !strings.Contains(c.String(), tc.want) {
				t.Errorf("kubectl %q printed %q, want in it %q: %v", tc.args, c.String(), tc.want, err)
			}
		})
	}
	t.Run("cp", func(t *testing.T) {
		t.Parallel()
		hub.Kubectl(t, "", "-n", ns, "cp", file, pod+":inside")
		hub.Kubectl(t, "", "-n", ns, "cp", pod+":inside", file+".back")
		if got, err := os.ReadFile(file + ".back"); err != nil || string(got) != "content\n" {
			t.Errorf("copied there and back: %q, %v", got, err)
		}
	})
	t.Run("port-forward", func(t *testing.T) {
		t.Parallel()
		c := hub.StartKubectl(t, "", "-n", ns, "port-forward", pod, ":80", "--address=127.0.0.1")
		var address string
		apitest.Eventually(t, func() error {
			_, said, _ := strings.Cut(c.String(), "Forwarding from ")
			var ok bool
			if address, _, ok = strings.Cut(said, " "); !ok {
				return fmt.Errorf("kubectl says %q", c.String())
			}
			return nil
		})
		for _, path := range []string{"/one", "/two"} {
			resp, err := http.Get("http://" + address + path)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			_, err = got.ReadFrom(resp.Body)
			resp.Body.Close()
			if want := "GET " + path + " at port 80 of " + ns + "/" + plain; err != nil || !strings.HasPrefix(got.String(), want) {
				t.Errorf("the pod answers %q, %v; want %q", got.String(), err, want)
			}
		}
	})
	t.Run("followed logs", func(t *testing.T) {
		t.Parallel()
		c := hub.StartKubectl(t, "", "-n", ns, "logs", "-f", pod)
		apitest.Eventually(t, func() error {
			if !strings.Contains(c.String(), "main in "+plain) {
				return fmt.Errorf("kubectl says %q", c.String())
			}
			return nil
		})
		if !c.Running() {
			t.Errorf("it does not follow: %q", c.String())
		}
	})
	t.Run("below the cluster's name", func(t *testing.T) {
		t.Parallel()
		there := below(t, hub.API, cluster)
		for _, args := range [][]string{{"logs", plain}, {"exec", plain, "--", "sh", "-c", "echo main in $HOSTNAME"}} {
			if out := there.Kubectl(t, "", append([]string{"-n", ns}, args...)...); !strings.Contains(out, "main in "+plain) {
				t.Errorf("kubectl %q: %q", args, out)
			}
		}
	})
	for name, post := range map[string]bool{"by SPDY": true, "by WebSocket": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for where, a := range map[string]*apitest.API{pod: hub.API, plain: below(t, hub.API, cluster)} {
				if out, err := execute(t.Context(), a, ns, where, post); err != nil || out != "said" {
					t.Errorf("%s: %q: %v", where, out, err)
				}
			}
		})
	}
}

// execute runs cat in a pod, with POST and SPDY, or with GET and a WebSocket.
func execute(ctx context.Context, a *apitest.API, ns, pod string, post bool) (string, error) {
	req := a.Kube.CoreV1().RESTClient().Post().Namespace(ns).Resource("pods").Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: []string{"cat"}, Stdin: true, Stdout: true}, scheme.ParameterCodec)
	var e remotecommand.Executor
	var err error
	if post {
		e, err = remotecommand.NewSPDYExecutor(a.Config, http.MethodPost, req.URL())
	} else {
		e, err = remotecommand.NewWebSocketExecutor(a.Config, http.MethodGet, req.URL().String())
	}
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = e.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: strings.NewReader("said"), Stdout: &out})
	return out.String(), err
}

// A pod that is stored on the hub does not run there. Its name means its copy if there is one, and else is no name.
func TestIntoCopies(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	podNamed := func(name string) string { return fmt.Sprintf("{apiVersion: v1, kind: Pod, name: %s}", name) }
	const bare = "{apiVersion: v1, kind: Pod, metadata: {name: %s}, spec: {containers: [{name: main, image: nginx}]}}"
	hub.Create(t, ns, docs(fmt.Sprintf(bare, "one"), fmt.Sprintf(bare, "two"), fmt.Sprintf(bare, "none"),
		policy("one", podNamed("one"), on("member2")), policy("two", podNamed("two"), on("member1", "member2"))))
	for name, wants := range map[string][]string{
		"one":  {"main in one"},
		"two":  {"two.member1", "two.member2"},
		"none": {"no cluster has a copy"},
	} {
		apitest.Eventually(t, func() error {
			out, err := hub.Kube.CoreV1().Pods(ns).GetLogs(name, &corev1.PodLogOptions{}).DoRaw(t.Context())
			text := fmt.Sprintf("%s %v", out, err)
			for _, want := range wants {
				if !strings.Contains(text, want) {
					return fmt.Errorf("logs of %s: %s; want %s", name, text, want)
				}
			}
			return nil
		})
	}
	if out, err := execute(t.Context(), hub.API, ns, "one", true); err != nil || out != "said" {
		t.Errorf("exec: %q: %v", out, err)
	}
}

// The hub decides who may look into pods, and who may reach into them: the verb get is not enough to open a WebSocket.
func TestIntoPodsWithRights(t *testing.T) {
	t.Parallel()
	ns, other := namespace(t), namespace(t)
	pod := running(t, ns, "web", 1, "member3")[0]
	theirs := running(t, other, "web", 1, "member3")[0]
	hub.Create(t, ns, `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: looks}
rules: [{apiGroups: [""], resources: [pods, pods/log, pods/exec], verbs: [get]}]`)
	hub.Create(t, ns, docs("{apiVersion: v1, kind: ServiceAccount, metadata: {name: looks}}", fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: looks}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: looks}
subjects: [{kind: ServiceAccount, name: looks, namespace: %s}]`, ns)))
	looks := hub.As(t.Context(), t, ns, "looks")
	edits := account(t, ns, "edit")
	logs := func(a *apitest.API, ns, pod string) error {
		_, err := a.Kube.CoreV1().Pods(ns).GetLogs(pod, &corev1.PodLogOptions{}).DoRaw(t.Context())
		return err
	}
	for name, a := range map[string]*apitest.API{"looks": looks, "edits": edits} {
		apitest.Eventually(t, func() error { return logs(a, ns, pod) })
		if err := logs(a, other, theirs); !apierrors.IsForbidden(err) {
			t.Errorf("%s: logs in another namespace: %v", name, err)
		}
	}
	for _, post := range []bool{true, false} {
		if out, err := execute(t.Context(), looks, ns, pod, post); err == nil || !strings.Contains(err.Error(), "forbidden") && !strings.Contains(err.Error(), "403") {
			t.Errorf("exec with get, POST %v: %q: %v", post, out, err)
		}
		if out, err := execute(t.Context(), edits, ns, pod, post); err != nil || out != "said" {
			t.Errorf("exec with edit, POST %v: %q: %v", post, out, err)
		}
	}
}
