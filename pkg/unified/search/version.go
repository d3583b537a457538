/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package search

import (
	"encoding/base64"
	"encoding/json"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// position is the key under which a vector has the number of the union's sequence that it stands for. Clusters have names.
const position = ""

// vector is a resource version over several clusters: each cluster's own, by name. Beside these it has the number up to which
// the union had told of changes, which is what lists and watches go on from.
type vector map[string]string

// String is the vector as clients get it: the JSON of the map, keys sorted, in base64 for URLs without padding.
func (v vector) String() string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// parseVector reads a resource version. What is none of ours is as good as none.
func parseVector(s string) (vector, bool) {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, false
	}
	var v vector
	if err := json.Unmarshal(data, &v); err != nil || v == nil {
		return nil, false
	}
	return v, true
}

// numberOf returns the union's number in a resource version that a client gives. Empty and "0" mean themselves, and what
// is no vector means nothing. ok is false for a vector without a number, which says what the client has seen, but not in
// terms that can be gone on from.
func numberOf(resourceVersion string) (number string, ok bool) {
	if resourceVersion == "" || resourceVersion == "0" {
		return resourceVersion, true
	}
	v, ours := parseVector(resourceVersion)
	if !ours {
		return "", true
	}
	number, ok = v[position]
	return number, ok
}

// token says where a list in pages goes on.
type token struct {
	ResourceVersion string `json:"rv"`      // of the list, a vector
	Cluster         string `json:"cluster"` // whose objects come next
	Continue        string `json:"continue"`
}

func (t token) String() string {
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // strings
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func parseToken(s string) (token, error) {
	var t token
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(data, &t)
	}
	if _, ours := parseVector(t.ResourceVersion); err != nil || !ours || t.Cluster == "" {
		return token{}, apierrors.NewBadRequest("the continue token is none of this server's: begin a new list without it")
	}
	return t, nil
}
