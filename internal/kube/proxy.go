package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// Answer is what an app said.
type Answer struct {
	Status int
	Body   string // the first 64 KiB
}

// UnreachableError is the API server's own word that it could not reach the
// app: no such pod, no endpoints, connection refused.
type UnreachableError struct {
	Status  int
	Message string
}

// Error is the API server's message.
func (e *UnreachableError) Error() string { return e.Message }

// ProxyGet asks an app through the API server's proxy. resource is "pods" or
// "services", port may be 0 where the pod or Service has one only, path begins
// with "/" and may have a query. Redirects are answers, not followed. The
// error is *UnreachableError where the app was not reached but the API server
// was.
func (c *Client) ProxyGet(ctx context.Context, namespace, resource, name string, port int, path string) (*Answer, error) {
	shared, err := rest.HTTPClientFor(c.Config)
	if err != nil {
		return nil, err
	}
	target, err := c.proxyURL(namespace, resource, name, port, path)
	if err != nil {
		return nil, err
	}
	response, body, err := get(ctx, shared, target)
	if err != nil {
		return nil, err
	}
	if status := apiStatus(response, body); status != nil {
		return nil, &UnreachableError{Status: response.StatusCode, Message: status.Message}
	}
	return &Answer{Status: response.StatusCode, Body: string(body)}, nil
}

// direct makes a connection of its own for each request, as a client does that
// comes for the first time.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// Get asks a URL past the API server, without a proxy. Redirects are answers,
// not followed.
func Get(ctx context.Context, url string) (*Answer, error) {
	response, body, err := get(ctx, direct, url)
	if err != nil {
		return nil, err
	}
	return &Answer{Status: response.StatusCode, Body: string(body)}, nil
}

func get(ctx context.Context, shared *http.Client, target string) (*http.Response, []byte, error) {
	client := *shared // it may be http.DefaultClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return nil, nil, fmt.Errorf("read the answer of %s: %w", target, err)
	}
	return response, body, nil
}

func (c *Client) proxyURL(namespace, resource, name string, port int, path string) (string, error) {
	config := rest.CopyConfig(c.Config)
	config.GroupVersion = &metav1.Unversioned
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return "", err
	}
	if port != 0 {
		name = fmt.Sprintf("%s:%d", name, port)
	}
	rawPath, query, _ := strings.Cut(path, "?")
	target := base.JoinPath("/api/v1/namespaces", url.PathEscape(namespace), resource, url.PathEscape(name), "proxy")
	return target.String() + rawPath + withQuery(query), nil
}

func withQuery(query string) string {
	if query == "" {
		return ""
	}
	return "?" + query
}

// apiStatus tells the API server's own failure from an app's: it is a Status
// object, which the app in its place would not send.
func apiStatus(response *http.Response, body []byte) *metav1.Status {
	if response.StatusCode < 400 || !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		return nil
	}
	status := &metav1.Status{}
	if json.Unmarshal(body, status) != nil || status.Kind != "Status" || status.APIVersion != "v1" {
		return nil
	}
	return status
}
