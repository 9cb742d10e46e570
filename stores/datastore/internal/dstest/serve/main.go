// Serve runs the server of our own as a program, for tests of other modules. It says where it listens, for
// DATASTORE_EMULATOR_HOST, and ends when its standard input does.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
)

func main() {
	server, err := dstest.Start(dstest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	fmt.Println(server.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}
