package oneauth_test

import (
	"log/slog"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/clock"
)

// held is an environment with a clock that stands still.
func held(c *clock.Held) core.Env { return core.Env{Now: c.Now, Log: slog.New(slog.DiscardHandler)} }
