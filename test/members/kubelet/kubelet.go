/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package kubelet answers what a kube-apiserver asks of the kubelets of played nodes: logs, exec, attach, port-forward
// and metrics. One server stands for all nodes of a member.
//
// Nothing runs in a played pod, so what it shows is made up, with one exception: a command that is executed is a local
// process of the user who runs the member, in an empty folder of its own but otherwise free to do what that user may.
// Whoever can execute commands in the member's pods is therefore trusted with that account. The server listens on
// loopback and answers only clients whose certificate makes them administrators of the member; kwok, which could play
// this part, too, answers anybody on the machine.
package kubelet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/kubernetes"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

const (
	// idleTimeout is how long a stream may be silent, as with a real kubelet.
	idleTimeout = 4 * time.Hour
	// stopPatience bounds the wait for requests that have been told to end.
	stopPatience = 5 * time.Second
)

// Config says what a [Server] needs. Every field is required.
type Config struct {
	Client kubernetes.Interface // of an administrator of the member
	Dir    string               // takes one folder per container in which a command was executed

	CertFile, KeyFile string // what the server shows; valid for 127.0.0.1
	ClientCA          []byte // PEM; signs the certificates of administrators

	// Start starts a process that ends, at the latest, with this one.
	Start func(*exec.Cmd) error
}

// Server plays the kubelets of all nodes of one member.
type Server struct {
	cfg      Config
	listener net.Listener
	http     *http.Server
	served   chan struct{} // closed when nothing is accepted any more
	usage    *usage

	ctx  context.Context // ends the streams; requests that were upgraded do not end with their connection
	stop context.CancelFunc
	jobs sync.WaitGroup // commands
}

// Start listens on a free port of 127.0.0.1 and serves until [Server.Close].
func Start(cfg Config) (*Server, error) {
	cert, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("load the kubelet's certificate: %w", err)
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(cfg.ClientCA) {
		return nil, errors.New("the kubelet's client CA is not a PEM certificate")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as kubelet: %w", err)
	}
	s := &Server{cfg: cfg, listener: listener, served: make(chan struct{}), usage: newUsage()}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler:           administratorsOnly(s.routes()),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ErrorLog:          stdlog.New(io.Discard, "", 0), // clients that give up
		TLSConfig: &tls.Config{
			MinVersion:   tls.VersionTLS13,
			Certificates: []tls.Certificate{cert},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    clients,
		},
	}
	go func() {
		defer close(s.served)
		_ = s.http.ServeTLS(listener, "", "") // ends with Close, and with nothing else
	}()
	return s, nil
}

// Port is where the server listens, for the nodes' kubeletEndpoint.
func (s *Server) Port() int32 {
	return int32(s.listener.Addr().(*net.TCPAddr).Port)
}

// Close ends all requests, streams and commands, and returns when they are gone or have had stopPatience.
func (s *Server) Close() {
	s.stop()
	_ = s.http.Close() // closes what it can; there is nothing to do about the rest
	<-s.served
	done := make(chan struct{})
	go func() { s.jobs.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(stopPatience):
	}
}

// administratorsOnly turns away whoever has a certificate of the member's CA for something else.
func administratorsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(r.TLS.VerifiedChains[0][0].Subject.Organization, user.SystemPrivilegedGroup) {
			http.Error(w, "only administrators of the member may ask its kubelets", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.logs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", s.exec)
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", s.attach)
	mux.HandleFunc("/portForward/{namespace}/{pod}", s.portForward)
	mux.HandleFunc("GET "+MetricsPath("{node}"), s.metrics)
	return mux
}

func (s *Server) exec(w http.ResponseWriter, r *http.Request) {
	opts, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c, err := s.container(r)
	if err != nil {
		writeError(w, err)
		return
	}
	command := r.URL.Query()["command"]
	if len(command) == 0 {
		http.Error(w, "want a command", http.StatusBadRequest)
		return
	}
	remotecommand.ServeExec(w, r, executor{s, c}, c.pod.Name, string(c.pod.UID), c.name, command, opts,
		idleTimeout, remotecommand.DefaultStreamCreationTimeout, remotecommand.SupportedStreamingProtocols)
}

func (s *Server) attach(w http.ResponseWriter, r *http.Request) {
	opts, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c, err := s.container(r)
	if err != nil {
		writeError(w, err)
		return
	}
	remotecommand.ServeAttach(w, r, attacher{s, c}, c.pod.Name, string(c.pod.UID), c.name, opts,
		idleTimeout, remotecommand.DefaultStreamCreationTimeout, remotecommand.SupportedStreamingProtocols)
}

func (s *Server) portForward(w http.ResponseWriter, r *http.Request) {
	opts, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	pod, err := s.pod(r)
	if err != nil {
		writeError(w, err)
		return
	}
	portforward.ServePortForward(w, r, forwarder{pod}, pod.Name, string(pod.UID), opts,
		idleTimeout, remotecommand.DefaultStreamCreationTimeout, portforward.SupportedProtocols)
}

func (s *Server) pod(r *http.Request) (*corev1.Pod, error) {
	return s.cfg.Client.CoreV1().Pods(r.PathValue("namespace")).Get(r.Context(), r.PathValue("pod"), metav1.GetOptions{})
}

// container is one of a pod, which may have ended.
type container struct {
	pod        *corev1.Pod
	name       string
	start, end time.Time // a zero end means that it runs
}

// container returns the one that the request is about, and a Status error if it does not exist or has not started.
func (s *Server) container(r *http.Request) (container, error) {
	pod, err := s.pod(r)
	if err != nil {
		return container{}, err
	}
	name := r.PathValue("container")
	for _, status := range slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses, pod.Status.EphemeralContainerStatuses) {
		if status.Name != name {
			continue
		}
		if running := status.State.Running; running != nil {
			return container{pod: pod, name: name, start: running.StartedAt.Time}, nil
		}
		if ended := status.State.Terminated; ended != nil {
			return container{pod: pod, name: name, start: ended.StartedAt.Time, end: ended.FinishedAt.Time}, nil
		}
	}
	return container{}, apierrors.NewBadRequest(fmt.Sprintf("container %q of pod %q is not there or has not started", name, pod.Name))
}

func writeError(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		code = int(status.Status().Code)
	}
	http.Error(w, err.Error(), code)
}
