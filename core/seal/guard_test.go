package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/seal"
)

func TestKeyringNeverShowsSecrets(t *testing.T) {
	current, old := []byte("current-master-secret-0123456789"), []byte("previous-master-secret-012345678")
	k := keyring(t, current, old)
	type exported struct{ Keys *seal.Keyring }
	type byValue struct{ Keys seal.Keyring }
	type unexported struct {
		keys *seal.Keyring
		copy seal.Keyring
	}
	hidden := unexported{k, *k}
	_, _ = hidden.keys, hidden.copy

	var out bytes.Buffer
	for _, v := range []any{k, *k, exported{k}, &exported{k}, byValue{*k}, hidden, &hidden, []*seal.Keyring{k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%X"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		out.Write(b)
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "value", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "value", v)
	}
	subkey := k.Subkey("use")
	for _, secret := range [][]byte{current, old, subkey[:]} {
		for n, form := range []string{
			string(secret[:8]), hex.EncodeToString(secret[:8]), strings.ToUpper(hex.EncodeToString(secret[:8])),
			base64.StdEncoding.EncodeToString(secret[:9]), strings.Trim(fmt.Sprint(secret[:8]), "[]"),
		} {
			if strings.Contains(out.String(), form) {
				t.Errorf("form %d of a secret was printed", n)
			}
		}
	}
	if !strings.Contains(out.String(), k.KeyID()) {
		t.Error("the key id helps to see which secret a node runs with, and is missing")
	}
	if got := fmt.Sprint(seal.Keyring{}); got != "seal.Keyring(empty)" {
		t.Error(got)
	}
}
