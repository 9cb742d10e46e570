package password_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/password"
)

// reason returns why the policy refuses pw, or "".
func reason(t *testing.T, p password.Policy, pw string, use password.Use, context ...string) password.Reason {
	t.Helper()
	err := p.Check(pw, use, context...)
	if err == nil {
		return ""
	}
	var refused *password.PolicyError
	if !errors.As(err, &refused) {
		t.Fatalf("%T is no *PolicyError", err)
	}
	if refused.Detail == "" || len(pw) > 8 && strings.Contains(err.Error(), pw) {
		t.Errorf("detail is empty or shows the password: %v", err)
	}
	return refused.Reason
}

func TestPolicyAccepts(t *testing.T) {
	for _, pw := range []string{
		"correct horse battery staple", "correct horse battery staple 42", "purple-otter-sings-at-dawn", "tree house window lamp",
		"a sufficiently long passphrase", "another good passphrase", "wrong horse battery staple", "my new password 2026",
		"Test-Password-123", "new-password-for-alice", "x7#Kq9!vLm2$Zp4", "сорок тысяч обезьян", "私は毎朝コーヒーを二杯飲みます",
		"many words and no digit at all", strings.Repeat("purple otter, ", 73), strings.Repeat("a", 120) + " purple otter sings at dawn",
	} {
		if r := reason(t, password.DefaultPolicy(), pw, password.Alone, "alice@example.com", "Alice Liddell", "OneAuth"); r != "" {
			t.Errorf("%q: %s", pw, r)
		}
	}
}

func TestPolicyRefuses(t *testing.T) {
	for pw, want := range map[string]password.Reason{
		"":               password.TooShort,
		"purple-otter!x": password.TooShort, // 14
		"e\u0301e\u0301e\u0301e\u0301e\u0301abcd": password.TooShort, // 14 code points, 9 in NFKC
		"\ufdfa":                             password.TooShort, // one character, 18 in NFKC
		strings.Repeat("purple otter ", 100): password.TooLong,
		strings.Repeat("\xff", 2000):         password.TooLong,
		"purple-otter-sings\xff":             password.NotUTF8,

		"passwordpassword":     password.Common,
		"PasswordPassword":     password.Common,
		"password-password-1!": password.Common,
		"ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ": password.Common,
		"123456789012345":     password.Common,
		"qwertyuiopasdfgh":    password.Common,
		"This Is My Password": password.Common,
		"1qaz2wsx3edc4rfv":    password.Common,
		"ЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭ":    password.Common,
		"abcdefghijklmnopqrstuvwxyz": password.Common,
		"P@ssw0rdP@ssw0rd1":          password.Common,

		"aaaaaaaaaaaaaaa":                      password.Guessable,
		strings.Repeat("a", 1024):              password.Guessable,
		"ａaａaＡaaaaaaaaaaaaaaa":                 password.Guessable,
		"hunter2hunter2hunter2":                password.Guessable,
		"abcabcabcabcabcab":                    password.Guessable,
		"121212112121221":                      password.Guessable,
		"абвгдежзийклмнопр":                    password.Guessable,
		"zyxwvutsrqponmlk":                     password.Guessable,
		strings.Repeat("\ufdfa", 20):           password.Guessable,
		"Password12345678!":                    password.Guessable,
		"changemechangeme":                     password.Guessable,
		"administrator12345":                   password.Guessable,
		strings.Repeat("p4ssw0rd p4ssw0rd", 3): password.Guessable,
	} {
		if got := reason(t, password.DefaultPolicy(), pw, password.Alone); got != want {
			t.Errorf("%.40q: refused for %q, want %q", pw, got, want)
		}
	}
}

func TestPolicyWithFactorAdmitsEight(t *testing.T) {
	p := password.DefaultPolicy()
	for pw, want := range map[string]password.Reason{
		"kX9-vq2m": "", "Tr0ub4dor&3": "", "kX9-vq2": password.TooShort,
		"password": password.Common, "PASSWORD1": password.Common, "Pass-word-1": password.Common, "sunshine": password.Common,
		"trustno1": password.Common, "letmein1": password.Common, "12345678": password.Common, "welcome123": password.Common,
		"aaaaaaaa": password.Common, "aaaaaaab": password.Guessable,
	} {
		if got := reason(t, p, pw, password.WithFactor); got != want {
			t.Errorf("%q: refused for %q, want %q", pw, got, want)
		}
	}
	if got := reason(t, p, "kX9-vq2m", password.Alone); got != password.TooShort {
		t.Errorf("8 characters alone: %q", got)
	}
}

