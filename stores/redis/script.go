package redis

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"

	"github.com/redis/go-redis/v9"
)

// script is a Lua script, sent by its digest once the server knows it.
type script struct{ source, digest string }

func newScript(source string) script {
	sum := sha1.Sum([]byte(source)) // the name that Redis gives it, no protection
	return script{source, hex.EncodeToString(sum[:])}
}

var (
	//go:embed lua/commit.lua
	commitLua string
	//go:embed lua/get.lua
	getLua string
	//go:embed lua/find.lua
	findLua string
	//go:embed lua/sweep.lua
	sweepLua string
	//go:embed lua/index.lua
	indexLua string
	//go:embed lua/swap.lua
	swapLua string
	//go:embed lua/ready.lua
	readyLua string
	//go:embed lua/lease.lua
	leaseLua string
	//go:embed lua/fill.lua
	fillLua string

	commitScript = newScript(commitLua)
	getScript    = newScript(getLua)
	findScript   = newScript(findLua)
	sweepScript  = newScript(sweepLua)
	indexScript  = newScript(indexLua)
	swapScript   = newScript(swapLua)
	readyScript  = newScript(readyLua)
	leaseScript  = newScript(leaseLua)
	fillScript   = newScript(fillLua)
)

// command returns EVALSHA, or EVAL with the whole source.
func (sc script) command(ctx context.Context, name string, keys []string, args []string) *redis.Cmd {
	line := make([]any, 0, 3+len(keys)+len(args))
	body := sc.digest
	if name == "eval" {
		body = sc.source
	}
	line = append(line, name, body, len(keys))
	for _, k := range keys {
		line = append(line, k)
	}
	for _, a := range args {
		line = append(line, a)
	}
	return redis.NewCmd(ctx, line...)
}

// run runs a script that does no harm when it runs twice, and returns its answer.
func (sc script) run(ctx context.Context, client redis.UniversalClient, keys []string, args ...string) (any, error) {
	return sc.send(ctx, keys, args, func(cmd *redis.Cmd) error { return client.Process(ctx, cmd) })
}

// send sends the digest, and the source if the server does not know it: then nothing was run.
func (sc script) send(ctx context.Context, keys, args []string, process func(*redis.Cmd) error) (any, error) {
	cmd := sc.command(ctx, "evalsha", keys, args)
	err := process(cmd)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		cmd = sc.command(ctx, "eval", keys, args)
		err = process(cmd)
	}
	return cmd.Val(), err
}
