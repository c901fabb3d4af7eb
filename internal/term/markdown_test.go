package term

import "testing"

func TestMarkdown(t *testing.T) {
	const text = "# Pods\n\nA **Pod** is *one*, see `get`:\n\n```sh\nkubectl get pods *a* \x1b[2J\n```\n- 2 * 3 * 4\n"
	want := "Pods\n\nA **Pod** is *one*, see `get`:\n\n    kubectl get pods *a* \\x1b[2J\n- 2 * 3 * 4\n"
	if got := Markdown(text, false); got != want {
		t.Errorf("plain:\n got %q\nwant %q", got, want)
	}
	want = "\x1b[1mPods\x1b[0m\n\nA \x1b[1mPod\x1b[0m is \x1b[3mone\x1b[0m, see \x1b[36mget\x1b[0m:\n\n" +
		"    \x1b[36mkubectl get pods *a* \\x1b[2J\x1b[0m\n- 2 * 3 * 4\n"
	if got := Markdown(text, true); got != want {
		t.Errorf("in colour:\n got %q\nwant %q", got, want)
	}
}
