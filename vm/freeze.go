package vm

import "fmt"

// BootOnly is a Freezer and Saver whose machines are, in some places, neither
// frozen nor saved.
type BootOnly interface {
	// BootOnly returns nil where they can be, and else why not.
	BootOnly() error
}

// FreezerOf returns what freezes the machines of a driver, or an error that says
// why nothing does.
func FreezerOf(driver Driver) (Freezer, error) {
	freezer, ok := driver.(Freezer)
	if !ok {
		return nil, fmt.Errorf("driver %s makes no golden snapshots: its clusters boot in seconds", driver.Name())
	}
	return freezer, bootOnly(driver)
}

// SaverOf returns what saves the machines of a driver, or an error that says why
// nothing does.
func SaverOf(driver Driver) (Saver, error) {
	saver, ok := driver.(Saver)
	if !ok {
		return nil, fmt.Errorf("driver %s can save no snapshots: it does not own the machines", driver.Name())
	}
	return saver, bootOnly(driver)
}

func bootOnly(driver Driver) error {
	if limited, ok := driver.(BootOnly); ok {
		return limited.BootOnly()
	}
	return nil
}
