/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// storePrefix is where the hub keeps its objects in the store.
const storePrefix = "/manifold/"

// change is one write to the hub's store.
type change struct {
	at     time.Time // when it was seen, which for history is later
	key    string    // without the prefix
	verb   string
	before []byte
	value  []byte
}

// changes calls f for every write from the given revision on, in order. It ends after the revision `to`, or when ctx
// does if that is 0.
func (h *hub) changes(ctx context.Context, from, to int64, f func(change)) error {
	if to != 0 && from > to {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for answer := range h.store.Watch(ctx, "", clientv3.WithPrefix(), clientv3.WithRev(from), clientv3.WithPrevKV()) {
		if err := answer.Err(); err != nil {
			return fmt.Errorf("read the store's history: %w", err)
		}
		last := int64(0)
		for _, e := range answer.Events {
			c := change{at: time.Now(), key: strings.TrimPrefix(string(e.Kv.Key), storePrefix), verb: "update", value: e.Kv.Value}
			if e.PrevKv != nil {
				c.before = e.PrevKv.Value
			}
			switch {
			case e.IsCreate():
				c.verb = "create"
			case e.Type == clientv3.EventTypeDelete:
				c.verb = "delete"
			}
			f(c)
			last = e.Kv.ModRevision
		}
		if to != 0 && last >= to {
			return nil
		}
	}
	if to == 0 {
		return nil // as the caller wished
	}
	return fmt.Errorf("read the store's history: %w", ctx.Err())
}

// resourceOf returns the resource that a key of the store is about: the group, if the key has one, and the plural.
func resourceOf(key string) string {
	parts := strings.Split(key, "/")
	if len(parts) > 1 && strings.Contains(parts[0], ".") {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// countWrites adds up the history between two readings, by resource and verb.
func (b *bench) countWrites(ctx context.Context, phase string, from, to reading, items int) error {
	type kind struct{ resource, verb string }
	counts, sizes := map[kind]int{}, map[kind]int{}
	err := b.hub.changes(ctx, from.revision+1, to.revision, func(c change) {
		k := kind{resourceOf(c.key), c.verb}
		counts[k]++
		sizes[k] += len(c.value)
	})
	if err != nil {
		return err
	}
	var found []writeCount
	for k, n := range counts {
		if perItem := float64(n) / float64(items); perItem >= 0.01 { // else it has nothing to do with the Deployments
			found = append(found, writeCount{phase, k.resource, k.verb, perItem, float64(sizes[k]) / float64(n)})
		}
	}
	slices.SortFunc(found, func(a, b writeCount) int {
		return cmp.Or(cmp.Compare(b.PerItem, a.PerItem), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verb, b.Verb))
	})
	b.report.Writes = append(b.report.Writes, found...)
	return nil
}

// step is one write that a Deployment caused.
type step struct {
	Phase        string  `json:"phase"`
	Milliseconds float64 `json:"milliseconds"` // since the request was sent
	Verb         string  `json:"verb"`
	Key          string  `json:"key"`
	Bytes        int     `json:"bytes"`
	Changed      string  `json:"changed"` // the fields, for an update
}

// stepOf describes a write, by what it changed.
func stepOf(phase string, c change, begin time.Time) step {
	s := step{Phase: phase, Milliseconds: float64(c.at.Sub(begin).Microseconds()) / 1000, Verb: c.verb, Key: c.key, Bytes: len(c.value)}
	if c.verb != "update" {
		return s
	}
	before, err := decode(c.before)
	if err != nil {
		s.Changed = err.Error()
		return s
	}
	now, err := decode(c.value)
	if err != nil {
		s.Changed = err.Error()
		return s
	}
	s.Changed = strings.Join(changedFields(before, now), ", ")
	return s
}

// decode reads an object as the store holds it.
func decode(value []byte) (map[string]any, error) {
	if !bytes.HasPrefix(value, []byte("k8s\x00")) {
		var object map[string]any
		err := json.Unmarshal(value, &object)
		return object, err
	}
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(value, nil, nil)
	if err != nil {
		return nil, err
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(object)
}

// changedFields names the fields of the second level that differ, sorted, without the record of who owns which.
func changedFields(before, now map[string]any) []string {
	var out []string
	for _, top := range union(before, now) {
		a, aMap := before[top].(map[string]any)
		b, bMap := now[top].(map[string]any)
		if !aMap && !bMap {
			if !reflect.DeepEqual(before[top], now[top]) {
				out = append(out, top)
			}
			continue
		}
		for _, field := range union(a, b) {
			if field != "managedFields" && !reflect.DeepEqual(a[field], b[field]) {
				out = append(out, top+"."+field)
			}
		}
	}
	return out
}

func union(a, b map[string]any) []string {
	var keys []string
	for _, m := range []map[string]any{a, b} {
		for k := range m {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
