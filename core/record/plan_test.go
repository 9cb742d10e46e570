package record_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
)

type colour string

type everything struct {
	ID       string             `record:"id"`
	S        string             `record:"s,term"`
	Named    colour             `record:"named"`
	Long     string             `record:"long,text"`
	B        []byte             `record:"b"`
	I        int                `record:"i"`
	I8       int8               `record:"i8"`
	D        time.Duration      `record:"d"`
	On       bool               `record:"on"`
	At       time.Time          `record:"at"`
	U        uint64             `record:"u"`
	F        float64            `record:"f"`
	List     []string           `record:"list"`
	Map      map[string]int     `record:"map"`
	Pointer  *time.Time         `record:"pointer"`
	Array    [2]int             `record:"array"`
	Nested   struct{ A, B int } `record:"nested"`
	Expires  time.Time          `record:"expires"`
	Untagged string
}

func TestDefineReadsTags(t *testing.T) {
	k := record.Define[everything]("everything", 2).Kind()
	var got []string
	for _, f := range k.Fields {
		s := f.Name + " " + f.Type.String()
		if f.Term {
			s += " term"
		}
		got = append(got, s)
	}
	want := "s string term, named string, long text, b bytes, i int, i8 int, d int, on bool, at time, u json, f json, list json, " +
		"map json, pointer json, array json, nested json"
	if strings.Join(got, ", ") != want {
		t.Errorf("fields are\n%s, want\n%s", strings.Join(got, ", "), want)
	}
	if k.Name != "everything" || k.Version != 2 {
		t.Errorf("kind is %s %d", k.Name, k.Version)
	}
}

func TestDefineRefuses(t *testing.T) {
	for _, c := range []struct {
		define func()
		says   string
	}{
		{func() { record.Define[string]("x", 1) }, "not a struct"},
		{func() { record.Define[struct{ A string }]("x", 1) }, `no field tagged`},
		{func() {
			record.Define[struct {
				ID int `record:"id"`
			}]("x", 1)
		}, "an id is a string"},
		{func() {
			record.Define[struct {
				ID  string `record:"id"`
				ID2 string `record:"id"`
			}]("x", 1)
		}, "a second id"},
		{func() {
			record.Define[struct {
				ID string `record:"id"`
				E  int    `record:"expires"`
			}]("x", 1)
		}, "an expiry is a time.Time"},
		{func() {
			record.Define[struct {
				ID string    `record:"id"`
				E  time.Time `record:"expires"`
				F  time.Time `record:"expires"`
			}]("x", 1)
		}, "a second expiry"},
		{func() {
			record.Define[struct {
				ID string `record:"id"`
				N  int    `record:"n,term"`
			}]("x", 1)
		}, "term n must be a string"},
		{func() {
			record.Define[struct {
				ID string `record:"id"`
				S  string `record:"s,trem"`
			}]("x", 1)
		}, `unknown option "trem"`},
		{func() {
			record.Define[struct {
				ID string `record:"id"`
				N  int    `record:"n,text"`
			}]("x", 1)
		}, "text is for strings"},
		{func() {
			record.Define[struct {
				ID string `record:"id"`
				S  string `record:"s,term,text"`
			}]("x", 1)
		}, "term s must be a string"},
		{func() {
			record.Define[struct {
				ID string `record:"id"`
				s  string `record:"s"`
			}]("x", 1)
		}, "not exported"},
		{func() {
			record.Define[struct {
				ID string `record:"id"`
				A  string `record:"a"`
				B  string `record:"a"`
			}]("x", 1)
		}, "used twice"},
		{func() {
			record.Define[struct {
				ID string `record:"id"`
				A  string `record:"tenant"`
			}]("x", 1)
		}, "reserved"},
		{func() {
			record.Define[struct {
				ID string `record:"id"`
				A  string `record:"CamelCase"`
			}]("x", 1)
		}, "lower_snake_case"},
		{func() {
			type Base struct {
				A string `record:"a"`
			}
			record.Define[struct {
				*Base
				ID string `record:"id"`
			}]("x", 1)
		}, "embedded by pointer"},
		{func() { record.Define[everything]("Upper", 1) }, "lower_snake_case"},
		{func() { record.Define[everything]("x", 0) }, "version"},
	} {
		t.Run(c.says, func(t *testing.T) {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, c.says) {
					t.Errorf("Define panics with %q, want something about %q", said, c.says)
				}
			}()
			c.define()
		})
	}
}

// TestStoredValuesThatDoNotFit: a stored value that the struct cannot hold is corrupt data, and is not cut.
func TestStoredValuesThatDoNotFit(t *testing.T) {
	type wide struct {
		ID string `record:"id"`
		N  int64  `record:"n"`
	}
	type narrow struct {
		ID string `record:"id"`
		N  int8   `record:"n"`
	}
	type other struct {
		ID string `record:"id"`
		N  bool   `record:"n"`
	}
	wides, narrows, others := record.Define[wide]("number", 1), record.Define[narrow]("number", 1), record.Define[other]("number", 1)
	ctx := record.WithTenant(t.Context(), "t1")
	b := mem.New()
	open := func(k *record.Kind) *record.DB {
		db, err := record.Open(ctx, preparedOnce{b}, record.Options{}, k)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	if err := b.Prepare(ctx, record.Schema{Kinds: []*record.Kind{wides.Kind()}}); err != nil {
		t.Fatal(err)
	}
	err := open(wides.Kind()).Update(ctx, func(tx *record.Tx) error { return wides.In(tx).Insert(&wide{ID: "a", N: 300}) })
	wantErr(t, err, nil)
	err = open(narrows.Kind()).View(ctx, func(tx *record.Tx) error { _, err := narrows.In(tx).Get("a"); return err })
	wantErr(t, err, record.ErrCorrupt)
	err = open(others.Kind()).View(ctx, func(tx *record.Tx) error { _, err := others.In(tx).Get("a"); return err })
	wantErr(t, err, record.ErrCorrupt)
}

// preparedOnce takes any schema, as a store does that does not look at types.
type preparedOnce struct{ record.Backend }

func (preparedOnce) Prepare(context.Context, record.Schema) error { return nil }
