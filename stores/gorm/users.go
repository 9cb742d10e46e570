package gormstore

// UserTable describes a table of users that the application has.
type UserTable struct{ Table string }

func (u *UserTable) validate() error { return nil }
