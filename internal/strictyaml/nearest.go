package strictyaml

import "fmt"

// DidYouMean returns ` (did you mean "x"?)` with the known word that is nearest
// to an unknown one, or "" where none is near.
func DidYouMean(unknown string, known []string) string {
	if len(unknown) > 64 {
		return ""
	}
	best, distance := "", min(2, len(unknown)/2)+1
	for _, word := range known {
		if d := editDistance(unknown, word); d < distance {
			best, distance = word, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// editDistance counts the single-character insertions, deletions and
// replacements between two words (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
