module github.com/oneauth-go/oneauth/client/gormcreds

go 1.26.0

require (
	github.com/glebarez/sqlite v1.11.0
	github.com/glebarez/go-sqlite v1.23.0
	github.com/go-sql-driver/mysql v1.8.1
	github.com/oneauth-go/oneauth v0.0.0
	gorm.io/driver/mysql v1.6.0
	gorm.io/driver/postgres v1.6.3
	gorm.io/gorm v1.31.2
)

replace github.com/oneauth-go/oneauth => ../..
