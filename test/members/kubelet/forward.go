/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kubelet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// forwarder is what listens on every port of a pod: a web server that says where it is.
type forwarder struct{ pod *corev1.Pod }

// PortForward answers HTTP/1 requests until the client closes the connection or asks for that.
func (f forwarder) PortForward(_ context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	reader := bufio.NewReader(stream)
	for {
		req, err := http.ReadRequest(reader)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("port %d of a played pod speaks HTTP only: %w", port, err)
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		text := fmt.Sprintf("%s %s at port %d of %s/%s on %s\n", req.Method, req.URL.Path, port, f.pod.Namespace, f.pod.Name, f.pod.Spec.NodeName)
		answer := &http.Response{
			StatusCode:    http.StatusOK,
			ProtoMajor:    1,
			ProtoMinor:    1,
			Request:       req,
			Header:        http.Header{"Content-Type": {"text/plain"}},
			Body:          io.NopCloser(strings.NewReader(text)),
			ContentLength: int64(len(text)),
			Close:         req.Close,
		}
		if err := answer.Write(stream); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		if req.Close {
			return nil
		}
	}
}
