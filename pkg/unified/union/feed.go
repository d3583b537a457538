/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/watchlist"
	"k8s.io/klog/v2"
)

// feed fills a part from one source, until the source is another one. It is the store of a reflector, and stands between the
// reflector and the source, to see what becomes of the requests.
type feed struct {
	u       *Union
	cluster string
	poke    chan struct{} // tells attend that the state of the part has changed
	came    atomic.Int64  // when the latest object of a list that is being streamed came, in nanoseconds since 1970; 0: none has

	mu        sync.Mutex
	cancel    context.CancelFunc             // guarded by mu; nil before it runs
	stopped   bool                           // guarded by mu
	source    cache.ListerWatcherWithContext // guarded by mu; nil before there is one
	began     time.Time                      // guarded by mu; when the latest attempt to reach the source began
	streaming bool                           // guarded by mu; a list is being streamed by a watch that goes on after it
	absent    bool                           // guarded by mu; the source does not have the resource
}

// begins notes what ends it. It reports whether the feed is to run at all.
func (f *feed) begins(cancel context.CancelFunc) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cancel = cancel
	return !f.stopped
}

// stop ends the feed soon.
func (f *feed) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	if f.cancel != nil {
		f.cancel()
	}
}

// follow lists and watches until ctx ends.
func (f *feed) follow(ctx context.Context) {
	logger := klog.FromContext(ctx)
	var reflector *cache.Reflector
	delay := f.u.backoff().DelayWithReset(f.u.cfg.Clock, 2*time.Minute)
	//nolint:errcheck // it returns what ended it: ctx
	_ = delay.Until(ctx, true, true, func(ctx context.Context) (bool, error) {
		began := f.begin()
		if reflector == nil {
			source, err := f.open()
			if err != nil {
				f.u.attempted(f, began)
				logger.V(2).Info("No way to the objects of the cluster", "cluster", f.cluster, "resource", f.u.cfg.Resource, "err", err)
				return false, nil
			}
			reflector = f.reflector(logger, source)
		}
		if err := reflector.ListAndWatchWithContext(ctx); err != nil && ctx.Err() == nil {
			logger.V(2).Info("Cannot follow the objects of the cluster", "cluster", f.cluster, "resource", f.u.cfg.Resource, "err", err)
			reflector = nil // the way there may be another one next time
		}
		return false, nil
	})
}

func (u *Union) backoff() *wait.Backoff {
	return &wait.Backoff{Duration: u.pace.retry, Cap: u.pace.retryMost, Factor: 2, Jitter: 0.5, Steps: 10}
}

func (f *feed) open() (cache.ListerWatcherWithContext, error) {
	source := f.u.cfg.Stored
	if f.cluster != Hub {
		var err error
		if source, err = f.u.cfg.Member(f.cluster); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.source = cache.ToListerWatcherWithContext(source)
	return f.source, nil
}

func (f *feed) reflector(logger klog.Logger, source cache.ListerWatcherWithContext) *cache.Reflector {
	name := fmt.Sprintf("%s of %s", f.u.cfg.Resource.Resource, f.cluster)
	observed := &observed{ListWatch: &cache.ListWatch{}, streams: !watchlist.DoesClientNotSupportWatchListSemantics(source)}
	observed.ListWithContextFunc = func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return f.list(ctx, source, o) }
	observed.WatchFuncWithContext = func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
		return f.watch(ctx, source, o)
	}
	// The example may be a nil interface, which means any type.
	return cache.NewReflectorWithOptions(observed, f.u.cfg.Example, store{f}, cache.ReflectorOptions{
		Name: name, Logger: &logger, Clock: f.u.cfg.Clock, Backoff: f.u.backoff(),
	})
}

// observed is what the reflector sees of a source.
type observed struct {
	*cache.ListWatch
	streams bool
}

// IsWatchListSemanticsUnSupported says whether lists can be streamed, as the source has it.
func (o *observed) IsWatchListSemanticsUnSupported() bool { return !o.streams }

// begin notes that the source is to be reached.
func (f *feed) begin() time.Time {
	now := f.u.cfg.Clock.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.began = now
	return now
}

