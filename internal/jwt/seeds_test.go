package jwt_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

type twinSeed struct {
	header, payload string
	how             uint8
}

const (
	goodHeader   = `{"alg":"HS256","kid":"HS256","typ":"at+jwt"}`
	goodEdHeader = `{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt"}`
	goodPayload  = `{"iss":"https://app.example","aud":"https://api.example","exp":1800000900,"iat":1799999990,` +
		`"sub":"usr_4fGh","jti":"tok_9aQz","client_id":"first-party"}`
)

// twinSeeds are good tokens, tokens that each break one rule of ours alone, and tokens that everybody refuses.
func twinSeeds(tb testing.TB) []twinSeed {
	header := func(old, new string) twinSeed { return twinSeed{replace(tb, goodHeader, old, new), goodPayload, 0} }
	payload := func(old, new string) twinSeed { return twinSeed{goodHeader, replace(tb, goodPayload, old, new), 0} }
	custom := func(members string) twinSeed { return payload(`{`, `{`+members+`,`) }
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":0`, i)
		}
		return b.String()[1:]
	}
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	return []twinSeed{
		{goodHeader, goodPayload, 0},
		{goodEdHeader, goodPayload, withEdDSA},
		{replace(tb, goodEdHeader, "EdDSA", "HS256"), goodPayload, withPublicKey},
		{encode(goodHeader), encode(goodPayload), asIs},
		{encode(goodHeader) + "\n", encode(goodPayload), asIs},
		{encode(goodHeader), "\r" + encode(goodPayload), asIs},
		{encode(goodHeader) + "=", encode(goodPayload), asIs},
		{strings.Repeat(".", 100), "", whole},
		{"a.b.c.d.e", "", whole},
		header(`"typ"`, `"crit":["exp"],"typ"`), header(`"typ"`, `"b64":true,"typ"`), header(`"typ"`, `"zip":"DEF","typ"`),
		header(`"typ"`, `"jwk":{"kty":"oct","k":"AAAA"},"typ"`), header(`"typ"`, `"jku":"https://evil.example","typ"`),
		header(`"typ"`, `"x5u":"https://evil.example","typ"`), header(`"typ"`, `"x5c":[],"typ"`),
		header(`"typ"`, `"enc":"A256GCM","typ"`), header(`"typ"`, `"cty":"JWT","x":{"y":[1,-2.5e3,true,false,null]},"typ"`),
		header(`"typ"`, `"kid":"HS256","typ"`), header(`"typ"`, `"KID":"HS256","typ"`), header(`"typ"`, `"x":1,"X":2,"typ"`),
		header(`,"typ":"at+jwt"`, ``), header(`at+jwt`, `JWT`), header(`at+jwt`, `Application/AT+JWT`),
		header(`"at+jwt"`, `1e400`), header(`"HS256",`, `"none",`), header(`"kid":"HS256"`, `"kid":1`),
		header(`"typ"`, `"pad":"`+strings.Repeat("x", jwt.MaxHeaderBytes)+`","typ"`),
		payload(`"https://api.example"`, `["https://api.example"]`), payload(`"https://api.example"`, `["x","second"]`),
		payload(`"https://api.example"`, `[]`), payload(`"https://api.example"`, `["second",1]`),
		payload(`"https://api.example"`, `null`), payload(`"https://app.example"`, `null`),
		payload(`1800000900`, `1800000900.75`), payload(`1800000900`, `1.8000009e9`), payload(`1800000900`, `"1800000900"`),
		payload(`1800000900`, `1799999999`), payload(`1800000900`, `1799999998`), payload(`1800000900`, `0`),
		payload(`1800000900`, `null`), payload(`1800000900`, `1e400`), payload(`1800000900`, `253402300800`),
		payload(`1800000900`, `-1`), payload(`1799999990`, `1800000001`), payload(`1799999990`, `1800000002`),
		payload(`1799999990`, `0.5`), payload(`"iat":1799999990,`, ``), payload(`"sub":"usr_4fGh",`, ``),
		payload(`"usr_4fGh"`, `""`), payload(`"usr_4fGh"`, `7`), payload(`"sub"`, `"Sub"`), payload(`"jti"`, `"x"`),
		payload(`,"client_id":"first-party"`, ``), payload(`usr_`, `\u0075\ud83d\ude00\"\\\/\b\f\n\r\t`),
		payload(`usr_`, `\ud83d`), payload(`usr_`, `\ude00\ud83d`), payload(`usr_`, "\xff"), payload(`usr_`, "\x01"),
		payload(`usr_`, `\\ud83d`), payload(`usr_`, "ü😀"), payload(`}`, "} \r\n\t"), payload(`}`, `}}`), payload(`}`, `,}`),
		custom(`"nbf":1800000001,"auth_time":0.25,"amr":["pwd"],"acr":"a","scope":"s","tid":"t","sid":"i"`),
		custom(`"nbf":0,"auth_time":-0,"amr":[]`), custom(`"nbf":1800000002`), custom(`"auth_time":"0"`), custom(`"amr":"pwd"`),
		custom(`"amr":[1]`), custom(`"acr":null`), custom(`"scope":[]`), custom(`"tid":{}`), custom(`"sid":true`),
		custom(`"roles":["a"],"org":{"id":1}`), custom(`"\u006frg":1`), custom(`"Org":1`), custom(`"or\u0047":1`),
		custom(`"x":1,"x":1`), custom(`"x":1,"X":1`), custom(`"x":{"a":1,"A":2}`), custom(`"x":[{"a":1,"\u0061":2}]`),
		custom(`"ſub":1`), custom(`"k":1,"K":2`), custom(`"iss":"https://app.example"`),
		custom(`"x":{` + members(jwt.MaxMembers) + `}`), custom(`"x":{` + members(jwt.MaxMembers+1) + `}`),
		custom(members(jwt.MaxMembers - 7)), custom(members(jwt.MaxMembers - 6)),
		custom(`"x":` + nested(31)), custom(`"x":` + nested(32)),
		custom(`"x":01`), custom(`"x":-`), custom(`"x":1.`), custom(`"x":.5`), custom(`"x":1e`), custom(`"x":1e-400`),
		custom(`"x":` + strings.Repeat("9", 309)), custom(`"x":` + strings.Repeat("9", 308)), custom(`"x":nul`), custom(`"x"`),
		custom(`"x":"` + strings.Repeat("y", jwt.DefaultMaxBytes) + `"`),
	}
}
