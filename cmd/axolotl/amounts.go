package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"

	"axolotl/vm/cluster"
)

// parseSpan reads a time span: days, which durations do not have, or a duration.
func parseSpan(value string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(value, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * oneDay, err
	}
	return time.ParseDuration(value)
}

// span is a time span as the value of a flag.
type span time.Duration

// spanVar adds a flag that is a time span to a command.
func spanVar(cmd *cobra.Command, into *time.Duration, name string, value time.Duration, usage string) {
	*into = value
	cmd.Flags().Var((*span)(into), name, usage)
}

// Set implements pflag.Value.
func (s *span) Set(value string) error {
	d, err := parseSpan(value)
	if err != nil {
		return fmt.Errorf("%q is no time span; use for instance 90s, 36h or 7d", value)
	}
	*s = span(d)
	return nil
}

// String implements pflag.Value.
func (s *span) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}

// Type implements pflag.Value.
func (s *span) Type() string { return "duration" }

// age is a time span that is not nothing.
type age time.Duration

const oneDay = 24 * time.Hour

// Set implements pflag.Value.
func (a *age) Set(value string) error {
	d, err := parseSpan(value)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no time span; use for instance 90d or 36h", value)
	}
	*a = age(d)
	return nil
}

// String implements pflag.Value.
func (a *age) String() string {
	switch d := time.Duration(*a); {
	case d == 0:
		return ""
	case d%oneDay == 0:
		return fmt.Sprintf("%dd", d/oneDay)
	}
	return time.Duration(*a).String()
}

// Type implements pflag.Value.
func (a *age) Type() string { return "duration" }

// memoryFlag is an amount of memory as the value of a flag: a number of MiB, or as
// files of clusters have it.
type memoryFlag int

// Set implements pflag.Value.
func (m *memoryFlag) Set(value string) error {
	if n, err := strconv.Atoi(value); err == nil {
		*m = memoryFlag(n)
		return nil
	}
	return (*cluster.Mebibytes)(m).UnmarshalText([]byte(value))
}

// String implements pflag.Value.
func (m *memoryFlag) String() string { return strconv.Itoa(int(*m)) }

// Type implements pflag.Value.
func (m *memoryFlag) Type() string { return "MiB" }

// bytesFlag is an amount of bytes as the value of a flag, in the way that
// Kubernetes writes one.
type bytesFlag int64

// Set implements pflag.Value.
func (b *bytesFlag) Set(value string) error {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		return fmt.Errorf("%q is no amount of bytes; use for instance 200Mi or 1Gi", value)
	}
	*b = bytesFlag(q.Value())
	return nil
}

// String implements pflag.Value.
func (b *bytesFlag) String() string {
	if *b == 0 {
		return ""
	}
	return resource.NewQuantity(int64(*b), resource.BinarySI).String()
}

// Type implements pflag.Value.
func (b *bytesFlag) Type() string { return "bytes" }
