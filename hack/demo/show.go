/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// verifyPatience is ample: the rollout is complete when the verification begins.
const verifyPatience = 15 * time.Second

// registry is where the OverridePolicy of the example makes member2 take its images from.
const registry = "registry.eu.example.com/"

// deployment is the part of a Deployment that the demo verifies.
type deployment struct {
	Spec struct {
		Replicas int `json:"replicas"`
		Template struct {
			Spec struct {
				Containers []struct {
					Image string `json:"image"`
				} `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		ReadyReplicas int `json:"readyReplicas"`
	} `json:"status"`
}

// wanted returns, for each cluster, what the example asks for: three replicas, divided 1:2 over the first two members, and the image of
// the second from another registry. A single member gets all three.
func (d *demo) wanted() map[string]string {
	want := map[string]string{"hub": "3/3 nginx:1.19.3"}
	for i, name := range d.names {
		switch {
		case len(d.names) == 1:
			want[name] = "3/3 nginx:1.19.3"
		case i == 0:
			want[name] = "1/1 nginx:1.19.3"
		case i == 1:
			want[name] = "2/2 " + registry + "nginx:1.19.3"
		default:
			want[name] = "none"
		}
	}
	return want
}

func (d *demo) verify(ctx context.Context) error {
	return await(ctx, verifyPatience, func() error {
		var wrong []error
		want := d.wanted()
		for _, cluster := range append([]string{"hub"}, d.names...) {
			got, err := summary(ctx, cluster)
			if err != nil {
				return err
			}
			if got != want[cluster] {
				wrong = append(wrong, fmt.Errorf("%s has nginx %s, want %s", cluster, got, want[cluster]))
			}
		}
		return errors.Join(wrong...)
	})
}

// summary returns "<ready>/<wanted replicas> <image>" of the Deployment in a cluster, or "none".
func summary(ctx context.Context, cluster string) (string, error) {
	out, err := kubectl(ctx, cluster, "get", "deployment", "nginx", "--ignore-not-found", "-o", "json")
	if err != nil || out == "" {
		return "none", err
	}
	var got deployment
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		return "", fmt.Errorf("read Deployment of %s: %w", cluster, err)
	}
	var images []string
	for _, c := range got.Spec.Template.Spec.Containers {
		images = append(images, c.Image)
	}
	return fmt.Sprintf("%d/%d %s", got.Status.ReadyReplicas, got.Spec.Replicas, strings.Join(images, ",")), nil
}

// show prints the outcome, with the commands that a user would type.
func (d *demo) show(ctx context.Context) error {
	commands := [][]string{{"hub", "get", "clusters"}, {"hub", "get", "deployment", "nginx", "-o", "wide"}}
	for _, name := range d.names {
		commands = append(commands, []string{name, "get", "deployments", "-o", "wide"})
	}
	commands = append(commands, []string{"hub", "get", "resourcebinding", "nginx-deployment", "-o", "wide"})
	for _, c := range commands {
		if err := shown(ctx, c); err != nil {
			return fmt.Errorf("show: %w", err)
		}
	}
	fmt.Print(next)
	return nil
}

const next = `
Try next:

  export PATH=$PWD/bin:$PATH KUBECONFIG=$PWD/.demo/hub.kubeconfig
  kubectl scale deployment nginx --replicas=9          # 3 and 6: the weights are 1:2
  kubectl rollout status deployment nginx              # returns when all members are done
  kubectl manifold explain deploy/nginx                # which policy, who got what and why, what is different where
  kubectl edit propagationpolicy example-policy        # add member3, change the weights
  kubectl explain propagationpolicy.spec.placement
  kubectl get pods -A -o wide; kubectl get nodes       # of all members; with -l cluster=member2, of one
  kubectl logs -f deployment/nginx                     # the pods are played, so their logs are made up
  kubectl exec -it deployment/nginx -- sh              # a shell of this machine, as you
  kubectl top pods; kubectl top nodes                  # 20 seconds after the start
  kill -9 $(cat .demo/members/member1/kube-apiserver.pid)   # a member dies; make demo brings it back

Logs are in .demo/, make demo-down stops everything.
`
