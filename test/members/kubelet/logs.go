/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/util/flushwriter"
)

const (
	// linePeriod is how often a running container writes a line.
	linePeriod = 2 * time.Second
	// keptLines are the last ones that a log holds, and the length of the log of a previous run.
	keptLines = 20

	// logTime is the form of the timestamps in a log.
	logTime = "2006-01-02T15:04:05.000000000Z07:00"
)

// line is one of a log.
type line struct {
	at   time.Time
	text string
}

// lines returns what the container's log holds at the given time, oldest first. A container writes a line when it
// starts and one every linePeriod while it runs.
func (c container) lines(now time.Time) []line {
	if !c.end.IsZero() && c.end.Before(now) {
		now = c.end
	}
	last := int(now.Sub(c.start) / linePeriod)
	var out []line
	for i := max(0, last-keptLines+1); i <= last; i++ {
		out = append(out, c.line(i))
	}
	return out
}

func (c container) line(i int) line {
	at := c.start.Add(time.Duration(i) * linePeriod)
	text := fmt.Sprintf("%s in %s on %s: running for %v\n", c.name, c.pod.Name, c.pod.Spec.NodeName, at.Sub(c.start))
	return line{at: at, text: text}
}

// previous returns the run before, which ended when this one began.
func (c container) previous() container {
	c.end = c.start.Add(-time.Nanosecond)
	c.start = c.start.Add(-keptLines * linePeriod)
	c.name += " (previous run)"
	return c
}

// logOptions reads what a kube-apiserver sends to a kubelet.
func logOptions(query url.Values) (corev1.PodLogOptions, error) {
	var opts corev1.PodLogOptions
	var errs []error
	for name, field := range map[string]*bool{"follow": &opts.Follow, "previous": &opts.Previous, "timestamps": &opts.Timestamps} {
		if text := query.Get(name); text != "" {
			value, err := strconv.ParseBool(text)
			*field = value
			errs = append(errs, err)
		}
	}
	for name, field := range map[string]**int64{"sinceSeconds": &opts.SinceSeconds, "tailLines": &opts.TailLines, "limitBytes": &opts.LimitBytes} {
		if text := query.Get(name); text != "" {
			value, err := strconv.ParseInt(text, 10, 64)
			*field = &value
			errs = append(errs, err)
		}
	}
	if text := query.Get("sinceTime"); text != "" {
		value, err := time.Parse(time.RFC3339, text)
		opts.SinceTime = &metav1.Time{Time: value}
		errs = append(errs, err)
	}
	return opts, errors.Join(errs...)
}

func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	opts, err := logOptions(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c, err := s.container(r)
	if err != nil {
		writeError(w, err)
		return
	}
	if opts.Previous {
		c = c.previous()
	}
	w.Header().Set("Content-Type", "text/plain")
	_ = s.writeLog(r.Context(), flushwriter.Wrap(w), c, opts) // the client has gone
}

// writeLog writes what opts ask for; if they say follow, until the container ends or ctx does.
func (s *Server) writeLog(ctx context.Context, w io.Writer, c container, opts corev1.PodLogOptions) error {
	if opts.LimitBytes != nil {
		w = &limitedWriter{w: w, left: *opts.LimitBytes}
	}
	now := time.Now()
	lines := since(c.lines(now), opts, now)
	if opts.TailLines != nil {
		lines = lines[max(0, len(lines)-int(*opts.TailLines)):]
	}
	if err := writeLines(w, lines, opts.Timestamps); err != nil || !opts.Follow {
		return err
	}
	return s.follow(ctx, c, now, func(news []line) error { return writeLines(w, news, opts.Timestamps) })
}

func since(lines []line, opts corev1.PodLogOptions, now time.Time) []line {
	var from time.Time
	if opts.SinceSeconds != nil {
		from = now.Add(-time.Duration(*opts.SinceSeconds) * time.Second)
	}
	if opts.SinceTime != nil {
		from = opts.SinceTime.Time
	}
	for i, l := range lines {
		if !l.at.Before(from) {
			return lines[i:]
		}
	}
	return nil
}

// follow hands over what the container writes after the given time, until it ends, ctx does or write fails.
func (s *Server) follow(ctx context.Context, c container, after time.Time, write func([]line) error) error {
	for c.end.IsZero() {
		next := c.line(int(after.Sub(c.start)/linePeriod) + 1)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(next.at)):
		}
		pod, err := s.cfg.Client.CoreV1().Pods(c.pod.Namespace).Get(ctx, c.pod.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && (pod.UID != c.pod.UID || pod.Status.Phase != corev1.PodRunning) {
			return nil
		}
		if err := write([]line{next}); err != nil {
			return err
		}
		after = next.at
	}
	return nil
}

func writeLines(w io.Writer, lines []line, timestamps bool) error {
	for _, l := range lines {
		text := l.text
		if timestamps {
			text = l.at.UTC().Format(logTime) + " " + text
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}

// limitedWriter fails with io.EOF once it has passed on as many bytes as it may.
type limitedWriter struct {
	w    io.Writer
	left int64
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	n, err := l.w.Write(p[:min(int64(len(p)), l.left)])
	if l.left -= int64(n); err == nil && l.left == 0 {
		err = io.EOF
	}
	return n, err
}
