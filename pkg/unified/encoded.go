/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/audit"
	auditing "k8s.io/apiserver/pkg/audit"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
	"github.com/manifold-k8s/manifold/pkg/unified/union"
)

// Caches keep objects in protobuf. A list that a client wants in protobuf is put together from these as they are: to decode,
// convert and encode ten thousand pods takes ten times as long as all the rest.

// Field numbers of Kubernetes' API types in protobuf, the same in all of them.
const (
	listMetadata, listItems                     = 1, 2
	objectMetadata                              = 1
	metadataResourceVersion, metadataAnnotation = 6, 12
	mapKey, mapValue                            = 1, 2
)

type prefersProtobuf struct{}

// NoteEncoding lets the storage know in which form a client wants its answer. It wraps the handler of the API server.
func NoteEncoding(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet && acceptsProtobuf(req.Header.Get("Accept")) {
			req = req.WithContext(context.WithValue(req.Context(), prefersProtobuf{}, true))
		}
		next.ServeHTTP(w, req)
	})
}

// acceptsProtobuf reports whether protobuf is what a client wants most, and of the objects themselves: not as a table or as
// metadata only.
func acceptsProtobuf(accept string) bool {
	first, _, _ := strings.Cut(accept, ",")
	return strings.TrimSpace(first) == runtime.ContentTypeProtobuf
}

// encodable reports whether a list may be answered from encoded objects.
func (o *objects) encodable(ctx context.Context) bool {
	if preferred, ok := ctx.Value(prefersProtobuf{}).(bool); !ok || !preferred || o.served != o.kind.version {
		return false
	}
	// An audit record with the answer in it has it in JSON.
	event := auditing.AuditContextFrom(ctx)
	return event == nil || event.GetEventLevel().Less(audit.LevelRequestResponse)
}

// listEncoded answers a list in protobuf.
func (o *objects) listEncoded(ctx context.Context, namespace string, sel union.Selection, options *internalversion.ListOptions) (runtime.Object, []union.Lag, error) {
	list, lags, err := o.union.ListEncoded(ctx, namespace, sel, options)
	if err != nil {
		return nil, nil, err
	}
	raw, err := encodeList(list)
	if err != nil {
		return nil, nil, err
	}
	version, kind := o.kind.version.WithKind(o.kind.kind + "List").ToAPIVersionAndKind()
	return &runtime.Unknown{
		TypeMeta: runtime.TypeMeta{APIVersion: version, Kind: kind}, Raw: raw, ContentType: runtime.ContentTypeProtobuf,
	}, lags, nil
}

// encodeList puts a list together. What is said about an object beside its encoded form is appended to that as one more
// metadata field: whoever reads a message merges fields that come twice.
func encodeList(list union.EncodedList) ([]byte, error) {
	meta := metav1.ListMeta{ResourceVersion: list.ResourceVersion, Continue: list.Continue, RemainingItemCount: list.RemainingItemCount}
	head, err := meta.Marshal()
	if err != nil {
		return nil, err
	}
	const beside = 128 // more than tags, lengths and the additions take, but for stale objects
	size := len(head) + beside
	for i := range list.Items {
		size += len(list.Items[i].Data) + beside
	}
	out := appendField(make([]byte, 0, size), listMetadata, head)
	var more []byte
	for i := range list.Items {
		item := &list.Items[i]
		more = appendAddition(more[:0], item)
		out = protowire.AppendTag(out, listItems, protowire.BytesType)
		out = protowire.AppendVarint(out, uint64(len(item.Data)+len(more)))
		out = append(append(out, item.Data...), more...)
	}
	return out, nil
}

// appendAddition appends the fields of an object that say which state of it this is.
func appendAddition(to []byte, item *union.Encoded) []byte {
	meta := appendField(nil, metadataResourceVersion, []byte(item.ResourceVersion))
	if !item.Stale.IsZero() {
		entry := appendField(nil, mapKey, []byte(present.StaleAnnotation))
		entry = appendField(entry, mapValue, []byte(item.Stale.UTC().Format(time.RFC3339)))
		meta = appendField(meta, metadataAnnotation, entry)
	}
	return appendField(to, objectMetadata, meta)
}

func appendField(to []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), value)
}
