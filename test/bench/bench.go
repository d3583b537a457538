/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/generated/clientset/versioned"
	"github.com/manifold-k8s/manifold/test/members"
)

const (
	namespace = "bench"
	// hubName is the hub's name among the clusters that the board follows.
	hubName = "hub"
	// restTime is how long the federation rests before its figures at rest are read.
	restTime = 20 * time.Second
	// patience bounds every single wait.
	patience = 3 * time.Minute
)

// bench is a federation under measurement.
type bench struct {
	settings
	dir     string
	members *members.Set
	hub     *hub
	board   *board
	report  report
	// What the hub does at rest, per second; taken off what a phase costs.
	idleWrites, idleCPU float64

	stop       context.CancelFunc // ends the watches
	watching   context.Context
	background sync.WaitGroup
}

func newBench(s settings, dir string) *bench {
	b := &bench{settings: s, dir: dir, board: newBoard(), hub: newHub(filepath.Join(s.bin, "manifold"), filepath.Join(dir, "hub"))}
	b.report.begin(s)
	return b
}

// close ends everything that was started.
func (b *bench) close() {
	if b.stop != nil {
		b.stop()
	}
	b.background.Wait()
	if err := b.hub.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the hub:", err)
	}
	if b.members != nil {
		b.members.Close()
	}
}

// measure runs all phases. Each builds on the ones before.
func (b *bench) measure(ctx context.Context) error {
	b.watching, b.stop = context.WithCancel(ctx)
	for _, phase := range []struct {
		title string
		run   func(context.Context) error
	}{
		{"start members", b.startMembers},
		{"start hub, empty store", b.startHub},
		{"join members", b.join},
		{"rest", b.rest},
		{"create one at a time", b.createOneByOne},
		{"trace one", b.traceOne},
		{"create many", b.createMany},
		{"update many", b.updateMany},
		{"restart hub", b.restart},
		{"delete many", b.deleteMany},
	} {
		fmt.Fprintf(os.Stderr, "==> %s\n", phase.title)
		before, err := b.sample()
		if err != nil {
			return err
		}
		if err := phase.run(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
				err = errors.Join(err, cause)
			}
			return fmt.Errorf("%s: %w", phase.title, err)
		}
		after, err := b.sample()
		if err != nil {
			return err
		}
		share := after.since(before)
		share.Phase = phase.title
		b.report.Shares = append(b.report.Shares, share)
		fmt.Fprintf(os.Stderr, "    %.1f s\n", share.Seconds)
	}
	return nil
}

func (b *bench) startMembers(ctx context.Context) error {
	set, err := members.Start(ctx, members.Config{Count: b.settings.members, Dir: filepath.Join(b.dir, "members"), WithWorkloads: true})
	if err != nil {
		return err
	}
	b.members = set
	for _, m := range set.Members {
		if err := b.follow(ctx, m.Name, m.RESTConfig()); err != nil {
			return err
		}
	}
	return nil
}

// follow makes the board see the Deployments of a cluster.
func (b *bench) follow(ctx context.Context, cluster string, config *rest.Config) error {
	config.ContentType = "application/vnd.kubernetes.protobuf" // the least work for both ends
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	informer, err := b.board.informer(cluster, client)
	if err != nil {
		return err
	}
	b.background.Go(func() { informer.RunWithContext(b.watching) })
	return await(ctx, patience, func() error {
		if !informer.HasSynced() {
			return fmt.Errorf("the watch of %s has not begun", cluster)
		}
		return nil
	})
}

func (b *bench) startHub(ctx context.Context) error {
	took, err := b.hub.start(ctx)
	if err != nil {
		return err
	}
	b.report.add("start to ready, empty store", took.Seconds(), "s", below(5))
	return nil
}

func (b *bench) join(ctx context.Context) error {
	for _, m := range b.members.Members {
		cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "kubectl-manifold"), "join", m.Name,
			"--kubeconfig", b.hub.kubeconfig(), "--cluster-kubeconfig", m.Kubeconfig)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("join %s: %w\n%s", m.Name, err, out)
		}
	}
	if _, err := b.hub.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	if err := b.createPolicy(ctx); err != nil {
		return err
	}
	// A namespace takes Deployments in a member once it is there.
	for _, m := range b.members.Members {
		client, err := kubernetes.NewForConfig(m.RESTConfig())
		if err != nil {
			return err
		}
		err = await(ctx, patience, func() error {
			_, err := client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
			return err
		})
		if err != nil {
			return fmt.Errorf("wait for the namespace in %s: %w", m.Name, err)
		}
	}
	return b.follow(ctx, hubName, rest.CopyConfig(b.hub.config))
}

// createPolicy sends every Deployment of the namespace to every member.
func (b *bench) createPolicy(ctx context.Context) error {
	client, err := versioned.NewForConfig(b.hub.config)
	if err != nil {
		return err
	}
	_, err = client.PolicyV1alpha1().PropagationPolicies(namespace).Create(ctx, &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "all"},
		Spec: policyv1alpha1.PropagationSpec{
			ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment"}},
			Placement: policyv1alpha1.Placement{
				ClusterAffinity:   &policyv1alpha1.ClusterAffinity{ClusterNames: b.memberNames()},
				ReplicaScheduling: &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDuplicated},
			},
		},
	}, metav1.CreateOptions{})
	return err
}

func (b *bench) memberNames() []string {
	var names []string
	for _, m := range b.members.Members {
		names = append(names, m.Name)
	}
	return names
}

func (b *bench) rest(ctx context.Context) error {
	before, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	if err := pause(ctx, restTime); err != nil {
		return err
	}
	after, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	seconds := after.at.Sub(before.at).Seconds()
	b.idleWrites = float64(after.revision-before.revision) / seconds
	b.idleCPU = (after.cpu - before.cpu).Seconds() / seconds
	b.report.add("RSS at rest", after.rss, "MiB", below(350))
	b.report.add("CPU at rest", b.idleCPU*1000, "ms/s", nil)
	b.report.add("writes at rest", b.idleWrites, "/s", nil)
	return nil
}

// sample reads who has used the machine's time so far.
func (b *bench) sample() (usage, error) {
	u, err := machineUsage()
	if err != nil {
		return u, err
	}
	u.hub = cpuOf(b.hub.pid())
	files, err := filepath.Glob(filepath.Join(b.dir, "members", "*", "*.pid"))
	if err != nil {
		return u, err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
			u.members += cpuOf(pid)
		}
	}
	u.generator = cpuOf(os.Getpid())
	return u, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// await calls check every few milliseconds until it returns nil, limit has passed or ctx ends.
func await(ctx context.Context, limit time.Duration, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %v: %w", limit, err)
		case <-ticker.C:
		}
	}
}
