/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package members_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/manifold-k8s/manifold/test/members"
)

const patience = 30 * time.Second

func eventually(t *testing.T, check func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		last = check(attempt)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("after %v: %v", patience, last)
	}
}

func clientOf(t *testing.T, m *members.Member) kubernetes.Interface {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", m.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1 // no limit
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// children returns the processes that this one has started and that still run, by the command line.
func children(t *testing.T) []string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, stat := range stats {
		data, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		_, rest, ok := strings.Cut(string(data), ") ") // state, parent, ...
		if fields := strings.Fields(rest); !ok || len(fields) < 2 || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		found = append(found, string(data))
	}
	return found
}

func podTemplate(policy corev1.RestartPolicy) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{
			RestartPolicy:  policy,
			InitContainers: []corev1.Container{{Name: "init", Image: "busybox"}},
			Containers:     []corev1.Container{{Name: "web", Image: "nginx"}},
		},
	}
}

func TestMemberWithWorkloads(t *testing.T) {
	set, err := members.Start(t.Context(), members.Config{Count: 1, Dir: t.TempDir(), WithWorkloads: true, WithMetrics: true})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	m := set.Member("member1")
	client := clientOf(t, m)
	createWorkloads(t, client)
	eventually(t, workloadsDone(client))
	podsAnswer(t, m, client)
	usageIsKnown(t, m)
	created := uidOf(t, client)

	m.Stop()
	if _, err := client.Discovery().ServerVersion(); err == nil {
		t.Error("the member answers after Stop")
	}
	if err := m.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := uidOf(t, client); got != created {
		t.Errorf("Deployment after Restart has UID %q, want %q", got, created)
	}
	// The controllers, the scheduler and the kubelets have found it again.
	scale := []byte(`{"spec":{"replicas":5}}`)
	if _, err := client.AppsV1().Deployments("default").Patch(t.Context(), "web", "application/merge-patch+json", scale, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, available(client, 5))
	eventually(t, deleted(client))

	pauseAndResume(t, m, client, m.Resume)
	pauseAndResume(t, m, client, func() error { return m.Restart(t.Context()) })

	set.Close()
	if left := children(t); len(left) > 0 {
		t.Errorf("processes left after Close: %q", left)
	}
	if err := m.Restart(t.Context()); err == nil {
		t.Error("a closed set was started again")
	}
}

func createWorkloads(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	replicas := int32(3)
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: podTemplate(corev1.RestartPolicyAlways),
		},
	}
	if _, err := client.AppsV1().Deployments("default").Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "once"}, Spec: batchv1.JobSpec{Template: podTemplate(corev1.RestartPolicyNever)}}
	if _, err := client.BatchV1().Jobs("default").Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "token", Annotations: map[string]string{corev1.ServiceAccountNameKey: "default"}},
		Type:       corev1.SecretTypeServiceAccountToken,
	}
	if _, err := client.CoreV1().Secrets("default").Create(t.Context(), token, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// workloadsDone checks what createWorkloads began: pods run, a Job completes, a token Secret is filled in.
func workloadsDone(client kubernetes.Interface) func(context.Context) error {
	return func(ctx context.Context) error {
		job, err := client.BatchV1().Jobs("default").Get(ctx, "once", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if job.Status.Succeeded != 1 || job.Status.CompletionTime == nil {
			return fmt.Errorf("job not complete: %+v", job.Status)
		}
		token, err := client.CoreV1().Secrets("default").Get(ctx, "token", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(token.Data["token"]) == 0 || len(token.Data["ca.crt"]) == 0 {
			return errors.New("the token Secret is empty")
		}
		return available(client, 3)(ctx)
	}
}

func available(client kubernetes.Interface, replicas int32) func(context.Context) error {
	return func(ctx context.Context) error {
		d, err := client.AppsV1().Deployments("default").Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if d.Status.AvailableReplicas != replicas {
			return fmt.Errorf("%d replicas available, want %d", d.Status.AvailableReplicas, replicas)
		}
		return nil
	}
}

// deleted deletes the Deployment, and fails until its pods are gone.
func deleted(client kubernetes.Interface) func(context.Context) error {
	return func(ctx context.Context) error {
		_ = client.AppsV1().Deployments("default").Delete(ctx, "web", metav1.DeleteOptions{})
		pods, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "pod-template-hash"})
		if err != nil {
			return err
		}
		if len(pods.Items) > 0 {
			return fmt.Errorf("%d pods are left", len(pods.Items))
		}
		return nil
	}
}

func uidOf(t *testing.T, client kubernetes.Interface) string {
	t.Helper()
	d, err := client.AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return string(d.UID)
}

func pauseAndResume(t *testing.T, m *members.Member, client kubernetes.Interface, resume func() error) {
	t.Helper()
	if err := m.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := client.CoreV1().Namespaces().Get(ctx, "default", metav1.GetOptions{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a paused member answers with %v, want %v", err, context.DeadlineExceeded)
	}
	if err := resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		_, err := client.CoreV1().Namespaces().Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// TestSetComesBack starts a set in the folder of an earlier one: same ports, same objects, and members apart from each other.
func TestSetComesBack(t *testing.T) {
	cfg := members.Config{Names: []string{"east", "west"}, Dir: t.TempDir()}
	set, err := members.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	east := set.Member("east").RESTConfig().Host
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}
	_, err = clientOf(t, set.Member("east")).CoreV1().ConfigMaps("default").Create(t.Context(), cm, metav1.CreateOptions{})
	set.Close()
	if err != nil {
		t.Fatal(err)
	}

	if set, err = members.Start(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if got := set.Member("east").RESTConfig().Host; got != east {
		t.Errorf("east came back at %s, was at %s", got, east)
	}
	if _, err := clientOf(t, set.Member("east")).CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := clientOf(t, set.Member("west")).CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{}); err == nil {
		t.Error("west shows an object of east")
	}
}

// ownerDir, when set, makes this test binary the owner that TestNothingOutlivesItsOwner kills.
const ownerDir = "MEMBERS_TEST_OWNER_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(ownerDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := members.Start(context.Background(), members.Config{Count: 1, Dir: dir}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	select {}
}

func TestNothingOutlivesItsOwner(t *testing.T) {
	dir := t.TempDir()
	owner := exec.CommandContext(t.Context(), os.Args[0])
	owner.Env = append(os.Environ(), ownerDir+"="+dir, "TMPDIR="+t.TempDir())
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // returns when it is ready, or dead
		t.Fatalf("the owner did not start: %v", err)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "member1", "kube-apiserver.pid"))
	if err != nil {
		t.Fatal(err)
	}
	proc := filepath.Join("/proc", strings.TrimSpace(string(pid)))
	if _, err := os.Stat(proc); err != nil {
		t.Fatalf("the API server does not run: %v", err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // says that it was killed
	eventually(t, func(context.Context) error {
		if stat, err := os.ReadFile(filepath.Join(proc, "stat")); err == nil && !strings.Contains(string(stat), ") Z ") {
			return errors.New("the API server outlives its owner")
		}
		return nil
	})
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		cfg  members.Config
		want string
	}{
		"no member":   {members.Config{Dir: dir, BinDir: dir}, "needs a member"},
		"no folder":   {members.Config{Count: 1, BinDir: dir}, "needs a folder"},
		"no binaries": {members.Config{Count: 1, Dir: dir, BinDir: dir}, "make members-bin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := members.Start(t.Context(), tc.cfg)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}
