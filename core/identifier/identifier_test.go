package identifier_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/core/identifier"
)

func Example() {
	for _, typed := range []string{" Ann@Example.COM ", "+1 (555) 010-0000", "Ann.Smith"} {
		id, err := identifier.Guess(typed)
		fmt.Println(id.Kind, id.Value, id.Key, err)
	}
	_, err := identifier.ParseEmail("ann@evil@example.com")
	fmt.Println(err)
	// Output:
	// email Ann@example.com email:ann@example.com <nil>
	// phone +15550100000 phone:+15550100000 <nil>
	// username Ann.Smith username:ann.smith <nil>
	// email has two @ signs
}

func TestEmailCanonicalForm(t *testing.T) {
	tests := []struct{ in, value, key string }{
		{"ann@example.com", "ann@example.com", "email:ann@example.com"},
		{"  Ann@EXAMPLE.com\t", "Ann@example.com", "email:ann@example.com"},
		{"a.n+tag@example.com", "a.n+tag@example.com", "email:a.n+tag@example.com"}, // no provider's magic
		{"!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", "email:!#$%&'*+-/=?^_`{|}~@example.com"},
		{"ann@Bücher.example", "ann@xn--bcher-kva.example", "email:ann@xn--bcher-kva.example"},
		{"ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example", "email:ann@xn--bcher-kva.example"},
		{"ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example", "email:ann@xn--bcher-kva.example"},
		{"ann@straße.de", "ann@xn--strae-oqa.de", "email:ann@xn--strae-oqa.de"}, // IDNA2008: not strasse.de
		{"ann@example。com", "ann@example.com", "email:ann@example.com"},         // ideographic full stop
		{"ann@r3---sn.example", "ann@r3---sn.example", "email:ann@r3---sn.example"},
		{"ａｎｎ@ｅxample.com", "ann@example.com", "email:ann@example.com"}, // full width
		{"用户@例え.jp", "用户@xn--r8jz45g.jp", "email:用户@xn--r8jz45g.jp"},
		{"rene\u0301@example.com", "ren\u00e9@example.com", "email:ren\u00e9@example.com"},
	}
	for _, tt := range tests {
		id, err := identifier.ParseEmail(tt.in)
		if err != nil || id.Value != tt.value || id.Key != tt.key {
			t.Errorf("ParseEmail(%q) = %q, %q, %v; want %q, %q", tt.in, id.Value, id.Key, err, tt.value, tt.key)
		}
	}
}

func TestEmailRefused(t *testing.T) {
	for _, in := range []string{
		"", " ", "ann", "@example.com", "ann@", "@", "@@",
		"a@evil@corp.com", "a@x.com,b@y.com", "a@x.com;b@y.com", "a@x.com b@y.com",
		"a@x.com\nBcc: b@y.com", "a@x.com\r\nBcc: b@y.com", "a\n@x.com", "a\r@x.com",
		`"a b"@x.com`, `"ann"@x.com`, "Ann <a@x.com>", "<a@x.com>", "a(comment)@x.com", "a@x.com(comment)", "a@(c)x.com",
		"a\x00@x.com", "a@x\x00.com", "a@x.com\x00", "a b@x.com", "a@x .com", "a\t@x.com",
		"a.@x.com", ".a@x.com", "a..b@x.com", "a@x.com.", "a@.x.com", "a@x..com", "a@x.com。",
		"a@localhost", "a@com", "a@127.0.0.1", "a@[127.0.0.1]", "a@[IPv6:::1]", "a@1.2.3.4", "a@x.1",
		"a@-x.com", "a@x-.com", "a@x_y.com", "a@x!.com", "a@x/y.com", "a@x:25.com", "a@x%00.com", "a@xn--a.com", "a@xn--.com",
		"a＠b@x.com", "a@b＠x.com", "a＠x.com", "a\uff0cb@x.com",
		"a\\b@x.com", "a:b@x.com", "a,b@x.com", "a[b]@x.com",
		"a\u200db@x.com", "a\u200cb@x.com", "a\u200bb@x.com", "a\u00adb@x.com", "a\ufeffb@x.com", "a\u2060b@x.com", // invisible
		"a\u200fb@x.com", "a\u202eb@x.com", "a\u2066b@x.com", "a\u061cb@x.com", // bidirectional control
		"a\ufe0f@x.com", "a\U000e0041@x.com", "a\u115f@x.com", "a\u3164@x.com", "क्\u200dष@x.com",
		"ﬁ@x.com", "a①@x.com", "ℌ@x.com", "aא1@x.com", "a\u0085b@x.com",
		"\u0430nn@example.com", "ann@ex\u0430mple.com", "\u03bfnn@example.com", // Cyrillic a, Greek o among Latin
		"a\xff@x.com", "a@\xff.com", "\xc0\xaf@x.com", "a\xed\xa0\x80@x.com",
		strings.Repeat("a", 65) + "@x.com", "a@" + strings.Repeat("a", 64) + ".com",
		"a@" + strings.Repeat(strings.Repeat("a", 60)+".", 5) + "com", "a@" + strings.Repeat("x.", 126) + "com",
	} {
		id, err := identifier.ParseEmail(in)
		var e *identifier.Error
		if !errors.As(err, &e) || e.Kind != identifier.Email || e.Reason == "" {
			t.Errorf("ParseEmail(%q) = %+v, %v; want an *Error", in, id, err)
		}
		if id != (identifier.Identifier{}) {
			t.Errorf("ParseEmail(%q) returned %+v beside its error", in, id)
		}
	}
}

