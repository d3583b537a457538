/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	// frameFirst is the room for an event to begin with: what an idle watch costs.
	frameFirst = 1 << 10
	// frameKeep is the room that is kept for the next event. Few objects are larger.
	frameKeep = 32 << 10
	// frameMost is the largest event that is taken: far beyond what an API server stores in an object.
	frameMost = 16 << 20
)

// errFrame reports that what comes from a member is not a sequence of JSON objects.
var errFrame = errors.New("malformed stream of events")

// frames cuts a stream into the JSON objects it consists of. Each is looked at only as far as it takes to find its end.
type frames struct {
	r        io.Reader
	buf      []byte
	from, to int // what has been read and not returned yet
}

// next returns the next object, which is good until the next call and may be changed. The error is io.EOF at the end of
// the stream, io.ErrUnexpectedEOF when it ends within an object, errFrame, or the reader's.
func (f *frames) next() ([]byte, error) {
	depth, i := 0, f.from
	for {
		if depth == 0 {
			f.from = skipSpace(f.buf[:f.to], f.from)
			i = f.from
			if i < f.to && f.buf[i] != '{' {
				return nil, fmt.Errorf("%w: an object begins with %q", errFrame, f.buf[i])
			}
		}
		i, depth = advance(f.buf[:f.to], i, depth)
		if depth == 0 && i > f.from {
			frame := f.buf[f.from:i:i]
			f.from = i
			return frame, nil
		}
		scanned := i - f.from
		if err := f.fill(); err != nil {
			if err == io.EOF && f.from < f.to {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		i = f.from + scanned
	}
}

// fill reads more, and makes room for it if need be.
func (f *frames) fill() error {
	if f.from == f.to {
		f.from, f.to = 0, 0
		if len(f.buf) > frameKeep {
			f.buf = nil // it may be long until the next event
		}
	}
	if f.to == len(f.buf) {
		room := f.buf
		if f.from == 0 {
			if len(room) >= frameMost {
				return fmt.Errorf("%w: an object is larger than %d bytes", errFrame, frameMost)
			}
			room = make([]byte, max(frameFirst, 2*len(room)))
		}
		f.to = copy(room, f.buf[f.from:f.to])
		f.buf, f.from = room, 0
	}
	n, err := f.r.Read(f.buf[f.to:])
	f.to += n
	if n > 0 {
		return nil // an error will come again
	}
	return err
}

// advance goes on from i, where depth brackets are open, and returns where the last of them is closed, or where to go on
// when there is more.
func advance(b []byte, i, depth int) (next, open int) {
	for i < len(b) {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1, 0
			}
		case '"':
			end := stringEnd(b, i)
			if end < 0 {
				return i, depth
			}
			i = end
			continue
		}
		i++
	}
	return i, depth
}

