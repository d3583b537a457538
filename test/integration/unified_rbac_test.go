/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/test/apitest"
)

// rights are who may do what in TestRightsOnMembersObjects. $U stands for what tells this test's users from others', $A for
// a namespace, $POD for a pod in it.
const rights = `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewer, namespace: $A}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: $U:viewer}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: editor, namespace: $A}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: $U:editor}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: logs, namespace: $A}
rules: [{apiGroups: [""], resources: [pods, pods/log], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: logs, namespace: $A}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: logs}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: $U:logs}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: one, namespace: $A}
rules: [{apiGroups: [""], resources: [pods], resourceNames: [$POD], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: one, namespace: $A}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: one}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: $U:one}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: $U-everywhere}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: $U:everywhere}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: $U-nodes}
rules: [{apiGroups: [""], resources: [nodes], verbs: [get, list, watch, patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: $U-nodes}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: $U-nodes}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: $U:nodes}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: $U-member1}
rules: [{apiGroups: [cluster.karmada.io], resources: [clusters/proxy], resourceNames: [member1], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: $U-member1}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: $U-member1}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: $U:member1}]
`

// What somebody may do with the members' objects is what the hub's RBAC says about the hub's namespaces. Each row is a
// request: 403 means that it is refused, anything else that it was let through, to the end or until the member had
// something to say about it.
func TestRightsOnMembersObjects(t *testing.T) {
	t.Parallel()
	a, b := namespace(t), namespace(t)
	pod, theirs := podOn(t, a, "member1"), podOn(t, b, "member1")
	u := unique("user")
	fill := strings.NewReplacer("$U", u, "$A", a, "$B", b, "$POD", pod, "$THEIRS", theirs)
	hub.Create(t, "", fill.Replace(rights))

	const node = "/api/v1/nodes/member1-node1.member1"
	const proxy = "/apis/cluster.karmada.io/v1alpha1/clusters/"
	exec := "/exec?command=true&stdout=true&container=main"
	for _, tc := range []struct {
		user, method, path string
		want               int
	}{
		{"viewer", "GET", "/api/v1/namespaces/$A/pods", 200},
		{"viewer", "GET", "/api/v1/namespaces/$B/pods", 403},
		{"viewer", "GET", "/api/v1/pods", 403},
		{"viewer", "GET", "/api/v1/pods?fieldSelector=metadata.namespace=$A", 403},
		{"viewer", "GET", "/api/v1/namespaces/$A/pods/$POD", 200},
		{"viewer", "GET", "/api/v1/namespaces/$B/pods/$THEIRS", 403},
		{"viewer", "GET", "/api/v1/namespaces/$A/pods/$THEIRS", 404},
		{"viewer", "GET", "/api/v1/namespaces/$A/pods/$POD/log", 200},
		{"viewer", "GET", "/api/v1/namespaces/$B/pods/$THEIRS/log", 403},
		{"viewer", "POST", "/api/v1/namespaces/$A/pods/$POD" + exec, 403},
		{"viewer", "GET", "/api/v1/namespaces/$A/pods/$POD" + exec, 403},
		{"viewer", "DELETE", "/api/v1/namespaces/$A/pods/$POD?dryRun=All", 403},
		{"viewer", "GET", "/api/v1/namespaces/$A/events", 200},
		{"viewer", "GET", "/apis/apps/v1/namespaces/$A/replicasets", 200},
		{"viewer", "GET", "/api/v1/nodes", 403},
		{"viewer", "GET", "/api/v1/namespaces/$A/secrets", 403},
		{"editor", "POST", "/api/v1/namespaces/$A/pods/$POD" + exec, 400}, // no upgrade was asked for
		{"editor", "POST", "/api/v1/namespaces/$B/pods/$THEIRS" + exec, 403},
		{"editor", "POST", "/api/v1/namespaces/$A/pods/$POD/portforward", 400},
		{"editor", "PATCH", "/api/v1/namespaces/$A/pods/$POD?dryRun=All", 200},
		{"editor", "DELETE", "/api/v1/namespaces/$A/pods/$POD?dryRun=All", 200},
		{"editor", "DELETE", "/api/v1/namespaces/$B/pods/$THEIRS?dryRun=All", 403},
		{"editor", "PATCH", node + "?dryRun=All", 403},
		{"logs", "GET", "/api/v1/namespaces/$A/pods/$POD", 200},
		{"logs", "GET", "/api/v1/namespaces/$A/pods/$POD/log", 200},
		{"logs", "GET", "/api/v1/namespaces/$A/pods", 403},
		{"logs", "POST", "/api/v1/namespaces/$A/pods/$POD" + exec, 403},
		{"one", "GET", "/api/v1/namespaces/$A/pods/$POD", 200},
		{"one", "GET", "/api/v1/namespaces/$A/pods/" + strings.TrimSuffix(pod, "1") + "2", 403}, // another cluster's
		{"one", "GET", "/api/v1/namespaces/$A/pods/$POD/log", 403},
		{"everywhere", "GET", "/api/v1/pods?labelSelector=cluster=member2", 200},
		{"everywhere", "GET", "/api/v1/namespaces/$B/pods/$THEIRS", 200},
		{"everywhere", "GET", "/api/v1/nodes", 403},
		{"everywhere", "DELETE", "/api/v1/namespaces/$B/pods/$THEIRS?dryRun=All", 403},
		{"nodes", "GET", "/api/v1/nodes", 200},
		{"nodes", "PATCH", node + "?dryRun=All", 200},
		{"nodes", "DELETE", node + "?dryRun=All", 403},
		{"nodes", "GET", "/api/v1/pods", 403},
		{"member1", "GET", proxy + "member1/proxy/version", 200},
		{"member1", "GET", proxy + "member1/proxy/api/v1/namespaces/$A/pods", 403}, // by the member, where the user has no rights
		{"member1", "POST", proxy + "member1/proxy/api/v1/namespaces", 403},
		{"member1", "GET", proxy + "member2/proxy/version", 403},
		{"member1", "GET", proxy + "*/proxy/version", 403},
		{"member1", "GET", "/api/v1/namespaces/$A/pods", 403},
		{"nobody", "GET", "/api/v1/namespaces/$A/pods/$POD", 403},
		{"nobody", "GET", proxy + "member1/proxy/version", 403},
	} {
		path := fill.Replace(tc.path)
		t.Run(fmt.Sprintf("%s %s %s", tc.user, tc.method, tc.path), func(t *testing.T) {
			apitest.Eventually(t, func() error { // rights need a moment to be known, in the member the more so
				if got, said := ask(t, u+":"+tc.user, tc.method, path); got != tc.want {
					return fmt.Errorf("%d, want %d: %s", got, tc.want, said)
				}
				return nil
			})
		})
	}
}

