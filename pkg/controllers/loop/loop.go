/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package loop is the one shape of a controller: a queue of keys and workers that take one step per key.
package loop

import (
	"context"
	"runtime"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

// Step brings what key names one step closer to what it should be. It reads, decides and writes once. A positive wait
// asks for another call after that long; an error asks for one with back-off.
type Step[K comparable] func(ctx context.Context, key K) (wait time.Duration, err error)

// Config of a Loop.
type Config struct {
	// Name is for logs and queue metrics.
	Name string
	// Unmeasured leaves the loop out of the queue metrics: loops of one name, of which there are many, would overwrite
	// each other's figures, and each costs a goroutine that ticks.
	Unmeasured bool
	// Workers is how many keys are worked on at once; 0 means 1. One key is never worked on twice at the same time.
	Workers int
	// FirstRetry and LastRetry bound the back-off after errors; 0 means 50ms and 30s.
	FirstRetry, LastRetry time.Duration
	// Expected picks errors that are no news for an operator; nil picks none. They are retried like all others, and kept
	// out of the error log.
	Expected func(error) bool
}

// Loop calls its step for every key that is added, until it stays quiet.
type Loop[K comparable] struct {
	cfg   Config
	step  Step[K]
	queue workqueue.TypedRateLimitingInterface[K]
	order *order[K]
}

// New returns a loop that does nothing until Run.
func New[K comparable](cfg Config, step Step[K]) *Loop[K] {
	if cfg.Workers == 0 {
		cfg.Workers = 1
	}
	if cfg.FirstRetry == 0 {
		cfg.FirstRetry = 50 * time.Millisecond
	}
	if cfg.LastRetry == 0 {
		cfg.LastRetry = 30 * time.Second
	}
	line, measured := newOrder[K](), cfg.Name
	if cfg.Unmeasured {
		measured = ""
	}
	return &Loop[K]{cfg: cfg, step: step, order: line, queue: workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[K](cfg.FirstRetry, cfg.LastRetry),
		workqueue.TypedRateLimitingQueueConfig[K]{Name: measured, DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(
			workqueue.TypedDelayingQueueConfig[K]{Name: measured, Queue: workqueue.NewTypedWithConfig(
				workqueue.TypedQueueConfig[K]{Name: measured, Queue: line})})})}
}

// Add asks for a step on key. Keys that wait already are not added twice.
func (l *Loop[K]) Add(key K) {
	l.order.ask(key, true)
	l.queue.Add(key)
}

// AddBacklog asks for a step on key when nothing fresh waits: for what is looked at because everything is, after a start
// or a change that concerns many. What somebody has just changed goes before it.
func (l *Loop[K]) AddBacklog(key K) {
	l.order.ask(key, false)
	l.queue.Add(key)
}

// AddAfter asks for a step on key after d.
func (l *Loop[K]) AddAfter(key K, d time.Duration) { l.queue.AddAfter(key, d) }

// Retry forgets how often key has failed and asks for a step now: what made it fail may have changed.
func (l *Loop[K]) Retry(key K) {
	l.queue.Forget(key)
	l.Add(key)
}

// RetryBacklog is Retry for one of many.
func (l *Loop[K]) RetryBacklog(key K) {
	l.queue.Forget(key)
	l.AddBacklog(key)
}

// Len is how many keys wait.
func (l *Loop[K]) Len() int { return l.queue.Len() }

// Run works until ctx ends and returns when all workers have.
func (l *Loop[K]) Run(ctx context.Context) error {
	ctx = klog.NewContext(ctx, klog.LoggerWithValues(klog.FromContext(ctx), "loop", l.cfg.Name))
	stop := context.AfterFunc(ctx, l.queue.ShutDown)
	defer stop()
	var wg sync.WaitGroup
	for range l.cfg.Workers {
		wg.Go(func() {
			for l.next(ctx) {
			}
		})
	}
	wg.Wait()
	return nil
}

type freshKey struct{}

// Fresh reports, to a step, whether its key was asked for as fresh, not as one of the backlog.
func Fresh(ctx context.Context) bool { return ctx.Value(freshKey{}) != nil }

func (l *Loop[K]) next(ctx context.Context) bool {
	key, shutdown := l.queue.Get()
	if shutdown || ctx.Err() != nil {
		return false
	}
	defer l.queue.Done(key)
	if l.order.take(key) {
		ctx = context.WithValue(ctx, freshKey{}, true)
	} else {
		defer runtime.Gosched() // what is under way for a user goes first
	}
	logger := klog.LoggerWithValues(klog.FromContext(ctx), "key", key)
	wait, err := l.step(klog.NewContext(ctx, logger), key)
	switch {
	case ctx.Err() != nil:
	case apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err):
		// The cache was a moment behind; its next event is on the way.
		logger.V(4).Info("Will retry", "reason", err.Error())
		l.queue.AddRateLimited(key)
	case err != nil && l.cfg.Expected != nil && l.cfg.Expected(err):
		logger.V(2).Info("Step failed, will retry", "reason", err.Error(), "failures", l.queue.NumRequeues(key)+1)
		l.queue.AddRateLimited(key)
	case err != nil:
		logger.Error(err, "Step failed, will retry", "failures", l.queue.NumRequeues(key)+1)
		l.order.ask(key, false) // what fails again and again must not hold up what is new
		l.queue.AddRateLimited(key)
	default:
		l.queue.Forget(key)
		if wait > 0 {
			l.queue.AddAfter(key, wait)
		}
	}
	return true
}
