package schedule

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/robfig/cron/v3"

	"axolotl/internal/strictyaml"
)

// CronError is what is wrong with a cron expression, and where: Offset counts
// its bytes from 0.
type CronError struct {
	Expression string
	Offset     int
	Message    string
}

// Error shows the expression with a caret below the place.
func (e *CronError) Error() string {
	at := len([]rune(e.Expression[:min(e.Offset, len(e.Expression))]))
	return fmt.Sprintf("cron: %s\n  %s\n  %s^", e.Message, e.Expression, strings.Repeat(" ", at))
}

// cronFields are the names of the five fields, in order.
var cronFields = []string{"minute", "hour", "day of the month", "month", "day of the week"}

// cronWords are the words that stand for expressions.
var cronWords = []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@every"}

// parseCron reads an expression of five fields, or a word. The error is a
// *CronError.
func parseCron(text string) (cron.Schedule, error) {
	if strings.HasPrefix(text, "@") {
		return parseWord(text)
	}
	fields := splitFields(text)
	fail := func(offset int, format string, args ...any) (cron.Schedule, error) {
		return nil, &CronError{text, offset, fmt.Sprintf(format, args...)}
	}
	switch {
	case len(fields) > 0 && strings.Contains(fields[0].text, "="):
		return fail(fields[0].offset, "the time zone stands in the field zone; leave it out here")
	case len(fields) > len(cronFields):
		return fail(fields[len(cronFields)].offset, "%d fields; five are wanted: %s", len(fields), strings.Join(cronFields, ", "))
	case len(fields) < len(cronFields):
		return fail(len(text), "%d fields; the %s is missing", len(fields), cronFields[len(fields)])
	}
	for i, f := range fields {
		if offset, message := faultOfField(i, f.text); message != "" {
			return fail(f.offset+offset, "%s: %s", cronFields[i], message)
		}
	}
	parsed, err := cron.ParseStandard(text)
	if err != nil { // each field was read alone, so this is about none of them
		return fail(0, "%v", err)
	}
	return parsed, nil
}

// parseWord reads "@daily" and the like.
func parseWord(text string) (cron.Schedule, error) {
	word, duration, _ := strings.Cut(text, " ")
	if word == "@every" {
		d, err := time.ParseDuration(duration)
		if err != nil || d < time.Second || d%time.Second != 0 {
			return nil, &CronError{text, len(text) - len(duration), fmt.Sprintf("want whole seconds such as 90s or 1h30m, found %q", duration)}
		}
	}
	parsed, err := cron.ParseStandard(text)
	if err != nil {
		return nil, &CronError{text, 0, fmt.Sprintf("unknown word %q%s; use %s or five fields",
			text, strictyaml.DidYouMean(word, cronWords), strings.Join(cronWords, ", "))}
	}
	return parsed, nil
}

// field is a part of an expression and where it begins, in bytes.
type field struct {
	text   string
	offset int
}

// splitFields splits at spaces, as strings.Fields does.
func splitFields(text string) []field {
	var fields []field
	start := -1
	for i, r := range text + " " {
		switch {
		case unicode.IsSpace(r) && start >= 0:
			fields = append(fields, field{text[start:i], start})
			start = -1
		case !unicode.IsSpace(r) && start < 0:
			start = i
		}
	}
	return fields
}

// faultOfField says what is wrong with the nth field and at which byte of it,
// or "". The library tells no place, so it is asked again and again, with a
// longer beginning each time: the first that it does not take ends where the
// fault is.
func faultOfField(nth int, text string) (offset int, message string) {
	at := 0
	for _, part := range strings.Split(text, ",") {
		if part == "" {
			return at, "nothing stands here"
		}
		if readField(nth, part) != nil {
			begin := 0
			for end := 1; end <= len(part); end++ {
				if end < len(part) && part[end] != '-' && part[end] != '/' {
					continue
				}
				if err := readField(nth, part[:end]); err != nil {
					return at + begin, wordsOf(err, part[:end], part[begin:end])
				}
				begin = end + 1
			}
		}
		at += len(part) + 1
	}
	return 0, ""
}

// readField reads one field alone.
func readField(nth int, text string) error {
	fields := strings.Fields("* * * * *")
	fields[nth] = text
	_, err := cron.ParseStandard(strings.Join(fields, " "))
	return err
}

// wordsOf is what the library says, without what is shown anyway.
func wordsOf(err error, read, last string) string {
	if strings.HasPrefix(err.Error(), "failed to parse int") {
		return fmt.Sprintf("%q is neither a number nor a name", last)
	}
	return strings.TrimSuffix(err.Error(), ": "+read)
}
