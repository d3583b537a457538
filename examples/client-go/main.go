/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Command client-go shows how a program uses a federation through one kubeconfig: it places a Deployment on all clusters
// with a policy, waits for it with an informer, lists its pods wherever they are, and follows the log of one of them.
//
//	go run ./examples/client-go --kubeconfig manifold-data/admin.kubeconfig
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/generated/clientset/versioned"
)

// settings are the flags.
type settings struct {
	kubeconfig string
	namespace  string
	name       string
	replicas   int
	lines      int64         // of the log
	patience   time.Duration // for the Deployment to be ready
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "client-go:", err)
		os.Exit(1)
	}
}

func parse(args []string) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("client-go", flag.ContinueOnError)
	fs.StringVar(&s.kubeconfig, "kubeconfig", "manifold-data/admin.kubeconfig", "of the hub")
	fs.StringVar(&s.namespace, "namespace", "default", "for the Deployment and its policy")
	fs.StringVar(&s.name, "name", "hello", "of the Deployment and its policy, which must not exist")
	fs.IntVar(&s.replicas, "replicas", 3, "of the Deployment, divided over the clusters")
	fs.Int64Var(&s.lines, "lines", 5, "how many of the log's last lines to begin with")
	fs.DurationVar(&s.patience, "patience", 2*time.Minute, "how long to wait for the Deployment")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	if s.replicas < 1 || s.lines < 1 {
		return s, errors.New("--replicas and --lines must be at least 1")
	}
	return s, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.kubeconfig)
	if err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(config) // Kubernetes' own kinds
	if err != nil {
		return err
	}
	manifold, err := versioned.NewForConfig(config) // policies, clusters, bindings
	if err != nil {
		return err
	}
	if err := create(ctx, kube, manifold, s); err != nil {
		return err
	}
	fmt.Fprintf(out, "created Deployment and PropagationPolicy %s/%s\n", s.namespace, s.name)
	if err := awaitReady(ctx, kube, s); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d replicas are ready\n", s.replicas)
	pods, err := list(ctx, kube, s, out)
	if err != nil {
		return err
	}
	return follow(ctx, kube, &pods[0], s.lines, out)
}

// create makes the policy first: so the Deployment goes to the clusters the moment it is there.
func create(ctx context.Context, kube kubernetes.Interface, manifold versioned.Interface, s settings) error {
	policy := &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: s.name},
		Spec: policyv1alpha1.PropagationSpec{
			ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment", Name: s.name}},
			Placement: policyv1alpha1.Placement{ReplicaScheduling: &policyv1alpha1.ReplicaSchedulingStrategy{
				ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDivided,
			}},
		},
	}
	if _, err := manifold.PolicyV1alpha1().PropagationPolicies(s.namespace).Create(ctx, policy, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create policy: %w", err)
	}
	labels := map[string]string{"app": s.name}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: s.name},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(int32(s.replicas)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "nginx"}}},
			},
		},
	}
	if _, err := kube.AppsV1().Deployments(s.namespace).Create(ctx, deployment, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create deployment: %w", err)
	}
	return nil
}

// awaitReady returns when the status of the Deployment, which adds up that of all clusters, says that it is ready.
func awaitReady(ctx context.Context, kube kubernetes.Interface, s settings) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	factory := informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithNamespace(s.namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", s.name).String()
		}))
	defer factory.Shutdown()
	defer cancel() // before Shutdown, which waits for the informers
	ready := make(chan struct{}, 1)
	look := func(obj any) {
		if d, ok := obj.(*appsv1.Deployment); ok && d.Status.ObservedGeneration >= d.Generation && d.Status.ReadyReplicas == *d.Spec.Replicas {
			select {
			case ready <- struct{}{}:
			default: // it has been said
			}
		}
	}
	_, err := factory.Apps().V1().Deployments().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: look, UpdateFunc: func(_, obj any) { look(obj) },
	})
	if err != nil {
		return err
	}
	factory.StartWithContext(ctx)
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("deployment %s/%s is not ready after %v", s.namespace, s.name, s.patience)
	}
}

// list prints the pods of the Deployment in all clusters, and returns them.
func list(ctx context.Context, kube kubernetes.Interface, s settings, out io.Writer) ([]corev1.Pod, error) {
	pods, err := kube.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + s.name})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	if len(pods.Items) == 0 {
		return nil, errors.New("the Deployment is ready, and has no pods")
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		fmt.Fprintf(out, "pod %s: %s, cluster %s, node %s\n", pod.Name, pod.Status.Phase, pod.Labels["manifold-k8s.io/cluster"], pod.Spec.NodeName)
	}
	return pods.Items, nil
}

// follow streams the log of a pod, from some lines before its end on, until there have been as many lines or ctx ends.
func follow(ctx context.Context, kube kubernetes.Interface, pod *corev1.Pod, lines int64, out io.Writer) error {
	options := &corev1.PodLogOptions{Follow: true, TailLines: &lines}
	stream, err := kube.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
	if err != nil {
		return fmt.Errorf("log of %s: %w", pod.Name, err)
	}
	defer stream.Close()
	text := bufio.NewScanner(stream)
	for n := int64(0); n < lines && text.Scan(); n++ {
		fmt.Fprintf(out, "log of %s: %s\n", pod.Name, text.Text())
	}
	if err := text.Err(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("log of %s: %w", pod.Name, err)
	}
	return nil
}
