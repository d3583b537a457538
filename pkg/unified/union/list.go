/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	kruntime "k8s.io/apimachinery/pkg/runtime"
)

// List returns the selected objects, sorted by namespace and name, and what is not up to date about them, sorted by cluster.
// It waits, at most for Config.Patience, for members of which nothing is known yet. limit, continue, resourceVersion and
// resourceVersionMatch mean what they mean in Kubernetes; the selectors in opts are not looked at, those of sel are.
func (u *Union) List(ctx context.Context, namespace string, sel Selection, opts *internalversion.ListOptions) (kruntime.Object, []Lag, error) {
	page, err := u.parsePage(opts)
	if err != nil {
		return nil, nil, err
	}
	lags, err := u.await(ctx, sel, opts.ResourceVersion != "0")
	if err != nil {
		return nil, nil, err
	}
	from, err := u.snapshot(page)
	if err != nil {
		return nil, nil, err
	}
	objects, rest, err := u.collect(ctx, from, scope{namespace, sel}, page)
	if err != nil {
		return nil, nil, err
	}
	list := u.cfg.NewList()
	if err := meta.SetList(list, objects); err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", u.cfg.Resource.Resource, err)
	}
	m, err := meta.ListAccessor(list)
	if err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", u.cfg.Resource.Resource, err)
	}
	m.SetResourceVersion(strconv.FormatInt(from.number, 10))
	if rest != nil {
		u.keep(from)
		m.SetContinue(rest.token)
		m.SetRemainingItemCount(rest.count)
	}
	return list, lags, nil
}

// rest is what a page leaves to the next.
type rest struct {
	token string
	count *int64 // nil: not known
}

// collect decodes the objects of a page.
func (u *Union) collect(ctx context.Context, from snapshot, in scope, p page) ([]kruntime.Object, *rest, error) {
	var objects []kruntime.Object
	start := p.start
	for {
		candidates, more := from.records(in, start, p.chunk(in.everything(), len(objects)))
		if err := ctx.Err(); err != nil {
			return nil, nil, apierrors.NewTimeoutError("the request ended before the list was complete: "+err.Error(), 1)
		}
		found, err := u.decodeAll(candidates, in)
		if err != nil {
			return nil, nil, err
		}
		for i, obj := range found {
			if obj == nil {
				continue
			}
			objects = append(objects, obj)
			if p.limit > 0 && len(objects) == p.limit && (more || i < len(found)-1) {
				rest, err := p.rest(from, in, candidates[i])
				return objects, rest, err
			}
		}
		if !more {
			return objects, nil, nil
		}
		start = candidates[len(candidates)-1].after()
	}
}

// decodeAll decodes records on all processors. What is not selected is nil.
func (u *Union) decodeAll(records []*record, in scope) ([]kruntime.Object, error) {
	const batch = 32 // records taken at a time: little enough that no processor waits long for another at the end
	out := make([]kruntime.Object, len(records))
	workers := min(runtime.GOMAXPROCS(0), (len(records)+batch-1)/batch)
	errs := make([]error, workers)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for errs[w] == nil {
				end := int(taken.Add(batch))
				for i := end - batch; i < min(end, len(records)) && errs[w] == nil; i++ {
					out[i], errs[w] = u.decodeSelected(records[i], in)
				}
				if end >= len(records) {
					return
				}
			}
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// decodeSelected decodes a record that the scope holds; it returns nil if the object is not selected.
func (u *Union) decodeSelected(r *record, in scope) (kruntime.Object, error) {
	obj, err := u.decode(r)
	if err != nil || in.everything() {
		return obj, err
	}
	l, f, err := u.cfg.Attributes(obj)
	if err != nil {
		return nil, fmt.Errorf("labels and fields of %s %s/%s: %w", u.cfg.Resource.Resource, r.namespace, r.name, err)
	}
	if !in.matches(l, f) {
		return nil, nil
	}
	return obj, nil
}
