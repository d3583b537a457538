/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package loop

import (
	"context"
	"sync"

	"k8s.io/klog/v2"
)

// Runner works until its context ends, and returns when it has stopped.
type Runner interface {
	comparable
	Run(ctx context.Context) error
}

// Members is one Runner for each member, which is made when it is first needed. It runs from then on, or from when Run
// begins. Its methods may be called concurrently; the zero value is ready for use.
type Members[R Runner] struct {
	mu  sync.Mutex
	ctx context.Context // of Run; nil before and after
	wg  sync.WaitGroup
	of  map[string]*running[R]
}

type running[R Runner] struct {
	runner R
	stop   context.CancelFunc // nil before Run
}

// Run works until ctx ends, and returns when all runners have stopped.
func (s *Members[R]) Run(ctx context.Context) {
	s.mu.Lock()
	s.ctx = ctx
	for name, r := range s.of {
		s.start(name, r)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.ctx = nil // nothing starts any more
	s.mu.Unlock()
	s.wg.Wait()
}

// start must be called with the lock held and the context set.
func (s *Members[R]) start(name string, r *running[R]) {
	ctx, stop := context.WithCancel(klog.NewContext(s.ctx, klog.LoggerWithValues(klog.FromContext(s.ctx), "member", name)))
	r.stop = stop
	s.wg.Go(func() {
		if err := r.runner.Run(ctx); err != nil {
			klog.FromContext(ctx).Error(err, "Loop of a member ended")
		}
	})
}

// Get returns the runner of a member, if there is one.
func (s *Members[R]) Get(name string) (r R, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.of[name]; have != nil {
		return have.runner, true
	}
	return r, false
}

// Ensure returns the runner of a member. If there is none, it is made by the function, unless that declines. The function is
// called with a lock held and must return at once.
func (s *Members[R]) Ensure(name string, make func() (r R, ok bool)) (r R, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.of[name]; have != nil {
		return have.runner, true
	}
	if r, ok = make(); !ok {
		return r, false
	}
	if s.of == nil {
		s.of = map[string]*running[R]{}
	}
	s.of[name] = &running[R]{runner: r}
	if s.ctx != nil {
		s.start(name, s.of[name])
	}
	return r, true
}

// Drop stops r and forgets it, if it still is the runner of the member. It does not wait.
func (s *Members[R]) Drop(name string, r R) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have := s.of[name]
	if have == nil || have.runner != r {
		return
	}
	if have.stop != nil {
		have.stop()
	}
	delete(s.of, name)
}
