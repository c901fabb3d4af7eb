package fault

import "strconv"

// keep is how much of a resource a machine keeps.
type keep struct {
	Percent int `json:"percent" yaml:"percent"` // of its memory that the machine keeps at most, 10 to 90
}

// Check implements Checked.
func (k *keep) Check() []Wrong { return between("percent", k.Percent, 10, 90) }

func (k *keep) variables() map[string]string {
	return map[string]string{"percent": strconv.Itoa(k.Percent)}
}

// Memory is taken as a host takes it that unplugs it: block by block, 128 MiB each
// on small machines, which the kernel empties first. What cannot be moved from a
// block, as the kernel's own data, keeps it: so the highest are tried first, each for
// a while, as the kernel tries without end otherwise.
//
// A balloon would not do: QEMU (7.2) also cuts what a balloon takes out of the file
// that a machine's memory is mapped from, and so out of the golden snapshot.
const (
	memoryBlocks = `cd /sys/devices/system/memory
online() { grep -l '^online$' memory*/state | tr -dc '0-9\n' | sort -rn; }
count() { online | wc -l; }
total() { sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo; }
`
	memoryWant = memoryBlocks + `set -- $was
all=$(($# - 1))
want=$((all * percent / 100))
`
)

func newMemorySqueezed() Fault {
	return &guest{
		name: "memory-squeezed",
		doc: Doc{
			Does:   "takes a part of nodes' memory away, as a host that unplugs it: the machine has less from then on, and what was in there moves",
			Needs:  pressureNeeds,
			Proved: "the kernel has no more of its blocks of memory, and less memory in total",
			Undone: "each block that there was is back; the kernel says so",
		},
		effect:    Effect{On: OnNodes, Takes: TakesNothing},
		endangers: anyPod,
		with:      &keep{Percent: 50},
		commands: commands{
			Was: memoryBlocks + "echo $(total) $(online)\n",
			Inject: memoryWant + `for pass in 1 2; do
  for block in $(online); do
    [ $(count) -gt $want ] || break 2
    timeout 3 sh -c "echo offline >memory$block/state" 2>/dev/null || true
  done
done
[ $(count) -le $want ] || { echo "only $((all - $(count))) of $all blocks of memory could be taken: what is in the others cannot be moved; set percent to more" >&2; exit 1; }
`,
			Injected: memoryWant + `[ $(count) -le $want ]
[ $(total) -lt $1 ]
echo "$(($(total) / 1024)) MiB of memory are left of $(($1 / 1024)), $(count) of $all blocks"
`,
			Undo: memoryWant + `shift
for block; do
  [ ! -e memory$block ] || [ "$(cat memory$block/state)" = online ] || echo online >memory$block/state
done
`,
			Undone: memoryWant + `shift
for block; do
  [ ! -e memory$block ] || [ "$(cat memory$block/state)" = online ]
done
echo "$(($(total) / 1024)) MiB of memory are there"
`,
		},
	}
}
