package libvirt

import (
	"context"
	"errors"
	"fmt"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

// RestoreVariable says in which form machines are kept on this host, against
// what a proof would say: vm.Mapped or vm.Saved.
const RestoreVariable = "AXOLOTL_RESTORE"

// Form implements vm.Freezer.
func (d *Driver) Form(ctx context.Context, spec *vm.Spec, step *term.Step) (form vm.Form, why string, err error) {
	if err := errors.Join(d.checkPlace(), d.BootOnly(), checkRestore(d.restore)); err != nil {
		return "", "", err
	}
	if err := d.settleAcceleration(ctx, spec, step); err != nil {
		return "", "", err
	}
	switch form := vm.Form(d.restore); form {
	case vm.Mapped, vm.Saved:
		return form, RestoreVariable + " says so", nil
	}
	if step != nil {
		step.Status("seeing whether memory can be mapped here")
	}
	proof, err := d.proveMapping(ctx, spec.Accel)
	if err != nil {
		return "", "", err
	}
	if proof.Works {
		return vm.Mapped, proof.Why, nil
	}
	return vm.Saved, fmt.Sprintf("%s; %s=%s does without this proof", proof.Why, RestoreVariable, vm.Mapped), nil
}

// settleAcceleration completes a spec by the acceleration that is proved here.
func (d *Driver) settleAcceleration(ctx context.Context, spec *vm.Spec, step *term.Step) error {
	if spec.Accel == AccelKVM || spec.Accel == AccelTCG {
		return nil // asked for, or proved before
	}
	img, err := image.Ensure(ctx, d.home, step.Progress())
	if err != nil {
		return err
	}
	step.Status("booting a small guest")
	spec.Accel, _, err = d.Acceleration(ctx, img)
	return err
}

// checkRestore refuses a form that there is not.
func checkRestore(asked string) error {
	switch vm.Form(asked) {
	case "", vm.Mapped, vm.Saved:
		return nil
	}
	return fmt.Errorf("%s=%s: there is no such form; set it to %s or %s, or unset it and have it proved",
		RestoreVariable, asked, vm.Mapped, vm.Saved)
}
