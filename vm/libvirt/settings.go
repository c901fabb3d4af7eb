package libvirt

import (
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"axolotl/vm"
	"axolotl/vm/image"
)

// kubeletConfig is the kubelet's configuration of the node image with what is
// changed in it.
func kubeletConfig(changed *vm.Kubelet) (string, error) {
	base, err := image.RootFile("etc/kubernetes/kubelet.yaml")
	if err != nil {
		return "", err
	}
	var config map[string]any
	if err := yaml.Unmarshal(base, &config); err != nil {
		return "", err
	}
	data, err := json.Marshal(changed)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(data, &config); err != nil { // over what is there
		return "", err
	}
	text, err := yaml.Marshal(config)
	return string(text), err
}

// apiServerDropIn has systemd start the API server as the node image does, with
// more flags.
func apiServerDropIn(changed *vm.APIServer) (string, error) {
	const unit = "etc/systemd/system/kube-apiserver.service"
	base, err := image.RootFile(unit)
	if err != nil {
		return "", err
	}
	var start []string
	for line := range strings.SplitSeq(string(base), "\n") {
		goesOn := len(start) > 0 && strings.HasSuffix(start[len(start)-1], `\`)
		if goesOn || strings.HasPrefix(line, "ExecStart=") {
			start = append(start, line)
		}
	}
	if len(start) == 0 {
		return "", fmt.Errorf("%s starts nothing", unit)
	}
	return "[Service]\nExecStart=\n" + strings.Join(start, "\n") + " \\\n  " + strings.Join(changed.Flags(), " ") + "\n", nil
}
