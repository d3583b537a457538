/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
)

// Hash returns the content hash of a manifest: 32 hexadecimal digits over everything but the annotation that holds the
// hash. It is the same in every process and on every machine.
func Hash(manifest *unstructured.Unstructured) string {
	buf := appendCanonical(make([]byte, 0, 4096), manifest.Object, hashPath)
	digest := sha256.Sum256(buf)
	return hex.EncodeToString(digest[:16])
}

// hashPath is where a manifest holds its own hash.
var hashPath = []string{"metadata", "annotations", workv1alpha2.ContentHashAnnotation}

// appendCanonical writes v so that equal values give equal bytes and different values different ones: a letter for the
// type, the length where there is one, then the content, objects in the order of their keys. skip is the path, from
// here, of a value to leave out; nil for none.
func appendCanonical(buf []byte, v any, skip []string) []byte {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			if len(skip) != 1 || skip[0] != key {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		buf = binary.AppendUvarint(append(buf, 'm'), uint64(len(keys)))
		for _, key := range keys {
			var inner []string
			if len(skip) > 1 && skip[0] == key {
				inner = skip[1:]
			}
			buf = appendCanonical(appendText(buf, key), v[key], inner)
		}
		return buf
	case []any:
		buf = binary.AppendUvarint(append(buf, 'l'), uint64(len(v)))
		for _, e := range v {
			buf = appendCanonical(buf, e, nil)
		}
		return buf
	case string:
		return appendText(append(buf, 's'), v)
	case bool:
		if v {
			return append(buf, 't')
		}
		return append(buf, 'f')
	case nil:
		return append(buf, 'n')
	case int64:
		return binary.AppendVarint(append(buf, 'i'), v)
	case float64:
		return binary.BigEndian.AppendUint64(append(buf, 'd'), math.Float64bits(v))
	case json.Number:
		return appendText(append(buf, 'j'), string(v))
	}
	panic(fmt.Sprintf("a manifest cannot hold a %T", v)) // DeepCopyJSON panics on the same
}

func appendText(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}

// fingerprintSeed is made at start-up: fingerprints mean nothing outside the process.
var fingerprintSeed = maphash.MakeSeed()

// Fingerprint hashes a live object without what changes when only its status does: status, managed fields, generation
// and resource version. Two objects with different fingerprints differ elsewhere; equal ones may be taken for equal.
// Fingerprints can be compared within one process only.
func Fingerprint(live *unstructured.Unstructured) uint64 {
	var sum uint64
	for key, value := range live.Object {
		switch key {
		case "status":
		case "metadata":
			if metadata, ok := value.(map[string]any); ok {
				sum += fingerprintEntry(key, fingerprintMetadata(metadata))
			}
		default:
			sum += fingerprintEntry(key, fingerprint(value))
		}
	}
	return sum
}

func fingerprintMetadata(metadata map[string]any) uint64 {
	var sum uint64
	for key, value := range metadata {
		switch key {
		case "managedFields", "generation", "resourceVersion":
		default:
			sum += fingerprintEntry(key, fingerprint(value))
		}
	}
	return mix(sum, 'm')
}

func fingerprint(v any) uint64 {
	switch v := v.(type) {
	case map[string]any:
		var sum uint64 // a sum, since maps come in any order
		for key, value := range v {
			sum += fingerprintEntry(key, fingerprint(value))
		}
		return mix(sum, 'm')
	case []any:
		h := uint64(len(v))
		for _, e := range v {
			h = mix(h, fingerprint(e))
		}
		return mix(h, 'l')
	case string:
		return maphash.String(fingerprintSeed, v)
	case bool:
		if v {
			return mix(1, 'b')
		}
		return mix(0, 'b')
	case nil:
		return mix(0, 'n')
	case int64:
		return mix(uint64(v), 'i')
	case float64:
		return mix(math.Float64bits(v), 'd')
	default:
		return maphash.String(fingerprintSeed, fmt.Sprint(v)) // of no JSON type
	}
}

func fingerprintEntry(key string, value uint64) uint64 {
	return mix(maphash.String(fingerprintSeed, key), value)
}

// mix combines two hashes so that their order matters (the finaliser of splitmix64).
func mix(a, b uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 ^ (b + 0x9e3779b97f4a7c15)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
