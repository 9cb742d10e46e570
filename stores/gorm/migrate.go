package gormstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// PendingError is what Prepare, and so oneauth.New, returns when tables, columns or indexes are missing and Options.Migrate is
// not set. The same Store can then be migrated and used again:
//
//	auth, err := oneauth.New(store, options...)
//	var pending *gormstore.PendingError
//	if errors.As(err, &pending) {
//		fmt.Println(pending.SQL()) // the dry run
//		err = store.Migrate(ctx)
//	}
type PendingError struct {
	Changes    []string // in words, one each
	Statements []string
}

func (e *PendingError) Error() string {
	return fmt.Sprintf("gormstore: the database is not migrated (%s and %d further changes are missing): "+
		"set Options.Migrate, or call Store.Migrate, or run PendingError.SQL by hand", e.Changes[0], len(e.Changes)-1)
}

// SQL returns the statements as a script.
func (e *PendingError) SQL() string { return strings.Join(e.Statements, ";\n") + ";\n" }

// Prepare makes the tables of the kinds if Options.Migrate is set, and otherwise a *PendingError of what is missing.
func (s *Store) Prepare(ctx context.Context, schema record.Schema) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.preparing.Lock()
	defer s.preparing.Unlock()
	s.wanted = schema
	if s.users != nil {
		if err := s.checkUsers(own(ctx, s.db)); err != nil {
			return err
		}
	}
	c, steps, err := s.plan(own(ctx, s.db), schema)
	switch {
	case err != nil:
		return err
	case len(steps) > 0 && !s.options.Migrate:
		return pending(steps)
	case len(steps) > 0:
		if c, err = s.migrate(ctx, schema); err != nil {
			return err
		}
	}
	s.learn(c)
	return nil
}

func pending(steps []step) *PendingError {
	e := &PendingError{}
	for _, st := range steps {
		e.Changes = append(e.Changes, st.change)
		e.Statements = append(e.Statements, st.sql...)
	}
	return e
}

// Plan returns what Migrate would run, without running it: empty when nothing is to be done. Without kinds, those of the
// last Prepare are meant, which failed with a *PendingError that says the same.
func (s *Store) Plan(ctx context.Context, kinds ...*record.Kind) ([]string, error) {
	s.preparing.Lock()
	defer s.preparing.Unlock()
	schema, err := s.schema(ctx, kinds)
	if err != nil {
		return nil, err
	}
	_, steps, err := s.plan(own(ctx, s.db), schema)
	return pending(steps).Statements, err
}

// Migrate makes the missing tables, columns and indexes of the kinds, or, without kinds, of those of the last Prepare. It
// may run in several processes at once and while older releases work. What there is, it leaves alone.
func (s *Store) Migrate(ctx context.Context, kinds ...*record.Kind) error {
	s.preparing.Lock()
	defer s.preparing.Unlock()
	schema, err := s.schema(ctx, kinds)
	if err != nil {
		return err
	}
	_, err = s.migrate(ctx, schema)
	return err
}

func (s *Store) schema(ctx context.Context, kinds []*record.Kind) (record.Schema, error) {
	if err := s.enter(ctx); err != nil {
		return record.Schema{}, err
	}
	if len(kinds) > 0 {
		return record.Schema{Kinds: kinds}, nil
	}
	if len(s.wanted.Kinds) == 0 {
		return record.Schema{}, errors.New("gormstore: give the kinds, or call oneauth.New first, which does")
	}
	return s.wanted, nil
}

// migrate plans and runs, alone. It returns the catalogue as it is afterwards.
func (s *Store) migrate(ctx context.Context, schema record.Schema) (c catalogue, err error) {
	for try := 1; ; try++ {
		err = s.dialect.exclusive(own(ctx, s.db), s.names.table(changesTable), func(tx *gorm.DB) error {
			c, err = s.migrateLocked(tx, schema)
			return err
		})
		if ctx.Err() != nil {
			return c, ctx.Err()
		}
		if try == rereads || classOf(err) != busy {
			return c, err
		}
		pause(ctx, time.Duration(try)*10*time.Millisecond)
	}
}

