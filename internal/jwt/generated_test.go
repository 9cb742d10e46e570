package jwt_test

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestTwinOnGeneratedTokens compares the twins on tokens put together from parts that are each right, odd or wrong, which
// reaches combinations that a fuzzer of bytes seldom finds.
func TestTwinOnGeneratedTokens(t *testing.T) {
	keys := newTwinKeys(t)
	plain, arrays := newTwin(t, keys, false), newTwin(t, keys, true)
	r := rand.New(rand.NewPCG(1, 2))
	var accepted int
	const rounds = 20_000
	for range rounds {
		g := generator{r}
		token := keys.assemble(t, g.object(goodHeader, oddHeaders), g.object(goodPayload, oddMembers), 0)
		plain.compare(t, token)
		arrays.compare(t, token)
		if _, err := arrays.ours.Verify(token); err == nil {
			accepted++
		}
	}
	if accepted < rounds/50 || accepted > rounds/2 {
		t.Errorf("%d of %d tokens are accepted: the generator is not balanced", accepted, rounds)
	}
}

var (
	oddHeaders = []string{`"cty":"JWT"`, `"x":{"a":[1,{}]}`, `"kid":"HS256"`, `"Typ":"at+jwt"`, `"crit":[]`, `"z":1e9`, `"z":1E400`}
	oddMembers = []string{
		`"nbf":0`, `"nbf":1800000001.5`, `"nbf":1800000002`, `"auth_time":1.5e9`, `"auth_time":-0.0`, `"amr":["pwd","otp"]`,
		`"amr":[ ]`, `"amr":null`, `"acr":"aal2"`, `"sid":"ses"`, `"scope":"a b"`, `"tid":"\u0074"`, `"org":{"id":"o"}`,
		`"roles":["r"]`, `"ORG":1`, `"x":1`, `"X":1`, `"x":"\ud83d\ude00"`, `"x":"\ud83d"`, `"\u0078":2`, `"y":[[],{},""]`,
		`"y":{"a":{"b":{"c":null}}}`, `"y":{"a":1,"a":1}`, `"exp":1800000900`, `"sub":"other"`, `"ä":"ö"`, `"Ä":"Ö"`, `"":0`,
	}
	oddSpace  = []string{"", "", "", "", " ", "\n", "\t\r", "\f", "\u00a0"}
	oddValues = []string{`"https://api.example"`, `["second"]`, `[]`, `null`, `0`, `1800000000.999`, `1800000001`, `18e8`, `{}`, `""`, `true`}
)

type generator struct{ *rand.Rand }

func (g generator) pick(list []string) string { return list[g.IntN(len(list))] }

// object returns the object good with a few members lost, changed, added or moved.
func (g generator) object(good string, odd []string) string {
	members := strings.Split(strings.Trim(good, "{}"), ",")
	for range g.IntN(4) {
		switch i := g.IntN(len(members)); g.IntN(12) {
		case 0:
			members[i] = members[len(members)-1]
		case 1:
			name, _, _ := strings.Cut(members[i], ":")
			members[i] = name + ":" + g.pick(oddValues)
		case 2, 3:
			members[0], members[i] = members[i], members[0]
		default:
			members = append(members, g.pick(odd))
		}
	}
	if g.IntN(4) > 0 {
		return "{" + strings.Join(members, ",") + "}"
	}
	space := func() string { return g.pick(oddSpace) }
	return space() + "{" + space() + strings.Join(members, space()+","+space()) + space() + "}" + space()
}
