package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

type device struct {
	Device string `json:"device"`
}

type input struct {
	device
	Email    string         `json:"email"`
	Name     *string        `json:"name"`
	Remember bool           `json:"remember"`
	TTL      int32          `json:"expires_in"`
	Scopes   []string       `json:"scopes"`
	Since    time.Time      `json:"since"`
	Data     map[string]any `json:"data"`
	Address  struct {
		City string `json:"city"`
	} `json:"address"`
	Verified bool `json:"-"`
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
)

func post(contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/login?email=query%40example.com", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func decode(contentType, body string) (in input, err error) {
	err = wire.Decode(httptest.NewRecorder(), post(contentType, body), &in)
	return in, err
}

func wantError(t *testing.T, err error, code core.Code, field, what string) {
	t.Helper()
	var e *core.Error
	if !errors.As(err, &e) || e.Code != code || e.Field != field {
		t.Errorf("%s: got %v; want %s with field %q", what, err, code, field)
	}
}

func ExampleDecode() {
	r := httptest.NewRequest("POST", "/login", strings.NewReader(`{"identifier": "ann", "password": "x", "password": "y"}`))
	r.Header.Set("Content-Type", "application/json")
	var in struct {
		Identifier string `json:"identifier"`
		Password   string `json:"password"`
	}
	fmt.Println(wire.Decode(httptest.NewRecorder(), r, &in))
	// Output: invalid_request (password): The member is there more than once, or in two cases.
}

func TestDecodeJSONAndFormAlike(t *testing.T) {
	ann := "Ann"
	want := input{
		Email: "a@x.com", Name: &ann, Remember: true, TTL: 60, Scopes: []string{"read", "write"},
		Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Data: map[string]any{"city": "Bonn"},
	}
	want.Device = "phone"
	for contentType, body := range map[string]string{
		"Application/JSON; charset=UTF-8": `{"email":"a@x.com","name":"Ann","remember":true,"expires_in":60,"scopes":["read","write"],` +
			`"since":"2026-01-02T03:04:05Z","data":{"city":"Bonn"},"device":"phone","verified":true,"-":true,"unknown":[{}]}`,
		asForm: "email=a%40x.com&name=Ann&remember=on&expires_in=60&scopes=read+write&since=2026-01-02T03:04:05Z&data.city=Bonn" +
			"&device=phone&verified=true&-=true&Verified=true&unknown=1",
	} {
		got, err := decode(contentType, body)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", contentType, got, err, want)
		}
	}
}

func TestDecodeAbsentValues(t *testing.T) {
	for contentType, body := range map[string]string{
		"": "", asForm: "", asJSON: "{}",
		asJSON + ";charset=utf-8": ` {"email":null,"name":null,"expires_in":null,"data":null,"since":null,"address":null} `,
		asForm + ";charset=utf-8": "email=&remember=&expires_in=&since=",
	} {
		if got, err := decode(contentType, body); err != nil || !reflect.DeepEqual(got, input{}) {
			t.Errorf("%q %q: got %+v, %v", contentType, body, got, err)
		}
	}
	if got, err := decode(asForm, "name="); err != nil || got.Name == nil || *got.Name != "" {
		t.Errorf("an empty name cannot be sent by a form: %+v, %v", got, err)
	}
	if got, err := decode(asForm, "data.city="); err != nil || !reflect.DeepEqual(got.Data, map[string]any{"city": nil}) {
		t.Errorf("an empty entry is not null: %+v, %v", got, err)
	}
	var raw struct {
		Data json.RawMessage `json:"data"`
	}
	if err := wire.Decode(nil, post(asJSON, `{"data":null}`), &raw); err != nil || raw.Data != nil {
		t.Errorf("null is not absent: %s, %v", raw.Data, err)
	}
}

