/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

// The three operations of JSON Patch (RFC 6902) that overrides use, on decoded documents. Unlike a patch library they
// need no detour over text, and keep the number types that the API machinery expects. Like the library that Kubernetes
// uses, they take a negative index as counted from the end.

var (
	errNotFound  = errors.New("no such field or element")
	errWhole     = errors.New("the whole document cannot be patched")
	errScalar    = errors.New("a parent is neither object nor list")
	unescapeStep = strings.NewReplacer("~1", "/", "~0", "~")
)

// patch applies one operation to doc and returns the outcome. It changes doc in place, also when it fails. The empty
// pointer, which names doc itself, is an error.
func patch(doc any, op policyv1alpha1.OverriderOperator, pointer string, value any) (any, error) {
	steps, err := parsePointer(pointer)
	if err != nil {
		return nil, err
	}
	switch op {
	case policyv1alpha1.OverriderOpAdd, policyv1alpha1.OverriderOpRemove, policyv1alpha1.OverriderOpReplace:
	default:
		return nil, fmt.Errorf("unknown operator %q", op)
	}
	out, err := edit(doc, op, steps, value)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", op, pointer, err)
	}
	return out, nil
}

// parsePointer takes a JSON pointer (RFC 6901) apart.
func parsePointer(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, errWhole
	}
	if pointer[0] != '/' {
		return nil, fmt.Errorf("path %q does not begin with a slash", pointer)
	}
	steps := strings.Split(pointer[1:], "/")
	for i, s := range steps {
		if strings.Contains(s, "~") {
			steps[i] = unescapeStep.Replace(s)
		}
	}
	return steps, nil
}

// edit returns node with the operation done at the end of the steps, of which there is at least one.
func edit(node any, op policyv1alpha1.OverriderOperator, steps []string, value any) (any, error) {
	switch n := node.(type) {
	case map[string]any:
		return n, editObject(n, op, steps, value)
	case []any:
		return editList(n, op, steps, value)
	}
	return nil, errScalar
}

func editObject(m map[string]any, op policyv1alpha1.OverriderOperator, steps []string, value any) error {
	key := steps[0]
	old, exists := m[key]
	last := len(steps) == 1
	if !exists && !(last && op == policyv1alpha1.OverriderOpAdd) {
		return errNotFound
	}
	switch {
	case !last:
		inner, err := edit(old, op, steps[1:], value)
		if err != nil {
			return err
		}
		m[key] = inner
	case op == policyv1alpha1.OverriderOpRemove:
		delete(m, key)
	default:
		m[key] = value
	}
	return nil
}

func editList(list []any, op policyv1alpha1.OverriderOperator, steps []string, value any) ([]any, error) {
	last := len(steps) == 1
	size := len(list)
	if last && op == policyv1alpha1.OverriderOpAdd {
		if steps[0] == "-" {
			return append(list, value), nil
		}
		size++ // an element may be inserted behind the last one
	}
	i, err := index(steps[0], size)
	if err != nil {
		return nil, err
	}
	switch {
	case !last:
		inner, err := edit(list[i], op, steps[1:], value)
		if err != nil {
			return nil, err
		}
		list[i] = inner
	case op == policyv1alpha1.OverriderOpAdd:
		list = slices.Insert(list, i, value)
	case op == policyv1alpha1.OverriderOpRemove:
		list = slices.Delete(list, i, i+1)
	default:
		list[i] = value
	}
	return list, nil
}

// index reads a step into a list of the given size.
func index(step string, size int) (int, error) {
	i, err := strconv.Atoi(step)
	if err != nil {
		return 0, fmt.Errorf("%q is no index: %w", step, errNotFound)
	}
	if i < 0 {
		i += size
	}
	if i < 0 || i >= size {
		return 0, errNotFound
	}
	return i, nil
}

// lookup reads the value at pointer.
func lookup(doc any, pointer string) (any, error) {
	steps, err := parsePointer(pointer)
	if err != nil {
		return nil, err
	}
	for _, step := range steps {
		switch n := doc.(type) {
		case map[string]any:
			inner, exists := n[step]
			if !exists {
				return nil, fmt.Errorf("read %s: %w", pointer, errNotFound)
			}
			doc = inner
		case []any:
			i, err := index(step, len(n))
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", pointer, err)
			}
			doc = n[i]
		default:
			return nil, fmt.Errorf("read %s: %w", pointer, errScalar)
		}
	}
	return doc, nil
}

// lookupString reads the text at pointer.
func lookupString(doc any, pointer string) (string, error) {
	v, err := lookup(doc, pointer)
	if err != nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("read %s: no text but %T", pointer, v)
	}
	return s, nil
}
