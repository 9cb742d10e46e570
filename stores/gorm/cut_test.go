package gormstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
)

// ticket is a record that is used up once, and receipt what the one who did that has of it.
type ticket struct {
	ID   string `record:"id"`
	Used int64  `record:"used"`
}

type receipt struct {
	ID string `record:"id"`
}

var (
	tickets  = record.Define[ticket]("ticket", 1)
	receipts = record.Define[receipt]("receipt", 1)
	errUsed  = errors.New("used before")
)

// spend uses up a ticket, in a commit of one operation, or of two where it gives a receipt.
func spend(ctx context.Context, db *record.DB, id string, withReceipt bool) error {
	return db.Update(record.WithTenant(ctx, "t1"), func(tx *record.Tx) error {
		one, err := tickets.In(tx).Get(id)
		if err != nil {
			return err
		}
		if one.Used != 0 {
			return errUsed
		}
		one.Used = 1
		if withReceipt {
			err = receipts.In(tx).Insert(&receipt{ID: id})
		}
		return errors.Join(err, tickets.In(tx).Put(one))
	})
}

// spent reports whether a ticket was used, and whether there is a receipt.
func spent(t *testing.T, db *record.DB, id string) (used, receipted bool) {
	t.Helper()
	err := db.View(record.WithTenant(t.Context(), "t1"), func(tx *record.Tx) error {
		one, err := tickets.In(tx).Get(id)
		if err != nil {
			return err
		}
		_, err = receipts.In(tx).Get(id)
		used, receipted = one.Used != 0, err == nil
		if errors.Is(err, record.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return used, receipted
}

// behind returns a kernel whose connections go through a proxy, and one on the server itself.
func (d database) behind(t *testing.T) *cutting {
	t.Helper()
	connect := func(d database) *record.DB {
		db, err := record.Open(t.Context(), d.store(t, d.open(t)), record.Options{}, tickets.Kind(), receipts.Kind())
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	_, addr, _ := strings.Cut(d.dsn, "@")
	addr = strings.TrimPrefix(addr[:strings.IndexAny(addr, ")/")], "tcp(")
	if _, _, err := net.SplitHostPort(addr); err != nil {
		t.Fatal(err)
	}
	p := parts.StartProxy(t, addr)
	proxied := d
	proxied.dsn = strings.Replace(d.dsn, addr, p.Addr(), 1)
	direct := connect(d)
	return &cutting{proxy: p, through: connect(proxied), direct: direct}
}

// The connection breaks at each request of a transaction, and at the commit, before or after the server got it. Whoever is
// told that the ticket is theirs has used it, once; nobody has used it who is told otherwise; and a commit whose answer is
// lost is looked up: its user hears of success.
func TestConnectionCutAtEachRequest(t *testing.T) {
	for _, name := range []string{"PostgreSQL", "MariaDB"} {
		for _, withReceipt := range []bool{false, true} {
			for when, do := range map[string]parts.Action{"before": {Cut: true}, "after": {Forward: true, Cut: true}} {
				t.Run(fmt.Sprintf("%s/receipt %v/%s", name, withReceipt, when), func(t *testing.T) {
					d, ok := place(t, name)
					if !ok {
						return
					}
					c := d.behind(t)
					n := 1
					for c.spend(t, do, withReceipt, func(made int, _ []byte) bool { return made == n }) {
						n++
					}
					t.Logf("%d requests", n-1)
					isCommit := func(_ int, request []byte) bool { return bytes.Contains(bytes.ToLower(request), []byte("commit")) }
					if withReceipt && !c.spend(t, do, withReceipt, isCommit) {
						t.Error("there is no commit")
					}
				})
			}
		}
	}
}

// cutting is a database behind a proxy.
type cutting struct {
	proxy           *parts.Proxy
	through, direct *record.DB
	tickets         int
}

// spend uses a ticket up while the first request that at chooses is cut, told which one it is, and reports whether there
// was one.
func (c *cutting) spend(t *testing.T, do parts.Action, withReceipt bool, at func(made int, request []byte) bool) bool {
	t.Helper()
	c.tickets++
	id := fmt.Sprint("ticket ", c.tickets)
	err := c.direct.Update(record.WithTenant(t.Context(), "t1"), func(tx *record.Tx) error {
		return tickets.In(tx).Insert(&ticket{ID: id})
	})
	if err != nil {
		t.Fatal(err)
	}
	made, cut := 0, ""
	c.proxy.Obey(func(request []byte) parts.Action {
		made++
		if cut != "" || !at(made, request) {
			return parts.Pass
		}
		cut = fmt.Sprintf("request %d, %.40q", made, request)
		return do
	})
	err = spend(t.Context(), c.through, id, withReceipt)
	c.proxy.Obey(func([]byte) parts.Action { return parts.Pass })
	used, receipted := spent(t, c.direct, id)
	if used != (err == nil) || receipted != (used && withReceipt) {
		t.Errorf("cut at %s: %v, and the ticket is used: %v, with a receipt: %v", cut, err, used, receipted)
	}
	if strings.Contains(strings.ToLower(cut), "commit") && err != nil {
		t.Errorf("cut at %s: %v", cut, err)
	}
	again := spend(t.Context(), c.through, id, withReceipt)
	if used && !errors.Is(again, errUsed) || !used && again != nil {
		t.Errorf("cut at %s: a second try is %v", cut, again)
	}
	return cut != ""
}