func TestDecodeRefusesJSON(t *testing.T) {
	for _, tt := range []struct{ body, field string }{
		{"", ""}, {"{", ""}, {`{"email":"a@x.com"} {}`, ""}, {`{"email":"a@x.com"}x`, ""}, {`{"email":"a@x.com",}`, ""},
		{"[]", ""}, {"null", ""}, {`"x"`, ""}, {"1", ""}, {"{'email':1}", ""}, {"// x\n{}", ""}, {"\ufeff{}", ""},
		{"{\"email\":\"\xff\"}", ""}, {"{\"\xff\":1}", ""}, {"{\"email\":\"a\nb\"}", ""},
		{`{"email":"\ud800"}`, "email"}, {`{"\ud800":1}`, ""}, {`{"data":{"a":"\udc00x"}}`, "data.a"},
		{`{"email":"a@x.com","email":"b@x.com"}`, "email"}, {`{"email":"a","\u0065mail":"b"}`, "email"},
		{`{"x":1,"x":2}`, "x"}, {`{"x":1,"X":2}`, "X"}, {`{"data":{"a":1,"a":2}}`, "data.a"}, {`{"data":{"a":1,"A":2}}`, "data.A"},
		{`{"x":[{"a":1,"a":2}]}`, "x.a"}, {`{"K":1,"\u212a":2}`, "\u212a"}, {`{"s":1,"\u017f":2}`, "\u017f"},
		{`{"Email":"a@x.com"}`, "Email"}, {`{"data":{},"DATA":{}}`, "DATA"}, {`{"address":{"City":"x"}}`, "address.City"},
		{`{"\u017fcopes":["a"]}`, "\u017fcopes"}, {`{"Device":"x"}`, "Device"},
		{`{"email":1}`, "email"}, {`{"email":["a"]}`, "email"}, {`{"email":{"$ne":""}}`, "email"}, {`{"remember":"true"}`, "remember"},
		{`{"expires_in":1.5}`, "expires_in"}, {`{"expires_in":"1"}`, "expires_in"}, {`{"expires_in":4294967296}`, "expires_in"},
		{`{"scopes":"read"}`, "scopes"}, {`{"since":"yesterday"}`, "since"}, {`{"data":[]}`, "data"}, {`{"address":{"city":1}}`, "address.city"},
		{`{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "x"},
		{strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000), strings.Repeat(".a", 32)[1:]},
	} {
		got, err := decode(asJSON, tt.body)
		wantError(t, err, core.CodeInvalidRequest, tt.field, fmt.Sprintf("%.80q", tt.body))
		if !reflect.DeepEqual(got, input{}) {
			t.Errorf("%.80q changed the struct to %+v", tt.body, got)
		}
	}
}

func TestDecodeRefusesForms(t *testing.T) {
	for _, tt := range []struct{ body, field string }{
		{"email=a&email=b", "email"}, {"email=&email=b", "email"}, {"unknown=1&unknown=2", "unknown"}, {"data.a=1&data.a=2", "data.a"},
		{"email=%ff", "email"}, {"%ff=1", ""}, {"email=\xff", ""}, {"email=%zz", ""}, {"email=a;name=b", ""},
		{"remember=maybe", "remember"}, {"expires_in=1.5", "expires_in"}, {"expires_in=4294967296", "expires_in"}, {"expires_in=0x10", "expires_in"},
		{"since=yesterday", "since"}, {"data=x", "data"}, {"address=x", "address"},
	} {
		got, err := decode(asForm, "device=phone&"+tt.body)
		wantError(t, err, core.CodeInvalidRequest, tt.field, tt.body)
		if !reflect.DeepEqual(got, input{}) {
			t.Errorf("%q changed the struct to %+v", tt.body, got)
		}
	}
}

func TestDecodeMediaTypes(t *testing.T) {
	for _, contentType := range []string{
		"", "text/plain", "text/json", "application/jsonx", "application/problem+json", "multipart/form-data; boundary=x",
		"application/json; charset=utf-16", "application/json,text/plain", "application/json text/plain", ";", "*/*",
	} {
		_, err := decode(contentType, `{"email":"a"}`)
		wantError(t, err, core.CodeUnsupportedMedia, "", contentType)
	}
	r := post(asJSON, "{}")
	r.Header.Add("Content-Type", asForm)
	wantError(t, wire.Decode(nil, r, new(input)), core.CodeUnsupportedMedia, "", "two content types")
	r = post(asJSON, "{}")
	r.Header.Set("Content-Encoding", "gzip")
	wantError(t, wire.Decode(nil, r, new(input)), core.CodeUnsupportedMedia, "", "a compressed body")
}

func TestDecodeBodyLimit(t *testing.T) {
	fits := `{"email":"` + strings.Repeat("a", wire.MaxBody-12) + `"}`
	if _, err := decode(asJSON, fits); err != nil || len(fits) != wire.MaxBody {
		t.Errorf("a body of %d bytes: %v", len(fits), err)
	}
	_, err := decode(asJSON, fits+" ")
	wantError(t, err, core.CodeTooLarge, "", "one byte over, declared")
	r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader(fits), strings.NewReader(" ")))
	r.Header.Set("Content-Type", asJSON)
	wantError(t, wire.Decode(httptest.NewRecorder(), r, new(input)), core.CodeTooLarge, "", "one byte over, undeclared")
	r = httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader("{}"), brokenReader{}))
	r.Header.Set("Content-Type", asJSON)
	wantError(t, wire.Decode(httptest.NewRecorder(), r, new(input)), core.CodeInvalidRequest, "", "a body that breaks off")
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBodyCanBeReadAgain(t *testing.T) {
	r := post(asForm, "csrf_token=t&email=a")
	for range 2 {
		var in input
		token, err := wire.FormValue(r, "csrf_token")
		if errDecode := wire.Decode(httptest.NewRecorder(), r, &in); err != nil || errDecode != nil || token != "t" || in.Email != "a" {
			t.Fatalf("token %q, %v; input %+v, %v", token, err, in, errDecode)
		}
	}
	if token, err := wire.FormValue(post(asJSON, `{"csrf_token":"t"}`), "csrf_token"); token != "" || err != nil {
		t.Errorf("a form value out of JSON: %q, %v", token, err)
	}
	_, err := wire.FormValue(post(asForm, "t=1&t=2"), "t")
	wantError(t, err, core.CodeInvalidRequest, "t", "a doubled form value")
	_, err = wire.FormValue(post(asForm, "t="+strings.Repeat("x", wire.MaxBody)), "t")
	wantError(t, err, core.CodeTooLarge, "", "a huge form")
}

func TestDecodeNeedsAStruct(t *testing.T) {
	for _, dst := range []any{nil, input{}, (*input)(nil), new(string), new(map[string]any)} {
		wantError(t, wire.Decode(nil, post(asJSON, "{}"), dst), core.CodeInternal, "", fmt.Sprintf("%T", dst))
	}
}

// Whatever Decode accepts, encoding/json accepts with the same value; and re-encoding that value is accepted again.
func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{
		`{"email":"a","name":null,"remember":true,"expires_in":-1,"scopes":["a"],"since":"2026-01-02T03:04:05Z","data":{"a":{"b":[1,null]}}}`,
		`{"Email":"a"}`, `{"x":1,"x":2}`, `{"address":{"city":"x"},"device":"d"}`, `{"data":{"a":"\ud83d\ude00"}}`, ` {} `, `{}{}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := decode(asJSON, s)
		if err != nil {
			if !reflect.DeepEqual(got, input{}) {
				t.Fatalf("%q: %v, but the struct became %+v", s, err, got)
			}
			return
		}
		var want input
		if err := json.Unmarshal([]byte(s), &want); err != nil {
			t.Fatalf("Decode accepts what encoding/json does not: %q: %v", s, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: Decode gives %+v, encoding/json %+v", s, got, want)
		}
		var folded map[string]any
		if err := json.Unmarshal([]byte(s), &folded); err != nil {
			t.Fatal(err)
		}
		for a := range folded {
			for b := range folded {
				if a != b && strings.EqualFold(a, b) {
					t.Fatalf("%q has both %q and %q", s, a, b)
				}
			}
		}
	})
}

func FuzzDecodeForm(f *testing.F) {
	f.Add("email=a%40x.com&data.a=b&scopes=a+b&remember=on&expires_in=5&since=2026-01-02T03:04:05Z")
	f.Add("email=a&email=b")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := decode(asForm, s)
		if err != nil {
			var e *core.Error
			if !errors.As(err, &e) || e.Code != core.CodeInvalidRequest || !reflect.DeepEqual(got, input{}) {
				t.Fatalf("%q: %v, %+v", s, err, got)
			}
			return
		}
		if r := post(asForm, s); got.Email != r.PostFormValue("email") || got.Device != r.PostFormValue("device") {
			t.Fatalf("%q: Decode gives %+v, net/http %v", s, got, r.PostForm)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for name, request := range map[string][2]string{
		"json": {asJSON, `{"identifier":"ann@example.com","password":"correct horse battery staple"}`},
		"form": {asForm, "identifier=ann%40example.com&password=correct+horse+battery+staple"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var in struct {
					Identifier string `json:"identifier"`
					Password   string `json:"password"`
				}
				if err := wire.Decode(nil, post(request[0], request[1]), &in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
