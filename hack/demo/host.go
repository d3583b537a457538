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
	"strings"
	"time"
)

const (
	// developer is a service account of the host with rights there and on the hub, visitor one without.
	developer, visitor = "developer", "visitor"
	// throughHost names the kubeconfig by which the developer reaches the hub through the host.
	throughHost = "through-host"
	// hostPatience is how long the host may take to notice that the hub is there.
	hostPatience = 90 * time.Second
)

// hostPhases put the hub behind the API server of one more local cluster.
func (d *demo) hostPhases() []phase {
	return []phase{
		{"Start a host cluster", []string{d.host.log}, d.startHost},
		{"Register the hub with the host", []string{d.hub.log}, d.register},
		{"Give a user of the host rights", []string{d.hub.log}, d.letIn},
		{"Work as that user, through the host", []string{d.hub.log}, d.workThroughHost},
	}
}

func (d *demo) startHost(ctx context.Context) error {
	if _, err := d.host.ensure(ctx); err != nil {
		return err
	}
	ready := state("host/ready")
	if err := d.host.awaitReady(ctx, membersPatience, func() error { _, err := os.Stat(ready); return err }); err != nil {
		return err
	}
	return copyFile(state("host/host/admin.kubeconfig"), kubeconfigOf("host"))
}

func (d *demo) register(ctx context.Context) error {
	_, err := output(ctx, "bin/kubectl-manifold", "register", "--kubeconfig", kubeconfigOf("hub"),
		"--host-kubeconfig", kubeconfigOf("host"), "--host-access", hostAccess())
	if err != nil {
		return err
	}
	if err := d.startHub(ctx); err != nil { // anew, as it now has a host
		return err
	}
	return await(ctx, hostPatience, func() error {
		_, err := kubectl(ctx, "host", "get", "clusters,federations")
		return err
	})
}

// hostAccess is the kubeconfig by which the hub reaches the host; it exists once the hub has been registered.
func hostAccess() string { return state("host-access.kubeconfig") }

func (d *demo) letIn(ctx context.Context) error {
	for _, account := range []string{developer, visitor} {
		if err := makeOnce(ctx, "host", "serviceaccount", account); err != nil {
			return err
		}
		token, err := kubectl(ctx, "host", "create", "token", account, "--duration=24h")
		if err != nil {
			return err
		}
		if err := copyFile(kubeconfigOf("host"), kubeconfigOf(account)); err != nil {
			return err
		}
		// Of the administrator's kubeconfig the new user keeps the address.
		for _, args := range [][]string{{"set-credentials", account, "--token", token}, {"set-context", "--current", "--user", account}, {"delete-user", "admin"}} {
			if _, err := kubectl(ctx, account, append([]string{"config"}, args...)...); err != nil {
				return err
			}
		}
	}
	if err := makeOnce(ctx, "host", "clusterrolebinding", developer, "--clusterrole=manifold-edit", "--serviceaccount=default:"+developer); err != nil {
		return err
	}
	if err := makeOnce(ctx, "hub", "clusterrolebinding", "host-"+developer, "--clusterrole=edit", "--user=host:system:serviceaccount:default:"+developer); err != nil {
		return err
	}
	if err := makeOnce(ctx, "hub", "namespace", throughHost); err != nil {
		return err
	}
	_, err := output(ctx, "bin/kubectl-manifold", "kubeconfig", "--through-host", "--host-kubeconfig", kubeconfigOf(developer), "--output", kubeconfigOf(throughHost))
	return err
}

// makeOnce creates something in a cluster unless it is there.
func makeOnce(ctx context.Context, cluster, kind, name string, args ...string) error {
	known, err := kubectl(ctx, cluster, "get", kind, name, "--ignore-not-found", "-o", "name")
	if err != nil || known != "" {
		return err
	}
	_, err = kubectl(ctx, cluster, append([]string{"create", kind, name}, args...)...)
	return err
}

// workThroughHost takes a Deployment through its life, at the host's address and with the host's credentials.
func (d *demo) workThroughHost(ctx context.Context) error {
	apply := []string{throughHost, "apply", "-n", throughHost, "-f", example}
	err := await(ctx, hostPatience, func() error { // answers of the host count for some seconds
		_, err := kubectl(ctx, apply[0], apply[1:]...)
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range [][]string{
		{developer, "get", "clusters,pp,rb", "-A"},
		{throughHost, "auth", "whoami"},
		apply,
		{throughHost, "rollout", "status", "-n", throughHost, "deployment/nginx", "--timeout=" + rolloutPatience.String()},
		{throughHost, "get", "pods", "-n", throughHost},
		{throughHost, "logs", "-n", throughHost, "deployment/nginx", "--tail=3"},
		{throughHost, "delete", "-n", throughHost, "-f", example},
	} {
		if err := shown(ctx, c); err != nil {
			return err
		}
	}
	refused := []string{visitor, "get", "clusters"}
	if err := shown(ctx, refused); err == nil {
		return errors.New("a user of the host without rights has seen the clusters")
	}
	return nil
}

// shown runs kubectl with a kubeconfig of the demo as a user would, and prints command and output.
func shown(ctx context.Context, c []string) error {
	args := append([]string{"--kubeconfig", kubeconfigOf(c[0])}, c[1:]...)
	fmt.Printf("\n$ kubectl %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, "bin/kubectl", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return nil
}
