package fault

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"axolotl/vm"
)

// linkDown is which cables are pulled.
type linkDown struct {
	// also that by which the host comes in, and a client with it
	Every bool `json:"every,omitempty" yaml:"every"`
}

// outside is the interface by which the host's forwards come in.
const outside = "eth0"

// links are the cards that the settings name, by the machine's name for them.
func (l *linkDown) links() map[string]vm.Card {
	links := map[string]vm.Card{segment: vm.SegmentCard}
	if l.Every {
		links[outside] = vm.OutsideCard
	}
	return links
}

func newNodeLinkDown() Fault {
	with := &linkDown{}
	const what = "cut off from their network"
	set := func(ctx context.Context, h *vm.Handle, o Object, up bool) error {
		linker, err := ability[vm.Linker](h, what)
		if err != nil {
			return err
		}
		for _, card := range with.links() {
			if err := linker.SetLink(ctx, h.Cluster, o.Name, card, up); err != nil {
				return err
			}
		}
		return nil
	}
	up := func(ctx context.Context, h *vm.Handle, o Object) (string, error) {
		return with.seen(ctx, h, o, "1", peerAnswers(h, o))
	}
	return &hosted{
		name: "node-link-down",
		doc: Doc{
			Does:   "pulls the cable by which nodes speak to one another, or every cable of theirs: the card has no carrier, and the machines go on running",
			Needs:  "machines that have cables (libvirt), and two of them unless every cable is pulled",
			Proved: "the machine itself says that its card has no carrier",
			Undone: "the cable is plugged in; the machine says that its card has a carrier, and another machine answers",
		},
		effect: Effect{On: OnNodes, Takes: TakesContact},
		with:   with,
		able: func(_ context.Context, h *vm.Handle) error {
			if _, err := ability[vm.Linker](h, what); err != nil {
				return err
			}
			if len(h.Cluster.Machines) < 2 && !with.Every {
				return fmt.Errorf("cluster %q has one machine, and so no traffic between machines; use one with --workers 1 or more, or set every: true", h.Cluster.Name)
			}
			return nil
		},
		// Who has pulled a cable before wants it so, and QEMU says of none whether
		// it is plugged in.
		note: func(ctx context.Context, h *vm.Handle, o Object) error {
			if _, err := up(ctx, h, o); err != nil {
				return fmt.Errorf("it has no link to lose: %w", err)
			}
			return nil
		},
		inject: func(ctx context.Context, h *vm.Handle, o Object) error { return set(ctx, h, o, false) },
		injected: func(ctx context.Context, h *vm.Handle, o Object) (string, error) {
			return with.seen(ctx, h, o, "0", "")
		},
		undo:   func(ctx context.Context, h *vm.Handle, o Object) error { return set(ctx, h, o, true) },
		undone: up,
	}
}

// seen asks a machine itself for the carriers of its cards, by a way that needs
// none of them.
func (l *linkDown) seen(ctx context.Context, h *vm.Handle, o Object, carrier, more string) (string, error) {
	script := ""
	for _, nic := range slices.Sorted(maps.Keys(l.links())) {
		script += fmt.Sprintf("read -r carrier </sys/class/net/%[1]s/carrier\necho \"%[1]s: carrier $carrier\"\n[ \"$carrier\" = %[2]s ]\n", nic, carrier)
	}
	said, err := shell(ctx, h, o.Name, script+more)
	if err != nil {
		return "", fmt.Errorf("the carrier is not %s everywhere: %w", carrier, err)
	}
	return fmt.Sprintf("machine %s: %s", o.Name, said), nil
}

// peerAnswers is a script that asks another machine, where there is one.
func peerAnswers(h *vm.Handle, o Object) string {
	for _, m := range h.Cluster.Machines {
		if m.Name != o.Name {
			return fmt.Sprintf("peer='%s'\n%secho \"$peer answers\"\n", m.Address, reached)
		}
	}
	return ""
}
