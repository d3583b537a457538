/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package union

import (
	"context"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
)

// Encoded is a state of an object as it is kept: in the form of the codec, and without what is said about it beside that.
type Encoded struct {
	Data            []byte // not to be changed
	ResourceVersion string
	Stale           time.Time // since when its member has not been heard of; zero for a member that is there
}

// EncodedList is a list whose objects have not been decoded.
type EncodedList struct {
	Items              []Encoded
	ResourceVersion    string
	Continue           string
	RemainingItemCount *int64
}

// ListEncoded is List for who can do with encoded objects, which costs next to nothing as long as no selector has to look into
// them.
func (u *Union) ListEncoded(ctx context.Context, namespace string, sel Selection, opts *internalversion.ListOptions) (EncodedList, []Lag, error) {
	f, lags, err := u.find(ctx, scope{namespace, sel}, opts, false)
	if err != nil {
		return EncodedList{}, nil, err
	}
	list := EncodedList{ResourceVersion: strconv.FormatInt(f.from.number, 10), Items: make([]Encoded, len(f.records))}
	for i, r := range f.records {
		list.Items[i] = Encoded{Data: r.data, ResourceVersion: strconv.FormatInt(r.number, 10), Stale: r.stale}
	}
	if f.rest != nil {
		list.Continue, list.RemainingItemCount = f.rest.token, f.rest.count
	}
	return list, lags, nil
}
