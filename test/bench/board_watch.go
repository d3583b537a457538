/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/manifold-k8s/manifold/test/simulated"
)

// sheet is a reflector's store that keeps nothing but what goes to the board: the machine is shared with what is measured.
type sheet struct {
	board   *board
	cluster string
	begun   chan struct{} // closed when all that is there is known
	once    sync.Once
	known   map[string]struct{} // names; only the reflector's goroutine uses it
}

func (s *sheet) Add(obj any) error {
	d, ok := obj.(*appsv1.Deployment)
	if !ok {
		return fmt.Errorf("a %T is no Deployment", obj)
	}
	s.known[d.Name] = struct{}{}
	s.board.put(place{s.cluster, d.Name}, see(d), time.Now())
	return nil
}

func (s *sheet) Update(obj any) error { return s.Add(obj) }

func (s *sheet) Delete(obj any) error {
	d, ok := obj.(*appsv1.Deployment)
	if !ok {
		return fmt.Errorf("a %T is no Deployment", obj)
	}
	delete(s.known, d.Name)
	s.board.put(place{s.cluster, d.Name}, nil, time.Now())
	return nil
}

func (s *sheet) Replace(objs []any, _ string) error {
	before := s.known
	s.known = make(map[string]struct{}, len(objs))
	for _, obj := range objs {
		if err := s.Add(obj); err != nil {
			return err
		}
	}
	for name := range before {
		if _, still := s.known[name]; !still {
			s.board.put(place{s.cluster, name}, nil, time.Now())
		}
	}
	s.once.Do(func() { close(s.begun) })
	return nil
}

func (s *sheet) Resync() error { return nil }

// follow makes the board see the Deployments of a cluster, until the bench is closed.
func (b *bench) follow(ctx context.Context, cluster string, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(cheap(config))
	if err != nil {
		return err
	}
	deployments := client.AppsV1().Deployments(namespace)
	s := &sheet{board: b.board, cluster: cluster, begun: make(chan struct{}), known: map[string]struct{}{}}
	r := cache.NewReflectorWithOptions(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return deployments.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return deployments.Watch(ctx, o)
		},
	}, &appsv1.Deployment{}, s, cache.ReflectorOptions{})
	b.background.Go(func() { r.RunWithContext(b.watching) })
	select {
	case <-s.begun:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the watch of %s has not begun", cluster)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cheap is the configuration with what costs both ends the least.
func cheap(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.QPS = -1 // no limit
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return config
}

// seenIn takes in what a simulated member reports.
func (b *board) seenIn(s simulated.Sighting) {
	if s.Namespace != namespace {
		return
	}
	p := place{s.Member, s.Name}
	if s.Gone {
		b.put(p, nil, s.At)
		return
	}
	b.put(p, &sighting{uid: s.UID, version: s.Version, image: s.Image, available: s.Available}, s.At)
}