func TestEmailLengthLimits(t *testing.T) {
	domain := strings.Repeat(strings.Repeat("d", 60)+".", 3) + "example"
	local := strings.Repeat("l", 254-len("@"+domain))
	for _, in := range []string{strings.Repeat("l", 64) + "@example.com", local + "@" + domain} {
		id, err := identifier.ParseEmail(in)
		if err != nil || id.Value != in {
			t.Errorf("ParseEmail(%q) = %v", in, err)
		}
	}
	if _, err := identifier.ParseEmail(local + "l@" + domain); len(local) < 64 && err == nil {
		t.Error("255 bytes were accepted")
	}
}

// What passes for one name has one Key, so that the second sign-up is refused and no counter is split.
func TestAlikeNamesHaveOneKey(t *testing.T) {
	for _, tt := range [][]string{
		{"mike", "MIKE", "Mike", "m\u0131ke", "M\u0130KE", "mi\u0307ke", "ｍｉｋｅ", "mi\u212ae", "mı\u212ae"}, // dotless i, Kelvin sign
		{"strasse", "straße", "STRASSE", "stra\u1e9ee"},
		{"ren\u00e9", "rene\u0301", "REN\u00c9"},
		{"paper", "\u0440\u0430\u0440\u0435\u0433"}, // all Cyrillic
		{"tom", "\u0442\u043e\u043c", "\u0422\u041e\u041c"},
		{"νικος", "ΝΙΚΟΣ", "νικοσ"},
	} {
		for _, kind := range []identifier.Kind{identifier.Email, identifier.Username} {
			suffix := map[identifier.Kind]string{identifier.Email: "@example.com"}[kind]
			want, err := identifier.Parse(kind, tt[0]+suffix)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range tt[1:] {
				id, err := identifier.Parse(kind, name+suffix)
				if err != nil || id.Key != want.Key {
					t.Errorf("%s %q: key %q, %v; want %q", kind, name, id.Key, err, want.Key)
				}
			}
		}
	}
}

func TestDifferentNamesHaveDifferentKeys(t *testing.T) {
	seen := make(map[string]string)
	for _, in := range []string{
		"ann@example.com", "anna@example.com", "an.n@example.com", "ann+a@example.com", "ann@example.org", "rené@example.com",
		"rene@example.com", "анна.иванова@example.com", "ann@straße.de", "ann@strasse.de", "ann", "anna", "an.n", "an_n", "an-n",
		"+15550100000", "+15550100001", "дом", "dom", "rene", "rené", "mail@" + strings.Repeat("x", 60) + ".example",
	} {
		id, err := identifier.Guess(in)
		if err != nil {
			t.Errorf("Guess(%q): %v", in, err)
		}
		if other, found := seen[id.Key]; found {
			t.Errorf("%q and %q share the key %q", in, other, id.Key)
		}
		seen[id.Key] = in
	}
}

