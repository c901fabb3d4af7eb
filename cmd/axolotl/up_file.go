package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"axolotl/vm/cluster"
	"axolotl/vm/libvirt"
	"axolotl/vm/local"
)

// shapeFlags say what machines are made; a file says it in their place.
var shapeFlags = []string{"control-planes", "workers", "cpus", "memory", "disk"}

// changed are the flags of these that were given.
func changed(cmd *cobra.Command, names ...string) []string {
	var given []string
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	return given
}

// read takes what the cluster is from a file.
func (f *upFlags) read(cmd *cobra.Command, path string) (err error) {
	if given := changed(cmd, slices.Concat(shapeFlags, outsideFlagNames, []string{"driver", "context", "source-kubeconfig"})...); len(given) > 0 {
		return codedError{fmt.Errorf("leave %s out: the file says it", strings.Join(given, " and ")), exitUsage}
	}
	drivers := []string{driverAuto, libvirt.Name, local.Name}
	f.file, err = cluster.ReadFile(path, drivers, mostWorkers)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; 'axolotl up --help' says what such a file is for, 'axolotl up --format' what may stand in it", err)
	}
	if err != nil {
		return err
	}
	if f.file.Driver != "" {
		f.driver = f.file.Driver
	}
	if connect := f.file.Connect(); connect != "" {
		if f.connect != "" {
			return codedError{errors.New("leave --connect out: the file says on which host"), exitUsage}
		}
		f.connect = connect
	}
	return nil
}
