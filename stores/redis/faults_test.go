package redis_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// token is a record that is used up once.
type token struct {
	ID   string `record:"id"`
	User string `record:"user_id,term"`
	Used int64  `record:"used"`
}

var (
	tokens  = record.Define[token]("token", 1)
	errUsed = errors.New("used before")
)

func inTenant(ctx context.Context) context.Context { return record.WithTenant(ctx, "t1") }

// openDB opens a kernel over b, with the kind of tokens.
func openDB(t testing.TB, b record.Backend) *record.DB {
	t.Helper()
	db, err := record.Open(context.Background(), b, record.Options{}, tokens.Kind())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func issue(ctx context.Context, db *record.DB, id string) error {
	return db.Update(inTenant(ctx), func(tx *record.Tx) error { return tokens.In(tx).Insert(&token{ID: id, User: "ann"}) })
}

func redeem(ctx context.Context, db *record.DB, id string) error {
	return db.Update(inTenant(ctx), func(tx *record.Tx) error {
		tok, err := tokens.In(tx).Get(id)
		if err != nil {
			return err
		}
		if tok.Used != 0 {
			return errUsed
		}
		tok.Used++
		return tokens.In(tx).Put(tok)
	})
}

// behind returns a store behind a proxy, and one on the server itself; nil where there is no Redis.
func behind(t *testing.T) (p *parts.Proxy, through, direct *redis.Store) {
	t.Helper()
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return nil, nil, nil
	}
	p = parts.StartProxy(t, server.Addr())
	through, direct = open(t, dial(t, p.Addr())), open(t, dial(t, server.Addr()))
	prepare(t, through)
	prepare(t, direct)
	return p, through, direct
}

// A commit whose answer is lost is in doubt, whether the server got it or not, and go-redis does not send it again.
func TestLostAnswers(t *testing.T) {
	p, through, direct := behind(t)
	if p == nil {
		return
	}
	commits := isCommit(t)
	must(t, through.Commit(t.Context(), []record.Op{put("t1", "first", "x", 1, 0)})) // the server knows the script
	for id, do := range map[string]parts.Action{"before": {Cut: true}, "after": {Forward: true, Cut: true}} {
		var sent atomic.Int64
		p.Obey(func(request []byte) parts.Action {
			if !commits(request) {
				return parts.Pass
			}
			sent.Add(1)
			return do
		})
		err := through.Commit(t.Context(), []record.Op{put("t1", id, "x", 1, 0)})
		if !errors.Is(err, record.ErrUnknown) || sent.Load() != 1 {
			t.Errorf("cut %s the Answer: %v after %d tries, want one and %v", id, err, sent.Load(), record.ErrUnknown)
		}
		got, err := direct.Get(t.Context(), thingKey("t1", id))
		if err != nil || (len(got) == 1) != do.Forward {
			t.Errorf("cut %s the Answer: stored is %v, %v", id, got, err)
		}
	}
}

// Through the kernel, a lost answer neither loses nor doubles a redemption.
func TestLostAnswersOfRedemptions(t *testing.T) {
	p, through, _ := behind(t)
	if p == nil {
		return
	}
	db, commits := openDB(t, through), isCommit(t)
	for name, do := range map[string]parts.Action{"before": {Cut: true}, "after": {Forward: true, Cut: true}} {
		must(t, issue(t.Context(), db, name))
		cut := false
		p.Obey(func(request []byte) parts.Action {
			if cut || !commits(request) {
				return parts.Pass
			}
			cut = true
			return do
		})
		if err := redeem(t.Context(), db, name); err != nil {
			t.Errorf("cut %s the Answer: %v", name, err)
		}
		if err := redeem(t.Context(), db, name); !errors.Is(err, errUsed) {
			t.Errorf("cut %s the Answer: a second redemption is %v", name, err)
		}
	}
}

