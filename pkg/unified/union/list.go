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
	found, lags, err := u.find(ctx, scope{namespace, sel}, opts, true)
	if err != nil {
		return nil, nil, err
	}
	list := u.cfg.NewList()
	if err := meta.SetList(list, found.objects); err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", u.cfg.Resource.Resource, err)
	}
	m, err := meta.ListAccessor(list)
	if err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", u.cfg.Resource.Resource, err)
	}
	m.SetResourceVersion(strconv.FormatInt(found.from.number, 10))
	if found.rest != nil {
		m.SetContinue(found.rest.token)
		m.SetRemainingItemCount(found.rest.count)
	}
	return list, lags, nil
}

// found is the answer to a list.
type found struct {
	from    snapshot
	records []*record
	objects []kruntime.Object // the records, decoded; empty if they need not be
	rest    *rest             // nil: nothing
}

// find does what List says. Records are decoded if that is asked for, or to see whether they are selected.
func (u *Union) find(ctx context.Context, in scope, opts *internalversion.ListOptions, decode bool) (f found, lags []Lag, err error) {
	page, err := u.parsePage(opts)
	if err != nil {
		return f, nil, err
	}
	if err = u.begin(in.Selection); err != nil {
		return f, nil, err
	}
	defer u.end()
	if lags, err = u.await(ctx, in.Selection, opts.ResourceVersion != "0"); err != nil {
		return f, nil, err
	}
	if f.from, err = u.snapshot(page); err != nil {
		return f, nil, err
	}
	if err = u.collect(ctx, &f, in, page, decode || !in.everything()); err != nil {
		return f, nil, err
	}
	if f.rest != nil {
		u.keep(f.from)
	}
	return f, lags, nil
}

// rest is what a page leaves to the next.
type rest struct {
	token string
	count *int64 // nil: not known
}

// collect finds the objects of a page.
func (u *Union) collect(ctx context.Context, f *found, in scope, p page, decode bool) (err error) {
	start := p.start
	for {
		candidates, more := f.from.records(in, start, p.chunk(in.everything(), len(f.records)))
		if err := ctx.Err(); err != nil {
			return apierrors.NewTimeoutError("the request ended before the list was complete: "+err.Error(), 1)
		}
		var objects []kruntime.Object
		if decode {
			if objects, err = u.decodeAll(candidates, in); err != nil {
				return err
			}
		}
		for i, r := range candidates {
			if decode && objects[i] == nil {
				continue
			}
			f.records = append(f.records, r)
			if decode {
				f.objects = append(f.objects, objects[i])
			}
			if p.limit > 0 && len(f.records) == p.limit && (more || i < len(candidates)-1) {
				f.rest, err = p.rest(f.from, in, r)
				return err
			}
		}
		if !more {
			return nil
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

// decodeSelected returns the object of a record that the scope holds; nil if the object is not selected.
func (u *Union) decodeSelected(r *record, in scope) (kruntime.Object, error) {
	shown, err := u.show(r)
	if err != nil {
		return nil, err
	}
	if in.everything() {
		return shown.object, nil
	}
	l, f, err := u.attributes(shown)
	if err != nil {
		return nil, fmt.Errorf("labels and fields of %s %s/%s: %w", u.cfg.Resource.Resource, r.namespace, r.name, err)
	}
	if !in.matches(l, f) {
		return nil, nil
	}
	return shown.object, nil
}
