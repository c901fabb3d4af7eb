package fault

// node-reboot and kernel-panic are started by systemd a second later, so that the agent can
// answer first. What has not yet come is called off by the undo.
const (
	bootUnit = "axolotl-chaos-boot"
	bootLate = "systemd-run --quiet --collect --unit=" + bootUnit + " --on-active=1 --timer-property=AccuracySec=100ms "
	bootOff  = "systemctl stop " + bootUnit + ".timer " + bootUnit + ".service 2>/dev/null || true\n"
)
