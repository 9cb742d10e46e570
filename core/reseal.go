package core

import (
	"context"
	"errors"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/core/seal"
)

// Reseal seals what core keeps sealed (the root secret, notices and sign-ups that wait, tokens of providers) under the
// current master secret, to finish a rotation: when every node has the new one first and Reseal has returned nil, the
// old one can go. It is idempotent, and safe while nodes run that know both secrets.
func (a *Auth) Reseal(ctx context.Context) error {
	err := storeError(a.db.Update(system(ctx), func(rec *record.Tx) error {
		rows := rootSecrets.In(rec)
		r, err := rows.Get(rootID)
		if err != nil || !a.cfg.Secrets.NeedsReseal(r.Sealed) {
			return err
		}
		if r.Sealed, err = a.cfg.Secrets.Reseal(r.Sealed, "root_secret", rootID); err != nil {
			return err
		}
		return rows.Put(r)
	}))
	if err != nil {
		return err
	}
	return a.EachTenant(ctx, func(ctx context.Context) error {
		err := resealAll(ctx, a, outbox, "outbox", func(e *outboxEntry) (string, *[]byte) { return e.ID, &e.Sealed })
		if err != nil {
			return err
		}
		err = resealAll(ctx, a, linked, linkedKind, func(l *LinkedAccount) (string, *[]byte) { return l.ID, &l.Tokens })
		if err != nil {
			return err
		}
		return resealAll(ctx, a, oneTime, "one_time_token", func(t *OneTimeToken) (string, *[]byte) { return t.ID, &t.Payload })
	})
}

// resealAll reseals one field of every record of a kind, each in its own transaction. sealed returns a record's id and
// that field, which may be empty.
func resealAll[T any](
	ctx context.Context, a *Auth, table *record.Table[T], bind string, sealed func(*T) (id string, blob *[]byte),
) error {
	for after := ""; ; {
		var page []*T
		err := a.View(ctx, func(tx *Tx) (err error) {
			page, err = table.In(tx.rec).All(record.Page{After: after})
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, row := range page {
			id, blob := sealed(row)
			after = id
			if len(*blob) == 0 || !a.cfg.Secrets.NeedsReseal(*blob) {
				continue
			}
			if err := a.Update(ctx, func(tx *Tx) error { return resealRow(tx, table, bind, id, sealed) }); err != nil {
				return err
			}
		}
	}
}

func resealRow[T any](
	tx *Tx, table *record.Table[T], bind, id string, sealed func(*T) (id string, blob *[]byte),
) error {
	row, ok, err := found(table.In(tx.rec).Get(id))
	if err != nil || !ok {
		return err
	}
	_, blob := sealed(row)
	fresh, err := tx.auth.cfg.Secrets.Reseal(*blob, bind, id)
	if errors.Is(err, seal.ErrUnknownKey) || errors.Is(err, seal.ErrCorrupt) {
		tx.auth.env.Log.WarnContext(tx.ctx, "cannot be opened, left as it is", "kind", bind, "id", id, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	*blob = fresh
	return table.In(tx.rec).Put(row)
}
