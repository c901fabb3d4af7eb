package cluster

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"

	"axolotl/vm"
)

// isOurKubelet returns nil where a request for a serving certificate comes
// from the node that it is for, and asks for that machine's name and address
// only.
func isOurKubelet(csr *certificatesv1.CertificateSigningRequest, c *vm.Cluster) error {
	block, _ := pem.Decode(csr.Spec.Request)
	if block == nil {
		return errors.New("it holds no PEM block")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return err
	}
	if err := request.CheckSignature(); err != nil {
		return err
	}
	for i := range c.Machines {
		m := &c.Machines[i]
		if csr.Spec.Username != "system:node:"+m.Name {
			continue
		}
		if request.Subject.CommonName != csr.Spec.Username || !slices.Equal(request.Subject.Organization, []string{"system:nodes"}) {
			return fmt.Errorf("%s asks for subject %q", csr.Spec.Username, request.Subject)
		}
		for _, name := range request.DNSNames {
			if name != m.Name {
				return fmt.Errorf("%s asks for the name %q", csr.Spec.Username, name)
			}
		}
		for _, ip := range request.IPAddresses {
			if m.Address != "" && ip.String() != m.Address {
				return fmt.Errorf("%s asks for the address %s", csr.Spec.Username, ip)
			}
		}
		if len(request.EmailAddresses) > 0 || len(request.URIs) > 0 {
			return fmt.Errorf("%s asks for mail addresses or URIs", csr.Spec.Username)
		}
		return nil
	}
	return fmt.Errorf("%q is no machine of cluster %q", csr.Spec.Username, c.Name)
}