// list passes a list request on. A resource that is not there is an empty list, unless there have been objects of it: then
// it is more likely that something in front of the source answers in its place.
func (f *feed) list(ctx context.Context, source cache.ListerWithContext, o metav1.ListOptions) (runtime.Object, error) {
	began := f.begin()
	list, err := source.ListWithContext(ctx, o)
	absent := apierrors.IsNotFound(err) && f.u.holdsNothing(f.cluster)
	f.mu.Lock()
	f.streaming, f.absent = false, absent
	f.mu.Unlock()
	switch {
	case absent:
		return &metav1.List{}, nil
	case err != nil && ctx.Err() == nil && !outdated(err):
		f.u.attempted(f, began)
	}
	return list, err
}

// outdated reports whether an error only says that a resource version is not the right one.
func outdated(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || storage.IsTooLargeResourceVersion(err)
}

// watch passes a watch request on. A resource that is not there does not change for a while; then it is listed again.
func (f *feed) watch(ctx context.Context, source cache.WatcherWithContext, o metav1.ListOptions) (watch.Interface, error) {
	began := f.begin()
	streamed := o.SendInitialEvents != nil && *o.SendInitialEvents
	f.mu.Lock()
	absent := f.absent && !streamed
	f.mu.Unlock()
	if absent {
		f.u.opened(f, false)
		return f.nothing(ctx), nil
	}
	w, err := source.WatchWithContext(ctx, o)
	switch {
	case err == nil:
		f.mu.Lock()
		f.streaming, f.absent = streamed, false
		f.mu.Unlock()
		f.u.opened(f, streamed)
	case ctx.Err() == nil && !outdated(err) && !apierrors.IsNotFound(err) && !(streamed && refused(err)):
		f.u.attempted(f, began)
	}
	return w, err
}

// refused reports whether a server does not want a request as it is. Then the reflector lists in another way.
func refused(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	code := status.Status().Code
	return code >= http.StatusBadRequest && code < http.StatusInternalServerError && code != http.StatusTooManyRequests
}

// nothing is a watch without events, which ends with the demand to list again.
func (f *feed) nothing(ctx context.Context) watch.Interface {
	events := make(chan watch.Event, 1)
	w := watch.NewProxyWatcher(events)
	timer := f.u.cfg.Clock.NewTimer(f.u.pace.absent)
	go func() {
		defer timer.Stop()
		select {
		case <-timer.C():
			events <- watch.Event{Type: watch.Error, Object: &apierrors.NewResourceExpired("the resource is looked for again").ErrStatus}
		case <-w.StopChan():
		case <-ctx.Done():
		}
	}()
	return w
}

// encode makes a record of an object of the source, if it is none yet.
func (f *feed) encode(object any) (*record, error) {
	if r, done := object.(*record); done {
		return r, nil
	}
	obj, ok := object.(runtime.Object)
	if !ok {
		return nil, fmt.Errorf("%T is no API object", object)
	}
	m, err := meta.Accessor(obj)
	if err != nil {
		return nil, err
	}
	if f.cluster != Hub {
		if err := f.u.cfg.Present(f.cluster, obj); err != nil {
			return nil, fmt.Errorf("present %s/%s of cluster %s: %w", m.GetNamespace(), m.GetName(), f.cluster, err)
		}
		m.SetManagedFields(nil) // they say who owns what in the member, and are half of the object
	}
	data, err := f.u.cfg.Codec.Encode(obj)
	if err != nil {
		return nil, fmt.Errorf("encode %s/%s of cluster %s: %w", m.GetNamespace(), m.GetName(), f.cluster, err)
	}
	if cap(data) > len(data)+len(data)/8 {
		data = bytes.Clone(data) // it is kept for long
	}
	return &record{
		// The many objects of a namespace share its name.
		key:     key{unique.Make(m.GetNamespace()).Value(), m.GetName()},
		cluster: f.cluster, uid: string(m.GetUID()), own: m.GetResourceVersion(), data: data,
	}, nil
}