// One Key is one account, but not always one mailbox: a provider's proof counts only for the same address.
func TestSameAddress(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"Ann@Example.com", "ann@example.COM", true},
		{"straße@example.com", "strasse@example.com", false},
		{"m\u0131ke@example.com", "mike@example.com", false},
		{"ann@example.com", "bob@example.com", false},
		{"+1 555 010 0000", "+15550100000", true},
		{"Straße", "strasse", true},
		{"ann@example.com", "ann", false},
	}
	for _, tt := range tests {
		a, errA := identifier.Guess(tt.a)
		b, errB := identifier.Guess(tt.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if got := a.SameAddress(b); got != tt.want || b.SameAddress(a) != got {
			t.Errorf("SameAddress(%q, %q) = %v; want %v", tt.a, tt.b, got, tt.want)
		}
	}
	if (identifier.Identifier{}).SameAddress(identifier.Identifier{}) {
		t.Error("two zero identifiers are the same address")
	}
}

func TestPhone(t *testing.T) {
	for in, want := range map[string]string{
		"+1 (555) 010-0000": "+15550100000", "+49.30/123456": "+4930123456", " +1-555-010-0000 ": "+15550100000",
		"+1234567": "+1234567", "+123456789012345": "+123456789012345",
		"＋８１　９０（１２３４）５６７８": "+819012345678",
	} {
		id, err := identifier.ParsePhone(in)
		if err != nil || id.Value != want || id.Key != "phone:"+want {
			t.Errorf("ParsePhone(%q) = %+v, %v; want %s", in, id, err, want)
		}
	}
	for _, in := range []string{
		"", "+", "15550100000", "0015550100000", "+0123456789", "+123456", "+1234567890123456", "++15550100000",
		"+1555+0100000", "+1555010000a", "+1 555 010 0000;ext=1", "+1\n5550100000", "+1\x005550100000", "+١٥٥٥٠١٠٠٠٠٠",
		"+1\u00a05550100000", "+1²5550100000", "tel:+15550100000", "+1555010\xff0000", "(+1)5550100000",
	} {
		if id, err := identifier.ParsePhone(in); err == nil {
			t.Errorf("ParsePhone(%q) = %+v; want an error", in, id)
		}
	}
}

func TestUsername(t *testing.T) {
	for in, want := range map[string]string{
		"ann": "ann", "Ann_Smith": "Ann_Smith", "o'brien": "o'brien", "a1": "a1", "1a": "1a", "_a_": "_a_", " ann ": "ann",
		"ａｎｎ": "ann", "анна": "анна", "محمد": "محمد", "田中さん": "田中さん", "ann+x": "ann+x", "ann-x": "ann-x",
		strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("é", 64): strings.Repeat("é", 64),
	} {
		id, err := identifier.ParseUsername(in)
		if err != nil || id.Value != want {
			t.Errorf("ParseUsername(%q) = %+v, %v; want %q", in, id, err, want)
		}
	}
	for _, in := range []string{
		"", "a", "12", "0555-1234", "555 1234", "1.2", "1_2", "--", "._", "١٢٣", "+ann", "ann@example.com", "a＠b", "a b",
		"a/b", `a\b`, "a:b", "a;b", "a\"b", "<a>", "a&b", "a=b", "a?b", "a#b", "a%b", "a,b", "a\nb", "a\x00b", "a\tb",
		".ann", "ann.", "a..b", "-ann", "'ann", "../etc/passwd", "a\u200db", "a\u200bb", "a\u202eb", "a\u200fb", "a\u00a0b",
		"\u0430nn", "ann\xff", "ﬁn", "a☃", "a😀", strings.Repeat("a", 65), "＋ann", "a／b", "a\u2044b",
	} {
		if id, err := identifier.ParseUsername(in); err == nil {
			t.Errorf("ParseUsername(%q) = %+v; want an error", in, id)
		}
	}
}

func TestGuess(t *testing.T) {
	for in, want := range map[string]identifier.Kind{
		"ann@example.com": identifier.Email, " +15550100000": identifier.Phone, "ann": identifier.Username, "1ann": identifier.Username,
	} {
		if id, err := identifier.Guess(in); err != nil || id.Kind != want {
			t.Errorf("Guess(%q) = %+v, %v; want %s", in, id, err, want)
		}
	}
	for in, want := range map[string]identifier.Kind{
		"": identifier.Username, "a@b": identifier.Email, "0555 1234": identifier.Phone, "+a": identifier.Phone, "a b": identifier.Username,
		"－＋": identifier.Username, "＋ann": identifier.Phone, "a＠b": identifier.Email, "-.-": identifier.Username,
	} {
		var e *identifier.Error
		if id, err := identifier.Guess(in); !errors.As(err, &e) || e.Kind != want {
			t.Errorf("Guess(%q) = %+v, %v; want an error of kind %s", in, id, err, want)
		}
	}
	if _, err := identifier.Parse("passport", "ann"); err == nil {
		t.Error("an unknown kind was parsed")
	}
}