// ask sends a request in the name of a user and returns the status and the answer.
func ask(t *testing.T, user, method, path string) (int, string) {
	t.Helper()
	cfg := rest.CopyConfig(hub.Config)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := client.Discovery().RESTClient().Verb(method).RequestURI(path)
	switch method {
	case http.MethodPatch:
		r.SetHeader("Content-Type", string(types.MergePatchType)).Body([]byte(`{"metadata":{"labels":{"checked":"yes"}}}`))
	case http.MethodPost:
		r.SetHeader("Content-Type", "application/json").Body([]byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"made"}}`))
	}
	var code int
	result := r.Do(t.Context()).StatusCode(&code)
	body, err := result.Raw()
	if err != nil {
		return code, err.Error()
	}
	return code, string(body)
}

// podOn propagates a Deployment of one replica to a member and returns the name that its pod has on the hub when it runs.
func podOn(t *testing.T, ns, cluster string) (name string) {
	t.Helper()
	hub.Create(t, ns, docs(deployment("web", 1), policy("p", all("Deployment"), on(cluster))))
	apitest.Eventually(t, func() error {
		pods, err := memberPods(t.Context(), cluster, ns)
		if err != nil {
			return err
		}
		if len(pods) != 1 {
			return fmt.Errorf("%d pods run", len(pods))
		}
		name = pods[0] + "." + cluster
		return nil
	})
	return name
}

// memberPods are the names of the pods that run in a namespace of a member, as the member has them.
func memberPods(ctx context.Context, cluster, ns string) (names []string, err error) {
	for _, m := range fleet {
		if m.Name != cluster {
			continue
		}
		list, err := m.Kube.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{FieldSelector: "status.phase=Running"})
		if err != nil {
			return nil, err
		}
		for _, p := range list.Items {
			names = append(names, p.Name)
		}
	}
	return names, nil
}