// stringEnd returns the index after the string that begins at i, or -1 if it does not end.
func stringEnd(b []byte, i int) int {
	first := i + 1
	for at := first; ; {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			return -1
		}
		quote := at + n
		escapes := 0
		for quote-escapes > first && b[quote-escapes-1] == '\\' {
			escapes++
		}
		at = quote + 1
		if escapes%2 == 0 {
			return at
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// valueEnd returns the index after the JSON value that begins at i, or -1 if it does not end, its brackets do not match or
// are nested more than 64 deep. The rest is not looked at.
func valueEnd(b []byte, i int) int {
	var objects uint64 // one bit for each open bracket, the innermost last: whether it is that of an object
	depth := 0
	for i < len(b) {
		switch c := b[i]; c {
		case '"':
			if i = stringEnd(b, i); i < 0 {
				return -1
			}
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			if depth++; depth > 64 {
				return -1
			}
			objects <<= 1
			if c == '{' {
				objects |= 1
			}
		case '}', ']':
			if depth == 0 { // of what is around it: a number or a word ends here
				return i
			}
			if (objects&1 == 1) != (c == '}') {
				return -1
			}
			objects >>= 1
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return -1
}

// find looks for a member of the JSON object that begins at i: at is the index of its key, comma that of the comma before
// it or -1, value that of its value. A key that is written with escapes is not found.
func find(b []byte, i int, name string) (comma, at, value int, ok bool) {
	if i = skipSpace(b, i); i >= len(b) || b[i] != '{' {
		return 0, 0, 0, false
	}
	comma = -1
	for {
		at = skipSpace(b, i+1)
		if at >= len(b) || b[at] != '"' {
			return 0, 0, 0, false
		}
		end := stringEnd(b, at)
		if end < 0 {
			return 0, 0, 0, false
		}
		colon := skipSpace(b, end)
		if colon >= len(b) || b[colon] != ':' {
			return 0, 0, 0, false
		}
		value = skipSpace(b, colon+1)
		if string(b[at+1:end-1]) == name {
			return comma, at, value, true
		}
		if i = valueEnd(b, value); i < 0 {
			return 0, 0, 0, false
		}
		if i = skipSpace(b, i); i >= len(b) || b[i] != ',' {
			return 0, 0, 0, false
		}
		comma = i
	}
}

// cutManagedFields takes metadata.managedFields out of an object in JSON, which it changes: half of an object that has
// been applied, and of no use here. Of what is taken out only strings and brackets are looked at. An object whose
// brackets do not match, up to that place, is returned as it is.
func cutManagedFields(b []byte) []byte {
	_, _, metadata, ok := find(b, 0, "metadata")
	if !ok {
		return b
	}
	comma, from, value, ok := find(b, metadata, "managedFields")
	if !ok {
		return b
	}
	to := valueEnd(b, value)
	if to < 0 {
		return b
	}
	next := skipSpace(b, to)
	switch {
	case next < len(b) && b[next] == ',':
		to = next + 1
		if after := skipSpace(b, to); after >= len(b) || b[after] != '"' {
			return b
		}
	case next < len(b) && b[next] == '}':
		if comma >= 0 {
			from = comma
		}
	default:
		return b
	}
	return append(b[:from], b[to:]...)
}

var (
	eventType   = []byte(`{"type":"`)
	eventObject = []byte(`","object":`)
)

// splitEvent returns the two parts of an event as API servers write it; ok is false for one written otherwise.
func splitEvent(frame []byte) (kind watch.EventType, object []byte, ok bool) {
	rest, ok := bytes.CutPrefix(frame, eventType)
	if !ok {
		return "", nil, false
	}
	for _, kind := range []watch.EventType{watch.Modified, watch.Added, watch.Deleted, watch.Bookmark, watch.Error} {
		after, ok := bytes.CutPrefix(rest, []byte(kind))
		if !ok {
			continue
		}
		object, ok := bytes.CutPrefix(after, eventObject)
		end := valueEnd(object, 0)
		if !ok || end < 0 || string(object[end:]) != "}" {
			return "", nil, false
		}
		return kind, object[:end], true
	}
	return "", nil, false
}

// decodeEvent decodes an event of a watch, which it changes. The object is a *metav1.Status or an
// *unstructured.Unstructured without managedFields.
func decodeEvent(frame []byte) (watch.Event, error) {
	kind, object, ok := splitEvent(frame)
	if !ok {
		var e metav1.WatchEvent
		if err := utiljson.Unmarshal(frame, &e); err != nil {
			return watch.Event{}, fmt.Errorf("decode event: %w", err)
		}
		switch kind = watch.EventType(e.Type); kind {
		case watch.Added, watch.Modified, watch.Deleted, watch.Bookmark, watch.Error:
		default:
			return watch.Event{}, fmt.Errorf("decode event: unknown type %q", e.Type)
		}
		object = e.Object.Raw
	}
	o, err := decodeObject(object)
	if err != nil {
		return watch.Event{}, fmt.Errorf("decode object of event %s: %w", kind, err)
	}
	return watch.Event{Type: kind, Object: o}, nil
}

func decodeObject(data []byte) (runtime.Object, error) {
	var content map[string]any
	if err := utiljson.Unmarshal(cutManagedFields(data), &content); err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: content}
	switch gvk := u.GroupVersionKind(); {
	case gvk.Kind == "":
		return nil, errors.New("the object has no kind")
	case gvk.Kind == "Status" && gvk.Version == "v1" && gvk.Group == "":
		status := &metav1.Status{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, status); err != nil {
			return nil, err
		}
		return status, nil
	}
	return u, nil
}
