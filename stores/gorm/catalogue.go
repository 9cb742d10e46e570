package gormstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// The bare names of the tables that say what the other tables hold.
const (
	fieldsTable  = "schema_fields"  // the fields of every kind, in their order; position 0 names the kind's table
	changesTable = "schema_changes" // what was done to the tables, and when
)

// layout is the version of the way in which kinds become tables.
const layout = 1

// catalogue is what the database says of its tables: the fields of each kind.
type catalogue struct {
	present bool
	fields  map[string][]record.Field
	tables  map[string]string // kind to bare table name
}

// readCatalogue reads it; where there is none, nothing is present.
func (s *Store) readCatalogue(db *gorm.DB) (catalogue, error) {
	c := catalogue{fields: map[string][]record.Field{}, tables: map[string]string{}}
	var version sql.NullInt64
	err := lookup(db, "SELECT MAX(layout) FROM "+s.names.table(changesTable), &version)
	switch {
	case classOf(err) == missing:
		return c, nil
	case err != nil:
		return c, fmt.Errorf("gormstore: read what the tables hold: %w", err)
	case version.Int64 > layout:
		return c, fmt.Errorf("gormstore: the tables have layout %d of a newer release; this one knows %d", version.Int64, layout)
	}
	rows, err := db.Raw("SELECT kind, position, name, type, is_term FROM " + s.names.table(fieldsTable) + " ORDER BY kind, position").Rows()
	if err != nil {
		return c, fmt.Errorf("gormstore: read what the tables hold: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name, typ string
		var position int
		var term bool
		if err := rows.Scan(&kind, &position, &name, &typ, &term); err != nil {
			return c, err
		}
		if position == 0 {
			c.tables[kind] = name
			continue
		}
		f := record.Field{Name: name, Type: typeNamed(typ), Term: term}
		if f.Type == 0 || position != len(c.fields[kind])+1 {
			return c, fmt.Errorf("gormstore: %s: field %d of %s is not understood", fieldsTable, position, kind)
		}
		c.fields[kind] = append(c.fields[kind], f)
	}
	c.present = true
	return c, rows.Err()
}

func typeNamed(name string) record.Type {
	for t := record.String; t <= record.JSON; t++ {
		if t.String() == name {
			return t
		}
	}
	return 0
}

// catchUp learns what another process made of the tables since.
func (s *Store) catchUp(ctx context.Context, db *gorm.DB) error {
	s.preparing.Lock()
	defer s.preparing.Unlock()
	c, err := s.readCatalogue(own(ctx, db))
	if err != nil {
		return err
	}
	s.learn(c)
	return nil
}

// learn makes the keepers of all kinds that have a table, those that other programs prepared included.
func (s *Store) learn(c catalogue) {
	all := map[string]keeper{}
	for kind := range c.tables {
		all[kind] = s.newKeeper(kind, c.fields[kind])
	}
	s.kinds.Store(&all)
}
