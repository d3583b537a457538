/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package explain is the command that tells why an object is where it is: which policy governs it, which clusters have it
// and why, and what overrides change there. The hub answers; this prints it.
package explain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/cli/access"
)

const long = `Tell why an object of the hub is where it is, or why it is not.

Printed are the policy that governs it and why each other one does not; for every cluster the number of
replicas and the reason; which override changed which field in which cluster; what is suspended and what is
wrong. What the object looks like in a cluster is printed by --render, and what is different there by --diff.

The right to get the object, and its subresource explain, is needed; the roles view, edit and admin have the latter.`

const example = `  # Why is this Deployment where it is?
  kubectl manifold explain deploy/nginx

  # Likewise, in another namespace
  kubectl manifold explain configmap settings -n team-a

  # What member2 is sent
  kubectl manifold explain deploy/nginx --render member2

  # In which lines that is not the template
  kubectl manifold explain deploy/nginx --diff member2

  # In which lines what member2 has is not what it is sent
  kubectl manifold explain deploy/nginx --diff member2 --live`

// options is what the command line says, the hub's flags aside.
type options struct {
	output string // "", json or yaml
	render string // name of a cluster, or empty
	diff   string // likewise
	live   bool   // compare with what the cluster has
}

// NewCommand returns the command. hub holds the flags that lead to the hub, which are added elsewhere.
func NewCommand(hub *access.HubFlags, streams genericiooptions.IOStreams) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:     "explain (KIND/NAME | KIND NAME)",
		Short:   "Tell why an object is in which clusters, and what is different there",
		Long:    long,
		Example: example,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 || (len(args) == 1) != strings.Contains(args[0], "/") {
				return fmt.Errorf("name one object, such as deployment/nginx; not %q", strings.Join(args, " "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context(), hub, args, streams.Out)
		},
	}
	fs := cmd.Flags()
	fs.StringVarP(&o.output, "output", "o", "", "Print the whole answer as json or yaml.")
	fs.StringVar(&o.render, "render", "", "Name of a cluster: print the object that it is sent, as YAML.")
	fs.StringVar(&o.diff, "diff", "", "Name of a cluster: print in which lines the object that it is sent is not the template.")
	fs.BoolVar(&o.live, "live", false, "With --diff: print instead in which lines what the cluster has is not what it is sent. It is read from the cluster, as you.")
	return cmd
}

func (o *options) validate() error {
	var errs []error
	if !slices.Contains([]string{"", "json", "yaml"}, o.output) {
		errs = append(errs, fmt.Errorf("invalid --output %q: json and yaml are known", o.output))
	}
	given := 0
	for _, flag := range []string{o.output, o.render, o.diff} {
		if flag != "" {
			given++
		}
	}
	if given > 1 {
		errs = append(errs, errors.New("--output, --render and --diff exclude one another: give one of them"))
	}
	if o.live && o.diff == "" {
		errs = append(errs, errors.New("--live goes with --diff CLUSTER"))
	}
	return errors.Join(errs...)
}

func (o *options) run(ctx context.Context, hub *access.HubFlags, args []string, out io.Writer) error {
	server, err := hub.Reach(ctx)
	if err != nil {
		return err
	}
	object, err := hub.Object(args)
	if err != nil {
		return err
	}
	e, err := ask(ctx, server, object, o.render+o.diff) // at most one is given
	if err != nil {
		return err
	}
	switch {
	case o.render != "":
		return printManifest(out, e, o.render)
	case o.live:
		has, err := read(ctx, server, object, e, o.diff)
		if err != nil {
			return err
		}
		return printLive(out, e, o.diff, has)
	case o.diff != "":
		return printDiff(out, e, o.diff)
	case o.output != "":
		return printWhole(out, e, o.output)
	}
	return printText(out, e)
}

// ask gets the explanation of an object, with the manifest of a cluster unless that is empty.
func ask(ctx context.Context, server *access.Server, object *resource.Info, cluster string) (*hubv1alpha1.Explanation, error) {
	req := server.Kube.Discovery().RESTClient().Get().AbsPath(pathOf(object), hubv1alpha1.ExplainSubresource)
	if cluster != "" {
		req = req.Param(hubv1alpha1.ExplainClusterParameter, cluster)
	}
	body, err := raw(req.Do(ctx))
	switch {
	case apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse):
		return nil, fmt.Errorf("%s does not explain: it is no hub, or an older one: %w", server.Host, err)
	case err != nil:
		return nil, err
	}
	e := &hubv1alpha1.Explanation{}
	if err := json.Unmarshal(body, e); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", server.Host, err)
	}
	if e.Kind != "Explanation" {
		return nil, fmt.Errorf("the answer of %s is a %s, no Explanation", server.Host, e.Kind)
	}
	return e, nil
}

// read gets the object as a cluster has it, nil if it has none.
func read(ctx context.Context, server *access.Server, object *resource.Info, e *hubv1alpha1.Explanation, cluster string) (*runtime.RawExtension, error) {
	proxy := path.Join("/apis/cluster.karmada.io/v1alpha1/clusters", cluster, "proxy")
	at := *object.Mapping
	at.Resource.Version = versionOf(e.Template.APIVersion) // in which the template is propagated
	there := *object
	there.Mapping = &at
	body, err := raw(server.Kube.Discovery().RESTClient().Get().AbsPath(proxy, pathOf(&there)).Do(ctx))
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the object in %s: %w", cluster, err)
	}
	return &runtime.RawExtension{Raw: body}, nil
}

// raw returns the body of an answer, or the error that the server gives.
func raw(answer rest.Result) ([]byte, error) {
	if err := answer.Error(); err != nil { // unlike that of Raw, read from the body
		return nil, err
	}
	return answer.Raw()
}

// versionOf returns the version without the group.
func versionOf(apiVersion string) string {
	return apiVersion[strings.LastIndex(apiVersion, "/")+1:]
}

// pathOf is where an object is served.
func pathOf(object *resource.Info) string {
	r := object.Mapping.Resource
	parts := []string{"/apis", r.Group, r.Version}
	if r.Group == "" {
		parts = []string{"/api", r.Version}
	}
	if object.Namespace != "" {
		parts = append(parts, "namespaces", object.Namespace)
	}
	return path.Join(append(parts, r.Resource, object.Name)...)
}

func printWhole(out io.Writer, e *hubv1alpha1.Explanation, format string) error {
	data, err := json.MarshalIndent(e, "", "    ")
	if err == nil && format == "yaml" {
		data, err = yaml.Marshal(e)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, strings.TrimSuffix(string(data), "\n"))
	return err
}
