/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/manifold-k8s/manifold/test/members"
	"github.com/manifold-k8s/manifold/test/simulated"
)

// nodesPerMember is how many nodes a simulated member has.
const nodesPerMember = 3

// garbagePercent keeps the memory of many simulated members small, at the price of some processor time.
const garbagePercent = 50

// Child runs members as the parent asks, until its input ends or ctx does. See [Start].
func Child(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	var cfg Config
	fs := flag.NewFlagSet("members", flag.ContinueOnError)
	fs.BoolVar(&cfg.Simulated, "simulated", false, "")
	fs.IntVar(&cfg.Count, "count", 1, "")
	fs.BoolVar(&cfg.Workloads, "workloads", false, "")
	fs.DurationVar(&cfg.Available, "available", 0, "")
	fs.IntVar(&cfg.Pods, "pods", 0, "")
	fs.StringVar(&cfg.Dir, "dir", "", "")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if cfg.Simulated {
		return playMembers(ctx, cfg, in, out)
	}
	return runMembers(ctx, cfg, in, out)
}

// runMembers runs real ones.
func runMembers(ctx context.Context, cfg Config, in io.Reader, out io.Writer) error {
	set, err := members.Start(ctx, members.Config{Count: cfg.Count, Dir: cfg.Dir, WithWorkloads: cfg.Workloads})
	if err != nil {
		return err
	}
	defer set.Close()
	var hello message
	for _, m := range set.Members {
		access, err := admit(ctx, m)
		if err != nil {
			return fmt.Errorf("make an account in %s: %w", m.Name, err)
		}
		hello.Hello = append(hello.Hello, Member{Access: access, Kubeconfig: m.Kubeconfig})
	}
	if err := json.NewEncoder(out).Encode(hello); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in) // until the parent wants no more
	return err
}

// admit makes an account for the hub that may do everything, with a token of an hour.
func admit(ctx context.Context, m *members.Member) (simulated.Access, error) {
	const name = "hub"
	config := m.RESTConfig()
	access := simulated.Access{Name: m.Name, Endpoint: config.Host, CA: config.CAData}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return access, err
	}
	system, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return access, err
	}
	access.ID = string(system.UID)
	accounts := client.CoreV1().ServiceAccounts(metav1.NamespaceSystem)
	if _, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		return access, err
	}
	_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: metav1.NamespaceSystem, Name: name}},
	}, metav1.CreateOptions{})
	if err != nil {
		return access, err
	}
	token, err := accounts.CreateToken(ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return access, err
	}
	access.Token = token.Status.Token
	return access, nil
}

// voice writes messages in the order they are said, without holding up those who say them.
type voice struct {
	mu    sync.Mutex
	queue []message
	more  chan struct{}
}

func (v *voice) say(m message) {
	v.mu.Lock()
	v.queue = append(v.queue, m)
	v.mu.Unlock()
	select {
	case v.more <- struct{}{}:
	default:
	}
}

// run writes until ctx ends.
func (v *voice) run(ctx context.Context, out io.Writer) error {
	buffered := bufio.NewWriterSize(out, 1<<16)
	encoder := json.NewEncoder(buffered)
	for {
		v.mu.Lock()
		batch := v.queue
		v.queue = nil
		v.mu.Unlock()
		for _, m := range batch {
			if err := encoder.Encode(m); err != nil {
				return err
			}
		}
		if err := buffered.Flush(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-v.more:
		}
	}
}

// playMembers runs simulated ones.
func playMembers(ctx context.Context, cfg Config, in io.Reader, out io.Writer) error {
	debug.SetGCPercent(garbagePercent)
	ctx, stop := context.WithCancel(ctx)
	v := &voice{more: make(chan struct{}, 1)}
	f, err := simulated.Start(ctx, simulated.Config{
		Members: cfg.Count, Nodes: nodesPerMember, Pods: cfg.Pods, Available: cfg.Available, Seen: func(s simulated.Sighting) { v.say(message{Seen: &s}) },
	})
	if err != nil {
		stop()
		return err
	}
	var hello message
	for _, m := range f.Members {
		hello.Hello = append(hello.Hello, Member{Access: m.Access})
	}
	v.say(hello)
	said := make(chan error, 1)
	go func() { said <- v.run(ctx, out) }()
	for d := json.NewDecoder(in); ; {
		var c command
		if err = d.Decode(&c); err != nil {
			break
		}
		v.say(obey(f, c))
	}
	if errors.Is(err, io.EOF) {
		err = nil // the parent wants no more
	}
	stop()
	return errors.Join(err, f.Close(), <-said)
}

func obey(f *simulated.Fleet, c command) message {
	if c.Do == "stats" {
		var m message
		for _, one := range f.Members {
			m.Stats = append(m.Stats, one.Stats())
		}
		return m
	}
	m := f.Member(c.Member)
	if m == nil {
		return message{Error: fmt.Sprintf("there is no member %q", c.Member)}
	}
	switch c.Do {
	case "slow":
		m.SetLatency(c.Latency)
	case "hang":
		m.Hang()
	case "heal":
		m.SetLatency(0)
		m.Resume()
	default:
		return message{Error: fmt.Sprintf("cannot %q", c.Do)}
	}
	return message{}
}
