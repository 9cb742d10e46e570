module github.com/oneauth-go/oneauth/stores/redis

go 1.26.0

require github.com/oneauth-go/oneauth v0.0.0

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/redis/go-redis/v9 v9.23.0
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/oneauth-go/oneauth => ../..
