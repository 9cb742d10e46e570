package mongofake

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Codes of the server's errors that the tests speak of.
const (
	BadValue            = 2
	Unauthorized        = 13
	NamespaceNotFound   = 26
	MaxTimeMSExpired    = 50
	WriteConcernTimeout = 64
	InvalidOptions      = 72
	IndexConflict       = 85
	WriteConflict       = 112
	CommandNotSupported = 115
	TransactionTooOld   = 225
	NoSuchTransaction   = 251
	NotWritablePrimary  = 10107
	DuplicateKey        = 11000
	InterruptedShutdown = 11600
	unknownField        = 40415
)

var codeNames = map[int32]string{
	BadValue: "BadValue", Unauthorized: "Unauthorized", NamespaceNotFound: "NamespaceNotFound",
	MaxTimeMSExpired: "MaxTimeMSExpired", WriteConcernTimeout: "WriteConcernTimeout", InvalidOptions: "InvalidOptions",
	IndexConflict: "IndexOptionsConflict", WriteConflict: "WriteConflict", CommandNotSupported: "CommandNotSupported",
	TransactionTooOld: "TransactionTooOld", NoSuchTransaction: "NoSuchTransaction", NotWritablePrimary: "NotWritablePrimary",
	DuplicateKey: "DuplicateKey", InterruptedShutdown: "InterruptedAtShutdown", unknownField: "IDLUnknownField",
}

// failed is an error that a client is told.
type failed struct {
	code    int32
	message string
	details bson.D // of a write error
}

func (f *failed) Error() string {
	return fmt.Sprintf("%s (%d): %s", codeNames[f.code], f.code, f.message)
}

func fail(code int32, format string, args ...any) *failed {
	return &failed{code: code, message: fmt.Sprintf(format, args...)}
}

var errConflict = fail(WriteConflict, "Caused by :: Write conflict during plan execution and yielding is disabled.")

// reply is the answer to c that says f, with the labels that a server puts on it.
func (f *failed) reply(c *command) bson.D {
	d := bson.D{
		{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: f.message},
		{Key: "code", Value: f.code}, {Key: "codeName", Value: codeNames[f.code]},
	}
	if labels := c.labels(f.code); len(labels) > 0 {
		d = append(d, bson.E{Key: "errorLabels", Value: labels})
	}
	return d
}

// retryable codes are those of a server that is going away, or is not the primary.
var retryable = []int32{WriteConcernTimeout, NotWritablePrimary, InterruptedShutdown}

// labels returns the labels of an error with the code.
func (c *command) labels(code int32) []string {
	var labels []string
	ending := c.name == "commitTransaction" || c.name == "abortTransaction"
	switch {
	case c.inTransaction() && code == WriteConflict, c.inTransaction() && code == NoSuchTransaction:
		labels = append(labels, "TransientTransactionError")
	case c.inTransaction() && !ending && slices.Contains(retryable, code):
		labels = append(labels, "TransientTransactionError")
	case (ending || c.retryable()) && slices.Contains(retryable, code):
		labels = append(labels, "RetryableWriteError")
		if !ending {
			labels = append(labels, "NoWritesPerformed")
		}
	}
	return labels
}
