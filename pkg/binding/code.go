/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package binding

import "hash/fnv"

// digits are what the decimal digits of a hash are replaced by in names.
const digits = "456789bcdf"

// Code is the short code of a text that some names and label keys of the wire format end in: its 32-bit FNV-1a hash in
// decimal, with letters for some of the digits. It has 1 to 10 characters.
func Code(s string) string {
	h := fnv.New32a()
	h.Write([]byte(s)) // never fails
	var buf [10]byte
	i := len(buf)
	for n := h.Sum32(); ; n /= 10 {
		i--
		buf[i] = digits[n%10]
		if n < 10 {
			return string(buf[i:])
		}
	}
}
