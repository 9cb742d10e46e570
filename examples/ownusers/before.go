package main

import (
	"time"

	"golang.org/x/crypto/bcrypt"
	"gorm.io/gorm"
)

// This file is the application before OneAuth.

// User is a row of its table.
type User struct {
	ID           uint64 `gorm:"primaryKey"`
	Email        string `gorm:"not null;uniqueIndex;size:200"`
	DisplayName  string `gorm:"not null;size:100"`
	PasswordHash string `gorm:"not null;default:'';size:100"` // bcrypt; OneAuth reads it once
	Plan         string `gorm:"not null;size:20"`
	CreatedAt    time.Time
	UpdatedAt    time.Time
	DeletedAt    gorm.DeletedAt `gorm:"index"`
	Orders       []Order
}

// Order belongs to a user.
type Order struct {
	ID     uint64 `gorm:"primaryKey"`
	UserID uint64 `gorm:"index"`
	What   string
}

// The passwords of the people of the demonstration.
const (
	annsPassword = "violet harbour 42 kites"
	bobsPassword = "seven copper lanterns up"
)

// before makes the table with two people, unless it is there.
func before(db *gorm.DB) error {
	if db.Migrator().HasTable(&User{}) {
		return nil
	}
	if err := db.AutoMigrate(&User{}, &Order{}); err != nil {
		return err
	}
	for _, u := range []struct{ email, name, plan, password, ordered string }{
		{"ann@example.com", "Ann", "gold", annsPassword, "A lamp"},
		{"bob@example.com", "Bob", "free", bobsPassword, "Two chairs"},
	} {
		hash, err := bcrypt.GenerateFromPassword([]byte(u.password), bcrypt.DefaultCost)
		if err != nil {
			return err
		}
		row := User{Email: u.email, DisplayName: u.name, Plan: u.plan, PasswordHash: string(hash), Orders: []Order{{What: u.ordered}}}
		if err := db.Create(&row).Error; err != nil {
			return err
		}
	}
	return nil
}
