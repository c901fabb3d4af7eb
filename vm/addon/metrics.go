package addon

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	certutil "k8s.io/client-go/util/cert"

	"axolotl/internal/kube"
	"axolotl/vm/image"
)

var metrics = Addon{
	Name:      "metrics",
	Summary:   "metrics-server " + image.MetricsServer.Program.Version + " tells what pods and nodes use, for kubectl top and autoscalers",
	Image:     image.MetricsServer,
	manifest:  metricsManifest,
	complete:  certifyMetrics,
	elsewhere: metricsElsewhere,
	serving:   metricsAnswer,
}

// certifyMetrics gives the metrics server a certificate, and the API server the
// authority that signed it. The authority's key is thrown away: nobody can sign
// another with it, and the next installation has another authority.
func certifyMetrics(namespace string, objects []*unstructured.Unstructured) error {
	name := "metrics-server." + namespace + ".svc"
	chain, key, err := certutil.GenerateSelfSignedCertKey(name, nil, nil)
	if err != nil {
		return fmt.Errorf("make a certificate for %s: %w", name, err)
	}
	_, authority := pem.Decode(chain) // what follows the server's own
	if block, _ := pem.Decode(authority); block == nil {
		return fmt.Errorf("make a certificate for %s: no authority came with it", name)
	}
	encode := base64.StdEncoding.EncodeToString
	for _, object := range objects {
		switch object.GetKind() {
		case "Secret":
			err = errors.Join(err,
				unstructured.SetNestedField(object.Object, encode(chain), "data", "tls.crt"),
				unstructured.SetNestedField(object.Object, encode(key), "data", "tls.key"))
		case "APIService":
			err = errors.Join(err, unstructured.SetNestedField(object.Object, encode(authority), "spec", "caBundle"))
		}
	}
	return err
}

// metricsElsewhere tells whether somebody else has the API server's metrics
// answered.
func metricsElsewhere(ctx context.Context, client *kube.Client) (bool, error) {
	_, err := get(ctx, client, "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io")
	return isThere(err)
}

// metricsAnswer asks for the metrics of nodes, by way of the API server.
func metricsAnswer(ctx context.Context, client *kube.Client) error {
	data, err := get(ctx, client, "/apis/metrics.k8s.io/v1beta1/nodes")
	if err != nil {
		return err
	}
	var list metav1.PartialObjectMetadataList
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if len(list.Items) == 0 {
		return errors.New("there are no metrics of nodes yet")
	}
	return nil
}

func get(ctx context.Context, client *kube.Client, path string) ([]byte, error) {
	return client.Typed.Discovery().RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").DoRaw(ctx)
}
