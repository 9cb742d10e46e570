package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unicode"

	"github.com/oneauth-go/oneauth/core"
)

// A field is one member that a struct declares.
type field struct {
	name  string
	index []int
	typ   reflect.Type
}

// A layout is what a struct type declares.
type layout struct {
	fields []field
	byFold map[string]field // by foldCase of the name
}

var layouts sync.Map // reflect.Type to *layout

// layoutOf lists the members of a struct type as encoding/json names them, with untagged embedded structs flattened.
func layoutOf(t reflect.Type) *layout {
	if known, found := layouts.Load(t); found {
		return known.(*layout)
	}
	l := &layout{byFold: make(map[string]field)}
	l.add(t, nil)
	known, _ := layouts.LoadOrStore(t, l)
	return known.(*layout)
}

func (l *layout) add(t reflect.Type, parent []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		index := append(append([]int(nil), parent...), i)
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			l.add(f.Type, index)
			continue
		}
		if !f.IsExported() || f.Tag.Get("json") == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		declared := field{name, index, f.Type}
		l.fields = append(l.fields, declared)
		l.byFold[foldCase(name)] = declared
	}
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// inner strips pointers; nil stands for a type that declares no members of its own or reads them itself.
func inner(t reflect.Type) reflect.Type {
	for t != nil {
		if reflect.PointerTo(t).Implements(unmarshaler) || t.Implements(unmarshaler) {
			return nil
		}
		if t.Kind() != reflect.Pointer {
			return t
		}
		t = t.Elem()
	}
	return nil
}

// targetOf returns the struct that dst points to.
func targetOf(dst any) (reflect.Value, error) {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return reflect.Value{}, core.E(core.CodeInternal, "").Wrap(fmt.Errorf("wire: cannot decode into a %T", dst))
	}
	return v.Elem(), nil
}

// foldCase maps names that encoding/json would take for one another to one string.
func foldCase(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}