func TestLongKeysAreHashed(t *testing.T) {
	long := func(last string) string {
		return "ann@" + strings.Repeat(strings.Repeat("x", 60)+".", 3) + "example." + last
	}
	a, errA := identifier.ParseEmail(long("com"))
	b, errB := identifier.ParseEmail(long("org"))
	same, errC := identifier.ParseEmail(strings.ToUpper(long("com")))
	if errA != nil || errB != nil || errC != nil {
		t.Fatal(errA, errB, errC)
	}
	if !strings.HasPrefix(a.Key, "email#") || len(a.Key) > identifier.MaxKey || a.Key == b.Key || a.Key != same.Key {
		t.Errorf("keys %q, %q, %q", a.Key, b.Key, same.Key)
	}
}

func TestHugeInputCostsNothing(t *testing.T) {
	for _, huge := range []string{strings.Repeat("a", 10<<20), strings.Repeat(" ", 10<<20), strings.Repeat("@", 10<<20)} {
		for _, parse := range []func(string) (identifier.Identifier, error){
			identifier.ParseEmail, identifier.ParsePhone, identifier.ParseUsername, identifier.Guess,
		} {
			if n := testing.AllocsPerRun(10, func() {
				if _, err := parse(huge); err == nil {
					t.Fatal("10 MiB were accepted")
				}
			}); n > 1 {
				t.Errorf("%v allocations", n)
			}
		}
	}
}

func TestParallelUse(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if id, err := identifier.ParseUsername("ΝΙΚΟΣ"); err != nil || id.Key != "username:νικοσ" {
					t.Errorf("%+v, %v", id, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"ann@example.com", "Ann@bücher.example", "+1 (555) 010-0000", "Straße", "m\u0131ke", "ｶﾞ", "क्\u200dष", "a\u0307\u0323", "l·l",
		"אב@example.com", "1é", "a@xn--0.example", "τομ", "ΐ@x.gr", "i\u0323\u0307x", "a@ß.ss",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, kind := range []identifier.Kind{identifier.Email, identifier.Phone, identifier.Username} {
			id, err := identifier.Parse(kind, s)
			if err != nil {
				continue
			}
			again, err := identifier.Parse(kind, id.Value)
			if err != nil || again != id {
				t.Fatalf("Parse(%q) = %+v, but Parse of its value = %+v, %v", s, id, again, err)
			}
			guessed, err := identifier.Guess(id.Value)
			if err != nil || guessed != id {
				t.Fatalf("Parse(%q) = %+v, but Guess of its value = %+v, %v", s, id, guessed, err)
			}
			if len(id.Key) > identifier.MaxKey || !utf8.ValidString(id.Key) || strings.ContainsFunc(id.Key+id.Value, control) {
				t.Fatalf("Parse(%q) has the unsafe key %q or value %q", s, id.Key, id.Value)
			}
		}
		if id, err := identifier.Guess(s); err == nil {
			if parsed, err := identifier.Parse(id.Kind, s); err != nil || parsed != id {
				t.Fatalf("Guess(%q) = %+v, but Parse = %+v, %v", s, id, parsed, err)
			}
		}
	})
}

func control(r rune) bool {
	return r <= ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x2000 && r < 0x2070
}

// Keys say everything that was folded into them: two identifiers with one plain key differ only by folding, and the
// key can be read back as the folded name.
func FuzzKey(f *testing.F) {
	f.Add("ann@example.com", "Ann@example.com")
	f.Add("ann", "+15550100000")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, errX := identifier.Guess(a)
		y, errY := identifier.Guess(b)
		if errX != nil || errY != nil {
			return
		}
		if x.Kind != y.Kind && x.Key == y.Key {
			t.Fatalf("%q and %q of two kinds share the key %q", a, b, x.Key)
		}
		if x.Value == y.Value && x.Kind == y.Kind && x.Key != y.Key {
			t.Fatalf("%q and %q are one value with two keys", a, b)
		}
		if x.SameAddress(y) && !strings.EqualFold(x.Value, y.Value) && x.Kind != identifier.Username {
			t.Fatalf("%q and %q are said to be one address", a, b)
		}
	})
}

func BenchmarkGuess(b *testing.B) {
	for name, in := range map[string]string{"ascii": "Ann@Example.com", "unicode": "René@bücher.example", "phone": "+1 555 010-0000"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := identifier.Guess(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
