/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	policyv1alpha1 "github.com/manifold-k8s/manifold/apis/policy/v1alpha1"
)

var errDocuments = errors.New("the text holds more than one document")

// overrideField patches the document inside a text field.
func overrideField(obj map[string]any, o policyv1alpha1.FieldOverrider) error {
	text, err := lookupString(obj, o.FieldPath)
	if err != nil {
		return err
	}
	if len(o.JSON) > 0 {
		if text, err = patchJSONText(text, o.JSON); err != nil {
			return err
		}
	}
	if len(o.YAML) > 0 {
		if text, err = patchYAMLText(text, o.YAML); err != nil {
			return err
		}
	}
	_, err = patch(obj, policyv1alpha1.OverriderOpReplace, o.FieldPath, text)
	return err
}

func patchJSONText(text string, ops []policyv1alpha1.JSONPatchOperation) (string, error) {
	doc, err := decodeVerbatim([]byte(text))
	if err != nil {
		return "", fmt.Errorf("read the embedded JSON: %w", err)
	}
	for _, op := range ops {
		if doc, err = patchText(doc, op.Operator, op.SubPath, op.Value); err != nil {
			return "", err
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // the text is no web page
	if err := enc.Encode(doc); err != nil {
		return "", fmt.Errorf("write the embedded JSON: %w", err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// patchYAMLText loses comments and the order of keys, as the text is written anew.
func patchYAMLText(text string, ops []policyv1alpha1.YAMLPatchOperation) (string, error) {
	if several(text) {
		return "", errDocuments // all but the first would be lost
	}
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return "", fmt.Errorf("read the embedded YAML: %w", err)
	}
	doc, err := decodeVerbatim(asJSON)
	if err != nil {
		return "", fmt.Errorf("read the embedded YAML: %w", err)
	}
	for _, op := range ops {
		if doc, err = patchText(doc, op.Operator, op.SubPath, op.Value); err != nil {
			return "", err
		}
	}
	out, err := yaml.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("write the embedded YAML: %w", err)
	}
	return string(out), nil
}

// patchText applies one operation to an embedded document, which, other than an object, may be replaced as a whole.
func patchText(doc any, op policyv1alpha1.OverriderOperator, pointer string, value apiextensionsv1.JSON) (any, error) {
	var v any
	if len(value.Raw) > 0 {
		var err error
		if v, err = decodeVerbatim(value.Raw); err != nil {
			return nil, fmt.Errorf("read the value: %w", err)
		}
	}
	if pointer == "" && (op == policyv1alpha1.OverriderOpAdd || op == policyv1alpha1.OverriderOpReplace) {
		return v, nil
	}
	return patch(doc, op, pointer, v)
}

// decodeVerbatim reads one JSON document and keeps its numbers as they are written.
func decodeVerbatim(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errDocuments
	}
	return doc, nil
}

// several says whether a separator stands behind anything but blank lines and comments.
func several(text string) bool {
	content := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		switch {
		case line == "---" || strings.HasPrefix(line, "--- "):
			if content {
				return true
			}
		case line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "%"):
			content = true
		}
	}
	return false
}