func (s *Store) migrateLocked(tx *gorm.DB, schema record.Schema) (catalogue, error) {
	for _, statement := range s.catalogueSQL() {
		if err := tx.Exec(statement).Error; err != nil {
			return catalogue{}, fmt.Errorf("gormstore: migrate: %w", err)
		}
	}
	c, steps, err := s.plan(tx, schema)
	if err != nil || len(steps) == 0 {
		return c, err
	}
	for _, st := range steps {
		for _, statement := range st.sql {
			if err := tx.Exec(statement).Error; err != nil {
				return c, fmt.Errorf("gormstore: migrate: %s: %w", st.change, err)
			}
		}
	}
	if c, err = s.readCatalogue(tx); err != nil {
		return c, err
	}
	for _, st := range steps {
		if st.extended != "" {
			if err := s.moveExtra(tx, st.extended, c.fields[st.extended]); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

// moveExtra moves values that had no columns to the columns they have now.
func (s *Store) moveExtra(tx *gorm.DB, kind string, fields []record.Field) error {
	t := newTable(s.dialect, s.names, kind, fields)
	if k, ok := s.newKeeper(kind, fields).(*userTable); ok {
		t = k.table
	}
	old := *t
	for {
		var tenants []string
		rows, err := tx.Raw("SELECT DISTINCT tenant FROM " + t.name + " WHERE _extra IS NOT NULL AND _fields < " + fmt.Sprint(len(fields))).Rows()
		if err != nil {
			return err
		}
		for rows.Next() {
			var tenant string
			if err := rows.Scan(&tenant); err != nil {
				return errors.Join(err, rows.Close())
			}
			tenants = append(tenants, tenant)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(tenants) == 0 {
			return err
		}
		for _, tenant := range tenants {
			where := fmt.Sprintf(" WHERE tenant = ? AND _extra IS NOT NULL AND _fields < %d ORDER BY id LIMIT 500", len(fields))
			found, err := old.rows(tx, tenant, t.selectRow+where, []any{tenant}, 500)
			if err != nil {
				return err
			}
			for _, r := range found {
				op := record.Op{Record: r, Verb: record.Put, Want: r.Rev}
				if err := t.apply(tx, op); err != nil && !errors.Is(err, record.ErrConflict) {
					return err
				}
			}
		}
	}
}

// step is one change to the tables.
type step struct {
	change   string // in words
	sql      []string
	extended string // the kind that got further columns
}

// plan compares the kinds with the tables.
func (s *Store) plan(db *gorm.DB, schema record.Schema) (catalogue, []step, error) {
	c, err := s.readCatalogue(db)
	if err != nil {
		return c, nil, err
	}
	var steps []step
	if !c.present {
		steps = append(steps, step{change: "create the catalogue", sql: s.catalogueSQL()})
	}
	owners := map[string]string{fieldsTable: "", changesTable: ""}
	for kind, table := range c.tables {
		owners[table] = kind
	}
	if s.users != nil {
		owners[idsTable] = userKind
	}
	for _, k := range schema.Kinds {
		table := s.tableOf(k.Name)
		if owner, taken := owners[table]; taken && owner != k.Name {
			return c, nil, fmt.Errorf("gormstore: kind %s: its table %s is taken", k.Name, table)
		}
		if have := c.tables[k.Name]; have != "" && have != table {
			return c, nil, fmt.Errorf("gormstore: Options.Users: the kind %s is in table %s already, and these options would keep it in %s",
				k.Name, s.names.prefix+have, s.names.prefix+table)
		}
		owners[table] = k.Name
		more, err := s.planKind(k, c)
		if err != nil {
			return c, nil, err
		}
		steps = append(steps, more...)
	}
	return c, steps, nil
}

func (s *Store) catalogueSQL() []string {
	d := s.dialect
	return []string{
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (kind %s NOT NULL, position INTEGER NOT NULL, name %s NOT NULL, type %s NOT NULL,"+
			" is_term BOOLEAN NOT NULL, PRIMARY KEY (kind, position))%s", s.names.table(fieldsTable), d.key, d.key, d.key, d.engine),
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (version INTEGER NOT NULL PRIMARY KEY, layout INTEGER NOT NULL, description %s NOT NULL,"+
			" applied_at %s NOT NULL)%s", s.names.table(changesTable), d.types[record.Text], d.types[record.Time], d.engine),
	}
}

// noted adds to the statements of a step that it was done.
func (s *Store) noted(st step) step {
	changes := s.names.table(changesTable)
	st.sql = append(st.sql, fmt.Sprintf("INSERT INTO %s (version, layout, description, applied_at) SELECT COALESCE(MAX(version), 0) + 1, %d, '%s', %s FROM %s",
		changes, layout, st.change, s.dialect.now, changes))
	return st
}

// planKind says what the table of a kind lacks.
func (s *Store) planKind(k *record.Kind, c catalogue) ([]step, error) {
	have := c.fields[k.Name]
	for i, f := range k.Fields[:min(len(k.Fields), len(have))] {
		if have[i].Name != f.Name || have[i].Type != f.Type {
			return nil, fmt.Errorf("gormstore: kind %s: field %d is %s %s, but %s %s is stored there",
				k.Name, i+1, f.Name, f.Type, have[i].Name, have[i].Type)
		}
	}
	table := s.tableOf(k.Name)
	var steps []step
	if c.tables[k.Name] == "" {
		steps = append(steps, s.createTable(k))
	} else if len(k.Fields) > len(have) {
		steps = append(steps, s.addColumns(k, len(have)))
	}
	for i, f := range k.Fields[:min(len(k.Fields), len(have))] {
		if f.Term && !have[i].Term {
			steps = append(steps, s.noted(step{change: "find " + s.names.prefix + table + " by " + f.Name, sql: []string{
				s.createIndex(table, f.Name, "tenant, "+s.names.ident(f.Name)+", id", ""),
				fmt.Sprintf("UPDATE %s SET is_term = TRUE WHERE kind = '%s' AND position = %d", s.names.table(fieldsTable), k.Name, i+1),
			}}))
		}
	}
	return steps, nil
}

func (s *Store) createTable(k *record.Kind) step {
	d, table := s.dialect, s.tableOf(k.Name)
	columns := []string{
		"tenant " + d.key + " NOT NULL", "id " + d.key + " NOT NULL", "rev BIGINT NOT NULL", "version INTEGER NOT NULL",
		"purge_at " + d.types[record.Time], "_fields INTEGER NOT NULL", "_extra " + d.types[record.JSON],
	}
	for _, f := range k.Fields {
		columns = append(columns, s.names.ident(f.Name)+" "+d.types[f.Type])
	}
	st := step{change: "create " + s.names.prefix + table, sql: []string{
		"CREATE TABLE IF NOT EXISTS " + s.names.table(table) + " (\n  " + strings.Join(columns, ",\n  ") + ",\n  PRIMARY KEY (tenant, id)\n)" + d.engine,
	}}
	where := ""
	if d.partial {
		where = " WHERE purge_at IS NOT NULL"
	}
	st.sql = append(st.sql, s.createIndex(table, "purge_at", "purge_at", where))
	if k.Name == userKind {
		st.sql = append(st.sql, s.countersSQL()...)
	}
	return s.noted(s.describe(st, k, 0))
}

// tableOf returns the bare name of the table of a kind.
func (s *Store) tableOf(kind string) string {
	if kind == userKind && s.users != nil {
		return plural(companionKind)
	}
	return plural(kind)
}

// addColumns adds the fields from position at on. An older process goes on: it names its own columns.
func (s *Store) addColumns(k *record.Kind, at int) step {
	table := s.tableOf(k.Name)
	st := step{extended: k.Name}
	var names []string
	for _, f := range k.Fields[at:] {
		names = append(names, f.Name)
		st.sql = append(st.sql, fmt.Sprintf("ALTER TABLE %s %s %s %s",
			s.names.table(table), s.dialect.addColumn, s.names.ident(f.Name), s.dialect.types[f.Type]))
	}
	st.change = "add " + strings.Join(names, ", ") + " to " + s.names.prefix + table
	return s.noted(s.describe(st, k, at))
}

// describe adds the indexes and the catalogue's entries of the fields from position at on.
func (s *Store) describe(st step, k *record.Kind, at int) step {
	var entries []string
	if at == 0 {
		entries = append(entries, fmt.Sprintf("('%s', 0, '%s', '', FALSE)", k.Name, s.tableOf(k.Name)))
	}
	for i, f := range k.Fields[at:] {
		term := "FALSE"
		if f.Term {
			term = "TRUE"
			st.sql = append(st.sql, s.createIndex(s.tableOf(k.Name), f.Name, "tenant, "+s.names.ident(f.Name)+", id", ""))
		}
		entries = append(entries, fmt.Sprintf("('%s', %d, '%s', '%s', %s)", k.Name, at+i+1, f.Name, f.Type, term))
	}
	st.sql = append(st.sql, "INSERT INTO "+s.names.table(fieldsTable)+" (kind, position, name, type, is_term) VALUES "+strings.Join(entries, ", "))
	return st
}

func (s *Store) createIndex(table, column, columns, where string) string {
	return fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s ON %s (%s)%s",
		s.names.ident(s.names.index(table, column)), s.names.table(table), columns, where)
}