func TestPolicyRefusesContextWords(t *testing.T) {
	p := password.DefaultPolicy()
	p.Application = []string{"Otterbank"}
	context := []string{"alexandra.hofmann@wonderland.example", "Alexandra Hofmann", "+4366412345678", "\xff"}
	for pw, want := range map[string]password.Reason{
		"alexandra.hofmann@wonderland.example": password.ContainsContext,
		"AlexandraHofmann":                     password.ContainsContext,
		"alexandra-hofmann-1":                  password.ContainsContext,
		"hofmann alexandra 1987":               password.ContainsContext,
		"wonderlandwonder-landwonderland":      password.ContainsContext,
		"OTTERBANKotterbank":                   password.ContainsContext,
		"otterbank123456":                      password.ContainsContext,
		"+4366412345678x":                      password.ContainsContext,
		"ALEXANDRA\u00a0HOFMANN!":              password.ContainsContext,
		"alexandra likes purple otters":        "",
		"purple-otter-sings-at-dawn":           "",
	} {
		if got := reason(t, p, pw, password.Alone, context...); got != want {
			t.Errorf("%q: refused for %q, want %q", pw, got, want)
		}
	}
	if got := reason(t, p, "ann bob eve lou max", password.Alone, "ann", "bob", "eve", "lou", "max", ""); got != "" {
		t.Errorf("words of three letters count: %q", got)
	}
}

func TestPolicyOwnBlocklist(t *testing.T) {
	p := password.DefaultPolicy()
	p.Blocked = []string{"Purple-Otter-Sings-At-Dawn"}
	for _, pw := range []string{"Purple-Otter-Sings-At-Dawn", "purple otter sings at dawn"} {
		if got := reason(t, p, pw, password.Alone); got != password.Common {
			t.Errorf("%q: %q", pw, got)
		}
	}
}

func TestPolicyMinGuesses(t *testing.T) {
	p := password.DefaultPolicy()
	p.MinGuessesLog10 = 12
	var refused *password.PolicyError
	if err := p.Check("Test-Password-123", password.Alone); !errors.As(err, &refused) || refused.Score != 1 {
		t.Errorf("%v", err)
	}
	if err := p.Check("correct horse battery staple", password.Alone); err != nil {
		t.Error(err)
	}
}

func TestPolicyIsValidated(t *testing.T) {
	if err := password.DefaultPolicy().Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*password.Policy){
		"zero":              func(p *password.Policy) { *p = password.Policy{} },
		"7 characters":      func(p *password.Policy) { p.MinLengthWithFactor = 7 },
		"alone is shorter":  func(p *password.Policy) { p.MinLength, p.MinLengthWithFactor = 8, 9 },
		"64 not admitted":   func(p *password.Policy) { p.MinLength = 65 },
		"at most 72 bytes":  func(p *password.Policy) { p.MaxBytes = 72 },
		"over MaxBytes":     func(p *password.Policy) { p.MaxBytes = password.MaxBytes + 1 },
		"negative strength": func(p *password.Policy) { p.MinGuessesLog10 = -1 },
		"no number":         func(p *password.Policy) { p.MinGuessesLog10 = math.NaN() },
	} {
		p := password.DefaultPolicy()
		change(&p)
		if p.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestStrength(t *testing.T) {
	for pw, want := range map[string]int{
		"": 0, "password": 0, "p4ssw0rd": 0, "passwordpassword": 0, strings.Repeat("a", 5000): 0, "\xff\xff": 0,
		"Test-Password-123": 1, "correct horse battery staple": 4, "сорок тысяч обезьян": 4,
	} {
		if s := password.Strength(pw); s.Score != want {
			t.Errorf("%.30q: %+v, want %d", pw, s, want)
		}
	}
	if without, with := password.Strength("zaphod beeblebrox"), password.Strength("zaphod beeblebrox", "Zaphod Beeblebrox"); with.GuessesLog10 >= without.GuessesLog10 {
		t.Errorf("the person's name does not count: %+v, %+v", without, with)
	}
	if head, all := password.Strength(strings.Repeat("ab", 50)), password.Strength(strings.Repeat("ab", 50)+"correct horse battery staple"); all.Score <= head.Score {
		t.Errorf("what follows the first 100 characters does not count: %+v, %+v", head, all)
	}
}

// The estimator takes seconds for some inputs of a few hundred characters; what it is given here is bounded.
func TestStrengthAllocatesLittleForHostileInput(t *testing.T) {
	const leet = "4@8({[<3691!|017$5+7%2"
	var irregular strings.Builder // so that no period shortens it
	for i := range 1000 {
		irregular.WriteByte(leet[i*i/7%len(leet)])
	}
	for _, hostile := range []string{
		irregular.String(), strings.Repeat("qwerty12/12/1990asdfgh", 1000), strings.Repeat("1!|7a", 1000), strings.Repeat("\ufdfax", 1000),
	} {
		if n := testing.AllocsPerRun(1, func() { password.Strength(hostile) }); n > 100_000 {
			t.Errorf("%.20q: %v allocations", hostile, n)
		}
	}
}
