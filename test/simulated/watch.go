/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package simulated

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	// bookmarkEvery is how often a watch that wants bookmarks gets one, as from a real API server.
	bookmarkEvery = time.Minute
	// longestWatch ends a watch that names no timeout.
	longestWatch = time.Hour
)

// watcher is one open watch.
type watcher struct {
	member *Member
	*kind
	query     *query
	bookmarks bool
	protobuf  bool
	out       *bufio.Writer
	flusher   http.Flusher
	version   uint64 // of the last event sent
}

// watch serves a watch until the client goes, its time is over, or it has missed events.
func (m *Member) watch(w http.ResponseWriter, r *http.Request, k *kind, q *query) error {
	flusher, ok := w.(http.Flusher)
	if !ok {
		return apierrors.NewInternalError(fmt.Errorf("the connection cannot stream"))
	}
	values := r.URL.Query()
	flag := func(name string) bool { b, _ := strconv.ParseBool(values.Get(name)); return b } // what is not true is false
	version, timeout := values.Get("resourceVersion"), longestWatch
	if seconds, err := strconv.Atoi(values.Get("timeoutSeconds")); err == nil && seconds > 0 {
		timeout = time.Duration(seconds) * time.Second
	}
	v := &watcher{member: m, kind: k, query: q, bookmarks: flag("allowWatchBookmarks"), protobuf: wantsProtobuf(r, k), out: bufio.NewWriterSize(w, 4<<10), flusher: flusher}
	var initial []*object
	if complete := flag("sendInitialEvents"); complete || version == "" || version == "0" {
		initial, v.version = m.find(k, q)
	} else {
		var err error
		if v.version, err = strconv.ParseUint(version, 10, 64); err != nil {
			return apierrors.NewBadRequest("invalid resourceVersion: " + err.Error())
		}
		if _, _, ok := v.next(); !ok {
			return apierrors.NewResourceExpired("the version is too old")
		}
	}
	w.Header().Set("Content-Type", plainJSON)
	if v.protobuf {
		w.Header().Set("Content-Type", protobufStream)
	}
	w.WriteHeader(http.StatusOK)
	for _, o := range initial {
		v.send(watch.Added, o)
	}
	if flag("sendInitialEvents") && v.bookmarks {
		v.bookmark(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	}
	v.flush()
	v.run(r, timeout)
	return nil
}

// next returns the events after the last one sent; see table.since.
func (v *watcher) next() ([]event, <-chan struct{}, bool) {
	v.member.mu.Lock() // for writing: the table may have to be made
	defer v.member.mu.Unlock()
	return v.member.table(v.kind).since(v.version)
}

// run sends what happens. A client that has gone ends the request's context, so errors of writing say nothing.
func (v *watcher) run(r *http.Request, timeout time.Duration) {
	end := time.NewTimer(timeout)
	defer end.Stop()
	bookmark := time.NewTicker(bookmarkEvery)
	defer bookmark.Stop()
	for {
		if v.member.answers(r.Context()) != nil {
			return
		}
		events, changed, ok := v.next()
		if !ok {
			s := apierrors.NewResourceExpired("the watch has fallen too far behind").Status()
			s.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
			v.tell(watch.Error, &s)
			v.flush()
			return
		}
		for _, e := range events {
			v.report(e)
		}
		if len(events) > 0 {
			v.flush()
		}
		select {
		case <-r.Context().Done():
			return
		case <-end.C:
			return
		case <-changed:
		case <-bookmark.C:
			if v.bookmarks {
				v.bookmark(nil)
				v.flush()
			}
		}
	}
}

// report sends an event as it looks through the watch's selectors.
func (v *watcher) report(e event) {
	v.version = e.object.version
	before, now := v.query.covers(e.before), e.verb != watch.Deleted && v.query.covers(e.object)
	switch {
	case before && now:
		v.send(watch.Modified, e.object)
	case before:
		v.send(watch.Deleted, e.object)
	case now:
		v.send(watch.Added, e.object)
	}
}

func (v *watcher) send(verb watch.EventType, o *object) {
	if !v.protobuf {
		v.write(verb, o.data)
		return
	}
	data, err := o.inProtobuf(v.kind)
	if err != nil {
		panic(err) // it was validated when it came
	}
	v.write(verb, data)
}

// tell sends what is no stored object.
func (v *watcher) tell(verb watch.EventType, obj runtime.Object) {
	if !v.protobuf {
		v.write(verb, document(obj))
		return
	}
	data, err := runtime.Encode(embedded, obj)
	if err != nil {
		panic(err) // both kinds that are sent have the form
	}
	v.write(verb, data)
}

func (v *watcher) write(verb watch.EventType, object []byte) {
	if v.protobuf {
		_ = sendProtobuf(v.out, verb, object)
		return
	}
	_, _ = v.out.WriteString(`{"type":"` + string(verb) + `","object":`)
	_, _ = v.out.Write(object)
	_, _ = v.out.WriteString("}\n")
}

// bookmark says up to which version everything has been sent.
func (v *watcher) bookmark(annotations map[string]string) {
	meta := metav1.ObjectMeta{ResourceVersion: strconv.FormatUint(v.version, 10), Annotations: annotations}
	if !v.protobuf {
		v.tell(watch.Bookmark, &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{Kind: v.Kind, APIVersion: v.GroupVersion().String()}, ObjectMeta: meta})
		return
	}
	data, err := emptyProtobuf(v.kind, meta)
	if err != nil {
		panic(err) // every kind that is served in that form can be made
	}
	v.write(watch.Bookmark, data)
}

func (v *watcher) flush() {
	_ = v.out.Flush()
	v.flusher.Flush()
}
