package mail

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
)

// Console returns a sender that writes messages to w, for development: to, subject and text, links included. What is
// read there can be used to sign in, so never let it be a production log. Each message is one Write.
func Console(w io.Writer) Sender { return &console{w: w} }

type console struct {
	mu sync.Mutex
	w  io.Writer
}

// Send writes m; control characters other than the line feeds of the text are left out, so that nothing can address
// the terminal.
func (c *console) Send(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s to %s ---\n", oneLine(string(m.Channel), maxValue), oneLine(m.To, maxAddress))
	if m.Subject != "" {
		fmt.Fprintf(&b, "Subject: %s\n\n", oneLine(m.Subject, maxValue))
	}
	for text := range strings.SplitSeq(strings.TrimSpace(m.Text), "\n") {
		b.WriteString(strings.TrimRight(strings.Map(printable, text), " ") + "\n")
	}
	b.WriteString("---\n")
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.WriteString(c.w, b.String()); err != nil {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// printable drops control characters.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}
