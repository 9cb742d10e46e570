module github.com/oneauth-go/oneauth/examples

go 1.26.0

require (
	github.com/go-chi/chi/v5 v5.5.0
	github.com/oneauth-go/oneauth v0.0.0
)

require (
	github.com/ccojocar/zxcvbn-go v1.0.4 // indirect
	github.com/tidwall/btree v1.8.2 // indirect
	github.com/wneessen/go-mail v0.8.1 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/oneauth-go/oneauth => ../
