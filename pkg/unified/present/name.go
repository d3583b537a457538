/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package present

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Name is the name on the hub of what is called name in a cluster.
func Name(name, cluster string) string { return name + "." + cluster }

// Split takes a name on the hub apart. It is false for a name without a dot. Whether there is such a cluster is for the
// caller to find out: names of stored objects may have dots, too.
func Split(name string) (own, cluster string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || i == len(name)-1 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

// owned are the kinds that members own, with the API groups that they are in.
var owned = map[string][]string{
	"Pod":                {""},
	"Node":               {""},
	"Event":              {"", "events.k8s.io"},
	"PersistentVolume":   {""},
	"ReplicaSet":         {"apps"},
	"ControllerRevision": {"apps"},
	"EndpointSlice":      {"discovery.k8s.io"},
}

// Owned reports whether members own the objects of a kind. Any version will do, and none: references often lack it, and
// then the kind's name decides.
func Owned(apiVersion, kind string) bool {
	groups, ok := owned[kind]
	if !ok || apiVersion == "" {
		return ok
	}
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return false
	}
	for _, g := range groups {
		if g == gv.Group {
			return true
		}
	}
	return false
}
