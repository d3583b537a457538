/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The plugin is small and starts at once only as long as it links nothing of the server.
func TestDoesNotLinkTheServer(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	forbidden := map[string]string{ // prefix of an import path, and why
		"k8s.io/kubernetes/":                                "it is the server's side of Kubernetes",
		"k8s.io/apiserver/":                                 "it is the server's side of Kubernetes",
		"go.etcd.io/etcd/":                                  "only the server has a store",
		"github.com/manifold-k8s/manifold/pkg/native":       "it links k8s.io/kubernetes",
		"github.com/manifold-k8s/manifold/pkg/server":       "it is the server",
		"github.com/manifold-k8s/manifold/pkg/registry":     "it is the server's storage",
		"github.com/manifold-k8s/manifold/pkg/controllers/": "what they do happens on the hub",
	}
	found := false
	for path := range strings.FieldsSeq(string(out)) {
		found = found || path == "github.com/manifold-k8s/manifold/pkg/cli"
		for prefix, why := range forbidden {
			if strings.HasPrefix(path, prefix) {
				t.Errorf("links %s, but %s", path, why)
			}
		}
	}
	if !found {
		t.Errorf("the list of packages lacks the commands:\n%s", out)
	}
}
