package gormstore

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// cell takes one column of a row from the driver, whatever Go type that chose, as a value of the field's type.
type cell struct {
	typ   record.Type
	value record.Value
}

// Scan implements sql.Scanner.
func (c *cell) Scan(src any) error {
	c.value = record.Value{}
	if src == nil {
		return nil
	}
	switch c.typ {
	case record.Int, record.Bool:
		n, err := integer(src)
		if err != nil {
			return err
		}
		if c.value = record.IntValue(n); c.typ == record.Bool {
			c.value = record.BoolValue(n != 0)
		}
		return nil
	case record.Time:
		t, err := moment(src)
		c.value = record.TimeValue(t)
		return err
	}
	var text string
	switch src := src.(type) {
	case string:
		text = src
	case []byte:
		text = string(src)
	default:
		return fmt.Errorf("a %s came as %T", c.typ, src)
	}
	switch c.typ {
	case record.String:
		c.value = record.StringValue(text)
	case record.Text:
		c.value = record.TextValue(text)
	case record.Bytes:
		c.value = record.BytesValue([]byte(text))
	case record.JSON:
		c.value = record.JSONValue(text)
	}
	return nil
}

func integer(src any) (int64, error) {
	switch src := src.(type) {
	case int64:
		return src, nil
	case bool:
		if src {
			return 1, nil
		}
		return 0, nil
	case []byte:
		return strconv.ParseInt(string(src), 10, 64)
	case string:
		return strconv.ParseInt(src, 10, 64)
	}
	return 0, fmt.Errorf("a number came as %T", src)
}

// timeLayouts are the forms in which SQLite and MariaDB give a timestamp as text.
var timeLayouts = []string{textTime, "2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02 15:04:05.999999999-07:00", "2006-01-02"}

// textTime is how times are written as text: they sort as the times do, and SQLite's functions understand them.
const textTime = "2006-01-02 15:04:05.000+00:00"

// moment reads a timestamp; one without a zone is in UTC.
func moment(src any) (time.Time, error) {
	var text string
	switch src := src.(type) {
	case time.Time:
		return src.UTC(), nil
	case string:
		text = src
	case []byte:
		text = string(src)
	default:
		return time.Time{}, fmt.Errorf("a time came as %T", src)
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("a time came as %q", text)
}

// bind turns a value into an argument of a statement.
func (d *dialect) bind(v record.Value) any {
	switch v.Type() {
	case record.String, record.Text, record.JSON:
		return v.Text()
	case record.Bytes:
		return []byte(v.Text())
	case record.Int:
		return v.Int()
	case record.Bool:
		return v.Bool()
	case record.Time:
		return d.time(v.Time())
	}
	return nil
}

// unstorable says why the database cannot keep a value as it is, or "".
func (d *dialect) unstorable(v record.Value) string {
	switch v.Type() {
	case record.Time:
		return unstorableTime(v.Time())
	case record.JSON:
		if d.jsonDepth > 0 && depth(v.Text()) > d.jsonDepth {
			return fmt.Sprintf("is nested deeper than %d levels", d.jsonDepth)
		}
	}
	return ""
}

func unstorableTime(t time.Time) string {
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return "is not between the years 1 and 9999"
	}
	return ""
}

// depth is how deep lists and objects are nested in a JSON text.
func depth(text string) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			now++
			deepest = max(deepest, now)
		case c == ']' || c == '}':
			now--
		}
	}
	return deepest
}

// extra is a value in the column _extra. Kind is the type's name.
type extra struct {
	Type  string `json:"type"`
	Text  string `json:"text,omitempty"`
	Bytes []byte `json:"bytes,omitempty"`
	Int   int64  `json:"int,omitempty"`
}

// packExtra writes values for which there are no columns.
func packExtra(row record.Row) (any, error) {
	if len(row) == 0 {
		return nil, nil
	}
	list := make([]extra, len(row))
	for i, v := range row {
		list[i] = extra{Type: v.Type().String(), Int: v.Int()}
		if v.Type() == record.Bytes {
			list[i].Bytes = []byte(v.Text())
		} else {
			list[i].Text = v.Text()
		}
	}
	b, err := json.Marshal(list)
	return string(b), err
}

func unpackExtra(text string) (record.Row, error) {
	var list []extra
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("%w: _extra: %v", record.ErrCorrupt, err)
	}
	row := make(record.Row, len(list))
	for i, x := range list {
		switch x.Type {
		case record.String.String():
			row[i] = record.StringValue(x.Text)
		case record.Text.String():
			row[i] = record.TextValue(x.Text)
		case record.Bytes.String():
			row[i] = record.BytesValue(x.Bytes)
		case record.Int.String():
			row[i] = record.IntValue(x.Int)
		case record.Bool.String():
			row[i] = record.BoolValue(x.Int != 0)
		case record.Time.String():
			row[i] = record.TimeValue(time.UnixMilli(x.Int))
		case record.JSON.String():
			row[i] = record.JSONValue(x.Text)
		case record.Type(0).String():
		default:
			return nil, fmt.Errorf("%w: _extra: type %q", record.ErrCorrupt, x.Type)
		}
	}
	return row, nil
}
