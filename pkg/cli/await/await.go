/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package await follows one object of an API server until it is as wanted.
package await

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
)

// rewatchDelay is the pause after a watch that the server has closed, so that one that closes every watch at once is not
// flooded.
const rewatchDelay = 200 * time.Millisecond

// Client reads and watches objects of type T; every typed client does.
type Client[T metav1.Object] interface {
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
	Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)
}

// Until calls done with the object of that name as it is now and after each change, until done returns true or an error,
// or ctx ends; its cause is then the error. While the object does not exist, done gets false and a T that says nothing.
func Until[T metav1.Object](ctx context.Context, c Client[T], name string, done func(obj T, exists bool) (bool, error)) error {
	for {
		obj, err := c.Get(ctx, name, metav1.GetOptions{})
		exists := !apierrors.IsNotFound(err)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case exists && err != nil:
			return fmt.Errorf("read %s: %w", name, err)
		}
		if ok, err := done(obj, exists); ok || err != nil {
			return err
		}
		opts := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()}
		if exists {
			opts.ResourceVersion = obj.GetResourceVersion()
		}
		if ok, err := follow(ctx, c, opts, done); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(rewatchDelay):
		}
	}
}

// follow watches until done is satisfied or the watch ends, in which case it returns false.
func follow[T metav1.Object](ctx context.Context, c Client[T], opts metav1.ListOptions, done func(T, bool) (bool, error)) (bool, error) {
	w, err := c.Watch(ctx, opts)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return false, nil // read it anew
	}
	if err != nil {
		return false, fmt.Errorf("watch: %w", err)
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case event, open := <-w.ResultChan():
			obj, is := event.Object.(T)
			if !open || !is { // an event that is no object is an error or a bookmark of the watch itself
				return false, nil
			}
			if ok, err := done(obj, event.Type != watch.Deleted); ok || err != nil {
				return ok, err
			}
		}
	}
}
