/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/manifold-k8s/manifold/test/members"
)

// podsAnswer checks that what users do to running pods works on the played ones, with the real kubectl.
func podsAnswer(t *testing.T, m *members.Member, client kubernetes.Interface) {
	t.Helper()
	pods, err := client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "pod-template-hash"})
	if err != nil {
		t.Fatal(err)
	}
	pod := pods.Items[0].Name
	file := filepath.Join(t.TempDir(), "copied")
	if err := os.WriteFile(file, []byte("content\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hello := "web in " + pod
	for name, tc := range map[string]struct {
		args  []string
		stdin string
		code  int
		want  string // in what it prints to either output
	}{
		"logs":            {args: []string{"logs", "deploy/web", "-c", "web"}, want: "web in web-"},
		"previous logs":   {args: []string{"logs", pod, "--previous"}, want: "web (previous run) in " + pod},
		"logs of all":     {args: []string{"logs", pod, "--all-containers", "--prefix"}, want: "[pod/" + pod + "/init] init in " + pod},
		"limited logs":    {args: []string{"logs", pod, "--limit-bytes=3", "--tail=1"}, want: "web"},
		"logs with times": {args: []string{"logs", pod, "--timestamps", "--tail=1"}, want: "Z " + hello},
		"output":          {args: []string{"exec", pod, "--", "sh", "-c", "echo $HOSTNAME; pwd"}, want: pod + "\n/"},
		"error output":    {args: []string{"exec", pod, "--", "sh", "-c", "echo trouble >&2"}, want: "\ntrouble\n"},
		"exit code":       {args: []string{"exec", pod, "--", "sh", "-c", "exit 3"}, code: 3, want: "exit code 3"},
		"no such command": {args: []string{"exec", pod, "--", "no-such-command"}, code: 127, want: "not found"},
		"input":           {args: []string{"exec", "-i", pod, "--", "cat"}, stdin: "said", want: "said"},
		"attach":          {args: []string{"attach", "-i", pod}, stdin: "hello\n", want: "you said: hello"},
		"debug":           {args: []string{"debug", "-i", pod, "--image=busybox", "--container=debugger"}, stdin: "hello\n", want: "you said: hello"},
	} {
		t.Run(name, func(t *testing.T) {
			out, code := kubectl(t, m, tc.stdin, tc.args...)
			if code != tc.code || !strings.Contains(out, tc.want) {
				t.Errorf("kubectl %q ended with code %d, want %d, and printed %q, want in it %q", tc.args, code, tc.code, out, tc.want)
			}
		})
	}
	t.Run("cp", func(t *testing.T) {
		if out, code := kubectl(t, m, "", "cp", file, pod+":inside"); code != 0 {
			t.Fatal(out)
		}
		if out, code := kubectl(t, m, "", "cp", pod+":inside", file+".back"); code != 0 {
			t.Fatal(out)
		}
		if got, err := os.ReadFile(file + ".back"); err != nil || string(got) != "content\n" {
			t.Errorf("copied there and back: %q, %v", got, err)
		}
	})
	t.Run("port-forward", func(t *testing.T) { portForward(t, m, pod) })
	t.Run("followed logs", func(t *testing.T) { followLogs(t, client) })
	t.Run("strangers", func(t *testing.T) { strangersAreRefused(t, client) })
}

// kubectl returns what it printed, to both outputs, and its exit code.
func kubectl(t *testing.T, m *members.Member, stdin string, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	cmd := kubectlCommand(t, m, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func kubectlCommand(t *testing.T, m *members.Member, args ...string) *exec.Cmd {
	t.Helper()
	bin, err := members.BinDir()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, filepath.Join(bin, "kubectl"), append([]string{"--kubeconfig", m.Kubeconfig}, args...)...)
}

func portForward(t *testing.T, m *members.Member, pod string) {
	cmd := kubectlCommand(t, m, "port-forward", pod, ":80", "--address=127.0.0.1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // says that it was killed
	}()
	said, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, _, ok := strings.Cut(strings.TrimPrefix(said, "Forwarding from "), " ")
	if !ok {
		t.Fatalf("kubectl port-forward says %q", said)
	}
	for _, path := range []string{"/one", "/two"} {
		resp, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := "GET " + path + " at port 80 of default/" + pod; err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("the pod answers %q, %v; want %q", got, err, want)
		}
	}
}

// followLogs checks that a followed log goes on while the pod runs, and ends with it.
func followLogs(t *testing.T, client kubernetes.Interface) {
	pods := client.CoreV1().Pods("default")
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "brief"}, Spec: podTemplate(corev1.RestartPolicyAlways).Spec}
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		got, err := pods.Get(ctx, "brief", metav1.GetOptions{})
		if err == nil && got.Status.Phase != corev1.PodRunning {
			err = fmt.Errorf("the pod is %s", got.Status.Phase)
		}
		return err
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	log, err := pods.GetLogs("brief", &corev1.PodLogOptions{Container: "web", Follow: true}).Stream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var times []string
	for lines := bufio.NewScanner(log); lines.Scan(); {
		_, after, _ := strings.Cut(lines.Text(), "running for ")
		if times = append(times, after); len(times) == 2 {
			if err := pods.Delete(ctx, "brief", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(times) < 2 || len(times) > 3 || times[0] != "0s" || times[1] != "2s" || ctx.Err() != nil {
		t.Errorf("the log went %q, want 0s and 2s and the end; %v", times, ctx.Err())
	}
}

// strangersAreRefused asks a kubelet as somebody else on the machine could.
func strangersAreRefused(t *testing.T, client kubernetes.Interface) {
	node, err := client.CoreV1().Nodes().Get(t.Context(), "member1-node1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	anybody := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for _, scheme := range []string{"https", "http"} {
		resp, err := anybody.Get(fmt.Sprintf("%s://127.0.0.1:%d/nodes/member1-node1/metrics/resource", scheme, node.Status.DaemonEndpoints.KubeletEndpoint.Port))
		if err == nil && resp.StatusCode != http.StatusBadRequest { // what Go says to HTTP at a port for HTTPS
			t.Errorf("a kubelet answers a client without a certificate over %s: %s", scheme, resp.Status)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
}

// usageIsKnown checks kubectl top, which needs two of metrics-server's rounds.
func usageIsKnown(t *testing.T, m *members.Member) {
	t.Helper()
	for kind, want := range map[string]string{"pods": "\nweb-", "nodes": "\nmember1-node2"} {
		eventually(t, func(context.Context) error {
			if out, code := kubectl(t, m, "", "top", kind); code != 0 || !strings.Contains(out, want) {
				return fmt.Errorf("kubectl top %s ended with code %d and printed %q, want in it %q", kind, code, out, want)
			}
			return nil
		})
	}
}
