package gormstore

import (
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// This file is what the databases say of the application's table.

func postgresColumns(db *gorm.DB, u *users) ([]userColumn, error) {
	// An identity column has its sequence beside, a serial one in its default.
	return describeColumns(db, `SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, a.atthasdef OR a.attidentity <> '',
		CASE WHEN a.attidentity <> '' THEN 'nextval(' || quote_literal(pg_get_serial_sequence(?, a.attname)) || '::regclass)'
			WHEN pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' THEN pg_get_expr(d.adbin, d.adrelid) ELSE '' END,
		CASE WHEN format_type(a.atttypid, NULL) = 'citext' THEN 'citext' WHEN NOT l.collisdeterministic THEN l.collname ELSE '' END,
		EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indpred IS NULL
			AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum)
		FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		LEFT JOIN pg_collation l ON l.oid = a.attcollation
		WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, u.table, u.table)
}

func mariaColumns(db *gorm.DB, u *users) ([]userColumn, error) {
	var engine, zone string
	var tables int
	err := scanOne(db, []any{&tables, &engine, &zone}, `SELECT COUNT(*), COALESCE(MAX(engine), ''), TIMEDIFF(NOW(), UTC_TIMESTAMP())
		FROM information_schema.tables WHERE table_name = ? AND table_schema = COALESCE(NULLIF(?, ''), DATABASE())`, u.bare, u.schema)
	if err != nil || tables == 0 {
		return nil, err
	}
	if !strings.EqualFold(engine, "InnoDB") {
		return nil, fmt.Errorf("its engine is %q: only InnoDB has transactions", engine)
	}
	list, err := describeColumns(db, `SELECT c.column_name, REPLACE(c.column_type, ' unsigned', ''), c.is_nullable = 'YES',
		c.column_default IS NOT NULL OR c.extra LIKE '%auto_increment%' OR c.generation_expression IS NOT NULL, '',
		CASE WHEN c.collation_name IS NULL OR c.collation_name LIKE '%\\_bin' OR c.collation_name = 'binary' THEN '' ELSE c.collation_name END,
		EXISTS (SELECT 1 FROM information_schema.statistics i WHERE i.table_schema = c.table_schema AND i.table_name = c.table_name
			AND i.column_name = c.column_name AND i.non_unique = 0 AND i.sub_part IS NULL AND NOT EXISTS (
				SELECT 1 FROM information_schema.statistics j WHERE j.table_schema = i.table_schema AND j.table_name = i.table_name
				AND j.index_name = i.index_name AND j.seq_in_index = 2))
		FROM information_schema.columns c WHERE c.table_name = ? AND c.table_schema = COALESCE(NULLIF(?, ''), DATABASE())
		ORDER BY c.ordinal_position`, u.bare, u.schema)
	for _, c := range list {
		if c.Type == "timestamp" && !strings.HasPrefix(zone, "00:00:00") && (c.Name == u.CreatedAt || c.Name == u.UpdatedAt || c.Name == u.DeletedAt) {
			return nil, fmt.Errorf("column %s is a TIMESTAMP, which the session's time zone moves: set time_zone='+00:00' in the DSN", c.Name)
		}
	}
	return list, err
}

func sqliteColumns(db *gorm.DB, u *users) ([]userColumn, error) {
	list, err := describeColumns(db, `SELECT c.name, c.type,
		c."notnull" = 0 AND c.pk = 0,
		c.dflt_value IS NOT NULL OR c.hidden > 1 OR (c.pk > 0 AND UPPER(c.type) = 'INTEGER'), '', '',
		(c.pk > 0 AND (SELECT COUNT(*) FROM pragma_table_xinfo(?1) k WHERE k.pk > 0) = 1) OR EXISTS (
			SELECT 1 FROM pragma_index_list(?1) i WHERE i."unique" = 1 AND i.partial = 0
			AND (SELECT group_concat(x.name) FROM pragma_index_info(i.name) x) = c.name)
		FROM pragma_table_xinfo(?1) c ORDER BY c.cid`, u.bare)
	for i, c := range list {
		if c.Name == u.ID && u.IDType != IntegerID {
			// The columns of a compound query have the collation of its first part.
			var same bool
			err := scanOne(db, []any{&same}, fmt.Sprintf("SELECT x = 'A' OR x = 'a ' FROM (SELECT %s AS x FROM %s WHERE 0 UNION ALL SELECT 'a')",
				`"`+u.ID+`"`, u.table))
			if err != nil {
				return nil, err
			}
			if same {
				list[i].Collation = "NOCASE or RTRIM"
			}
		}
	}
	return list, err
}

// lastID asks for the greatest id.
func lastID(db *gorm.DB, u *users) (last int64, err error) {
	return last, scanOne(db, []any{&last}, "SELECT COALESCE(MAX("+u.id+"), 0) FROM "+u.table+" u")
}

// lastMariaID knows of rows that were removed, too.
func lastMariaID(db *gorm.DB, u *users) (last int64, err error) {
	return last, scanOne(db, []any{&last}, "SELECT GREATEST((SELECT COALESCE(MAX("+u.id+"), 0) FROM "+u.table+` u),
		(SELECT COALESCE(MAX(auto_increment), 1) - 1 FROM information_schema.tables
		WHERE table_name = ? AND table_schema = COALESCE(NULLIF(?, ''), DATABASE())))`, u.bare, u.schema)
}

// lastSQLiteID knows of rows that were removed, too, where the table has AUTOINCREMENT.
func lastSQLiteID(db *gorm.DB, u *users) (int64, error) {
	last, err := lastID(db, u)
	if err != nil {
		return 0, err
	}
	var given int64
	err = scanOne(db, []any{&given}, "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = ?", u.bare)
	if classOf(err) == missing {
		return last, nil
	}
	return max(last, given), err
}