// What the server answers is certain: nothing was applied. Some answers pass, and may be tried again.
func TestServerRefusals(t *testing.T) {
	p, through, direct := behind(t)
	if p == nil {
		return
	}
	for answer, busy := range map[string]bool{
		"LOADING Redis is loading the dataset in memory":                                                true,
		"BUSY Redis is busy running a script":                                                           true,
		"READONLY You can't write against a read only replica.":                                         true,
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.":              true,
		"TRYAGAIN Multiple keys request during rehashing of slot":                                       true,
		"CLUSTERDOWN Hash slot not served":                                                              true,
		"ERR Script attempted to access a non local key in a cluster node script: 1, on @user_script:1": true,
		"OOM command not allowed when used memory > 'maxmemory'.":                                       false,
		"MISCONF Errors writing to the AOF file: No space left on device":                               false,
		"NOREPLICAS Not enough good replicas to write.":                                                 false,
		"NOPERM User has no permissions to run the 'evalsha' command":                                   false,
	} {
		p.Obey(func(request []byte) parts.Action {
			if strings.Contains(string(request), "evalsha") || strings.Contains(string(request), "hgetall") {
				return parts.Action{Answer: "-" + answer + "\r\n"}
			}
			return parts.Pass
		})
		commit := through.Commit(t.Context(), []record.Op{put("t1", "a", "x", 1, 0)})
		_, get := through.Get(t.Context(), thingKey("t1", "a"))
		_, find := through.Find(t.Context(), record.Query{Tenant: "t1", Kind: "thing", Limit: 1})
		for name, err := range map[string]error{"Commit": commit, "Get": get, "Find": find} {
			if err == nil || isBusy(err) != busy || errors.Is(err, record.ErrUnknown) || errors.Is(err, record.ErrConflict) {
				t.Errorf("%s answered %q: %v, busy should be %v", name, answer, err, busy)
			}
		}
	}
	if got, err := direct.Get(t.Context(), thingKey("t1", "a")); len(got) != 0 || err != nil {
		t.Errorf("a refused commit left %v, %v", got, err)
	}
}

// Whatever is lost on the way, reading fails: it never says that there is nothing.
func TestReadsFailClosed(t *testing.T) {
	p, through, direct := behind(t)
	if p == nil {
		return
	}
	must(t, direct.Commit(t.Context(), []record.Op{put("t1", "a", "x", 1, 0), put("t1", "b", "x", 1, 0)}))
	for name, do := range map[string]parts.Action{
		"cut": {Cut: true}, "cut after": {Forward: true, Cut: true}, "nil": {Answer: "$-1\r\n"}, "a number": {Answer: ":0\r\n"},
		"an empty text": {Answer: "$0\r\n\r\n"}, "garbage": {Answer: "HTTP/1.1 200 OK\r\n\r\n"},
	} {
		p.Obey(func(request []byte) parts.Action {
			if s := string(request); strings.Contains(s, "hgetall") || strings.Contains(s, "evalsha") {
				return do
			}
			return parts.Pass
		})
		if got, err := through.Get(t.Context(), thingKey("t1", "a")); err == nil {
			t.Errorf("%s: Get returned %v", name, got)
		}
		if got, err := through.Get(t.Context(), thingKey("t1", "a"), thingKey("t1", "b")); err == nil {
			t.Errorf("%s: Get of two returned %v", name, got)
		}
		if got, err := through.Find(t.Context(), record.Query{Tenant: "t1", Kind: "thing", Limit: 9}); err == nil {
			t.Errorf("%s: Find returned %v", name, got)
		}
		if err := through.Commit(t.Context(), []record.Op{put("t1", "c", "x", 1, 0)}); !errors.Is(err, record.ErrUnknown) {
			t.Errorf("%s: Commit returned %v", name, err)
		}
	}
}

// A server that does not answer holds nobody longer than the context.
func TestContextBoundsWaiting(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr(), ReadTimeout: time.Minute}) // no ContextTimeoutEnabled
	s := open(t, client)
	prepare(t, s)
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := s.Commit(ctx, []record.Op{put("t1", "a", "x", 1, 0)}); !errors.Is(err, record.ErrUnknown) {
		t.Errorf("Commit: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Get(ctx, thingKey("t1", "a")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("calls of 50 ms took %v", took)
	}
	server.Resume()
	must(t, client.Close())
}

// A server that is not there is neither a conflict nor a doubt: the commit was not sent.
func TestNoServer(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	s := open(t, goredis.NewClient(&goredis.Options{Addr: server.Addr(), MaxRetries: -1, DialerRetries: 1}))
	prepare(t, s)
	server.Kill()
	err := s.Commit(t.Context(), []record.Op{put("t1", "a", "x", 1, 0)})
	if errors.Is(err, record.ErrUnknown) { // the first finds the connection that the server left behind
		err = s.Commit(t.Context(), []record.Op{put("t1", "a", "x", 1, 0)})
	}
	if err == nil || errors.Is(err, record.ErrUnknown) || errors.Is(err, record.ErrConflict) || isBusy(err) {
		t.Errorf("Commit without a server: %v", err)
	}
	if _, err := s.Get(t.Context(), thingKey("t1", "a")); err == nil {
		t.Error("Get without a server says that there is nothing")
	}
}
