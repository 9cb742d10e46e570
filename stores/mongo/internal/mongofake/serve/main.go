// Serve runs the server of our own as a program, for tests of other modules. It says where it listens, and ends when its
// standard input does.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/oneauth-go/oneauth/stores/mongo/internal/mongofake"
)

func main() {
	server, err := mongofake.Start(mongofake.Primary)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	fmt.Println(server.URI())
	_, _ = io.Copy(io.Discard, os.Stdin)
}
