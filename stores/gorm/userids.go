package gormstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// idsTable counts the integer ids that were drawn where the database has no sequence to draw them from.
const idsTable = "user_ids"

// NewUserID draws an id as the application's table has them, for oneauth.WithNewUserID: the next one of the column's
// sequence in PostgreSQL; in MariaDB, SQLite and where there is no sequence the one above all that the table has given out
// and that were drawn before; a UUID of version 7 (RFC 9562 section 5.7), also for text. An id is drawn once, whatever
// becomes of it. The application goes on inserting rows with ids of its own: one that it took meanwhile is drawn again by
// the caller.
func (s *Store) NewUserID(ctx context.Context) (string, error) {
	if err := s.enter(ctx); err != nil {
		return "", err
	}
	k, err := s.userKeeper(ctx)
	switch {
	case err != nil:
		return "", err
	case k.users.IDType != IntegerID:
		return newUUID(s.options.Now(), s.options.Rand)
	}
	for try := 1; ; try++ {
		id, err := k.drawID(own(ctx, s.db))
		switch {
		case err == nil:
			return strconv.FormatInt(id, 10), nil
		case ctx.Err() != nil:
			return "", ctx.Err()
		case try == rereads || classOf(err) != busy && classOf(err) != lost:
			return "", fmt.Errorf("gormstore: draw a user's id: %w", err)
		}
		pause(ctx, time.Duration(try)*time.Millisecond)
	}
}

func (s *Store) userKeeper(ctx context.Context) (*userTable, error) {
	if s.options.Users == nil {
		return nil, errors.New("gormstore: Options.Users is not set")
	}
	k, err := s.keeper(ctx, own(ctx, s.db), userKind)
	if err != nil {
		return nil, err
	}
	return k.(*userTable), nil
}

func (k *userTable) drawID(db *gorm.DB) (id int64, err error) {
	if k.users.draw != "" {
		return id, scanOne(db, []any{&id}, k.users.draw)
	}
	last, err := k.dialect.lastID(db, k.users)
	if err != nil {
		return 0, err
	}
	return id, scanOne(db, []any{&id}, fmt.Sprintf(k.dialect.count, k.names.table(idsTable)), last+1)
}

// countersSQL makes the table from which ids are counted, if any are.
func (s *Store) countersSQL() []string {
	if s.users == nil || s.users.IDType != IntegerID {
		return nil
	}
	return []string{fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (kind %s NOT NULL PRIMARY KEY, last_id BIGINT NOT NULL)%s",
		s.names.table(idsTable), s.dialect.types[record.String], s.dialect.engine)}
}

// newUUID returns a UUID of version 7: milliseconds, then 74 random bits.
func newUUID(now time.Time, random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("gormstore: draw a user's id: %w", err)
	}
	ms := make([]byte, 8)
	binary.BigEndian.PutUint64(ms, uint64(now.UnixMilli()))
	copy(b[:6], ms[2:])
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}
