/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/manifold-k8s/manifold/test/apitest"
)

const (
	// placedAnnotation names the placement that a policy has; it is written together with it.
	placedAnnotation = "chaos.test/placement"
	// groupLabel says which policy a template belongs to.
	groupLabel = "chaos.test/group"
)

// user writes to the hub and keeps the books.
type user struct {
	api    *apitest.API
	ledger *ledger
}

// policyOf is the policy of a group of templates.
func policyOf(namespace, group string) item { return item{policies, namespace, group} }

func (u *user) client(i item) (dynamic.ResourceInterface, error) {
	resource := resources[i.kind]
	if i.kind == policies {
		resource = "propagationpolicies.policy.karmada.io"
	}
	return u.api.Objects(resource, i.namespace)
}

// create makes a template of a group, or a policy of which s.value is the placement.
func (u *user) create(ctx context.Context, i item, s state, group string) (bool, error) {
	s.exists = true
	manifest, err := manifestOf(i, s, group)
	if err != nil {
		return false, err
	}
	c := func(before state) (state, bool) { return s, !before.exists }
	return u.ledger.do(i, fmt.Sprintf("create %+v in group %s", s, group), c, func() error {
		client, err := u.client(i)
		if err == nil {
			_, err = client.Create(ctx, manifest, metav1.CreateOptions{})
		}
		return err
	})
}

// scale sets the replicas of a Deployment.
func (u *user) scale(ctx context.Context, i item, n int32) (bool, error) {
	c := func(before state) (state, bool) { before.replicas = n; return before, before.exists }
	return u.patch(ctx, i, fmt.Sprintf("scale to %d", n), c, types.MergePatchType, map[string]any{"spec": map[string]any{"replicas": n}})
}

// set changes the image of a Deployment, or the data of a ConfigMap.
func (u *user) set(ctx context.Context, i item, value string) (bool, error) {
	c := func(before state) (state, bool) { before.value = value; return before, before.exists }
	patch, how := map[string]any{"data": map[string]any{"key": value}}, types.MergePatchType
	if i.kind == deployments {
		pod := map[string]any{"containers": []any{map[string]any{"name": "main", "image": value}}}
		patch, how = map[string]any{"spec": map[string]any{"template": map[string]any{"spec": pod}}}, types.StrategicMergePatchType
	}
	return u.patch(ctx, i, "set "+value, c, how, patch)
}

// move gives a policy another placement, which may take the copies of its members away.
func (u *user) move(ctx context.Context, policy item, next string, members []item) (bool, error) {
	var leaving []string
	for _, s := range u.ledger.possible(policy) {
		for _, m := range leaves(s.value, next) {
			if !slices.Contains(leaving, m) {
				leaving = append(leaving, m)
			}
		}
	}
	for _, i := range members {
		u.ledger.excuse(i, leaving...)
	}
	c := func(before state) (state, bool) { before.value = next; return before, before.exists }
	return u.patch(ctx, policy, "move to "+next, c, types.JSONPatchType, []map[string]any{
		{"op": "replace", "path": "/spec/placement", "value": json.RawMessage(placements[next].spec)},
		{"op": "replace", "path": "/metadata/annotations/chaos.test~1placement", "value": next},
	})
}

func (u *user) patch(ctx context.Context, i item, what string, c change, how types.PatchType, patch any) (bool, error) {
	data, err := json.Marshal(patch)
	if err != nil {
		return false, err
	}
	return u.ledger.do(i, what, c, func() error {
		client, err := u.client(i)
		if err == nil {
			_, err = client.Patch(ctx, i.name, how, data, metav1.PatchOptions{})
		}
		return err
	})
}

// remove deletes a template.
func (u *user) remove(ctx context.Context, i item) (bool, error) {
	u.ledger.excuse(i, both...)
	c := func(before state) (state, bool) { return state{}, before.exists }
	return u.ledger.do(i, "delete", c, func() error {
		client, err := u.client(i)
		if err == nil {
			background := metav1.DeletePropagationBackground
			err = client.Delete(ctx, i.name, metav1.DeleteOptions{PropagationPolicy: &background})
		}
		return err
	})
}

// manifestOf writes an object down.
func manifestOf(i item, s state, group string) (*unstructured.Unstructured, error) {
	meta := map[string]any{"name": i.name, "namespace": i.namespace, "labels": map[string]any{groupLabel: group}}
	o := map[string]any{"apiVersion": "v1", "kind": i.kind, "metadata": meta}
	switch i.kind {
	case configMaps:
		o["data"] = map[string]any{"key": s.value}
	case deployments:
		labels := map[string]any{"app": i.name}
		o["apiVersion"] = "apps/v1"
		o["spec"] = map[string]any{
			"replicas": int64(s.replicas), "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "main", "image": s.value}}},
			},
		}
	case policies:
		var spec map[string]any
		if err := json.Unmarshal([]byte(placements[s.value].spec), &spec); err != nil {
			return nil, fmt.Errorf("placement %s: %w", s.value, err)
		}
		selector := func(version, kind string) map[string]any {
			return map[string]any{"apiVersion": version, "kind": kind, "labelSelector": map[string]any{"matchLabels": map[string]any{groupLabel: i.name}}}
		}
		meta["annotations"] = map[string]any{placedAnnotation: s.value}
		o["apiVersion"] = "policy.karmada.io/v1alpha1"
		o["spec"] = map[string]any{"resourceSelectors": []any{selector("apps/v1", deployments), selector("v1", configMaps)}, "placement": spec}
	}
	return &unstructured.Unstructured{Object: o}, nil
}
