/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	firstImage  = "registry.example.com/web:1.0"
	secondImage = "registry.example.com/web:1.1"
	thirdImage  = "registry.example.com/web:1.2"
)

// deployment is of the size that people write: a label or two, a port, resources, a probe.
func deployment(name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "bench"}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name:  "web",
					Image: firstImage,
					Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
					Env:   []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}},
				}}},
			},
		},
	}
}

func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s-%05d", prefix, i)
	}
	return out
}

func (b *bench) create(ctx context.Context, name string) error {
	_, err := b.hub.client.AppsV1().Deployments(namespace).Create(ctx, deployment(name, int32(b.replicas)), metav1.CreateOptions{})
	return err
}

func (b *bench) setImage(ctx context.Context, name string) error {
	return b.setImageTo(ctx, name, secondImage)
}

func (b *bench) setImageTo(ctx context.Context, name, image string) error {
	patch := `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"` + image + `"}]}}}}`
	_, err := b.hub.client.AppsV1().Deployments(namespace).Patch(ctx, name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

func (b *bench) delete(ctx context.Context, name string) error {
	return b.hub.client.AppsV1().Deployments(namespace).Delete(ctx, name, metav1.DeleteOptions{})
}

// each calls f for all names, by as many workers as the settings say. A request that the hub could not answer in time is
// repeated, as any client does; the report says how many there were.
func (b *bench) each(ctx context.Context, names []string, f func(context.Context, string) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(b.workers)
	var done, repeated atomic.Int64
	for _, name := range names {
		g.Go(func() error {
			n, err := insist(ctx, func() error { return f(ctx, name) })
			repeated.Add(n)
			if err == nil {
				done.Add(1)
			}
			return err
		})
	}
	err := g.Wait()
	if n := repeated.Load(); n > 0 {
		b.report.Notes = append(b.report.Notes, fmt.Sprintf("%d of %d requests had to be repeated: the hub did not answer in time", n, len(names)))
	}
	if err != nil {
		return fmt.Errorf("after %d of %d: %w", done.Load(), len(names), err)
	}
	return nil
}

// insist calls f until it succeeds, fails for good or has failed too often, and returns how often it was called again. After
// an answer that did not come in time the request may have had its effect.
func insist(ctx context.Context, f func() error) (repeated int64, err error) {
	const most, between = 10, 500 * time.Millisecond
	for ; ; repeated++ {
		err = f()
		switch {
		case err == nil, repeated > 0 && (apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)):
			return repeated, nil
		case repeated == most, !late(err):
			return repeated, err
		}
		if err := pause(ctx, between); err != nil {
			return repeated, err
		}
	}
}

// late reports whether an error says that the answer did not come in time, and nothing about the request.
func late(err error) bool {
	return apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.ReasonForError(err) == metav1.StatusReasonUnknown && strings.Contains(err.Error(), "request timed out") // of the store
}

// settlePatience is how long the hub may go on writing when nothing is asked of it any more.
const settlePatience = 2 * time.Minute

// settle returns when the hub has written no more than at rest for as long as the settings say.
func (b *bench) settle(ctx context.Context) error {
	const parts, perSecond = 3, 3 // looks, writes
	part := b.calm / parts
	last, err := b.hub.read(ctx)
	if err != nil {
		return err
	}
	for still, begin := 0, time.Now(); still < parts; {
		if time.Since(begin) > settlePatience {
			return fmt.Errorf("the hub still writes after %v in which nothing was asked of it", settlePatience)
		}
		if err := pause(ctx, part); err != nil {
			return err
		}
		now, err := b.hub.read(ctx)
		if err != nil {
			return err
		}
		still++
		if float64(now.revision-last.revision) > (perSecond+b.idleWrites)*part.Seconds() {
			still = 0
		}
		last = now
	}
	return nil
}

// cost is what the hub spent between two readings, without what it spends at rest, per Deployment.
func (b *bench) cost(from, to reading, items int) (cpu time.Duration, writes float64) {
	seconds := to.at.Sub(from.at).Seconds()
	used := to.cpu - from.cpu - time.Duration(b.idleCPU*seconds*float64(time.Second))
	return used / time.Duration(items), (float64(to.revision-from.revision) - b.idleWrites*seconds) / float64(items)
}
