package mongofake

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// SetName is the name of the replica set.
const SetName = "rs0"

// Role is what a server says that it is.
type Role uint8

const (
	Primary    Role = iota // of a replica set of one member
	Standalone             // of no replica set
	Secondary              // a member that takes no writes
)

// Server is a running server. It is safe for concurrent use.
type Server struct {
	listener net.Listener
	role     Role
	engine   *engine
	sessions sessions
	cursors  cursors
	done     sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
	faults []*Fault
	watch  func(Command)
}

// Command is a command as a client sent it.
type Command struct {
	Name string
	DB   string
	Body bson.Raw // without the documents of an insert, update or delete
}

// Start starts an empty server on a free port of the loopback interface.
func Start(role Role) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{listener: l, role: role, engine: newEngine(), conns: map[net.Conn]bool{}}
	s.sessions.byID = map[string]*session{}
	s.cursors.byID = map[int64]*cursor{}
	s.done.Add(1)
	go s.accept()
	return s, nil
}

// URI is what a client connects to.
func (s *Server) URI() string {
	if s.role != Primary {
		return fmt.Sprintf("mongodb://%s/?directConnection=true", s.listener.Addr())
	}
	return fmt.Sprintf("mongodb://%s/?replicaSet=%s", s.listener.Addr(), SetName)
}

// Close drops all connections and waits until nothing runs any more.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.engine.close()
	s.done.Wait()
}

// Watch calls f for each command that is about to be run; nil ends it. f is called with a lock held: it only looks.
func (s *Server) Watch(f func(Command)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
}

func (s *Server) accept() {
	defer s.done.Done()
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = c.Close()
			return
		}
		s.conns[c] = true
		s.done.Add(1)
		s.mu.Unlock()
		go s.serve(c)
	}
}

// errDrop makes serve close the connection without an answer.
var errDrop = errors.New("drop the connection")

// serve answers the commands of one connection, one after the other.
func (s *Server) serve(c net.Conn) {
	defer s.done.Done()
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		_ = c.Close()
	}()
	for {
		m, err := readMessage(c)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				_ = c.Close() // what is no message cannot be answered
			}
			return
		}
		reply, err := s.answer(m)
		if err != nil {
			return
		}
		if err := writeReply(c, m, reply); err != nil {
			return
		}
	}
}

// hello says what the server is (https://github.com/mongodb/specifications: server discovery and monitoring).
func (s *Server) hello() bson.D {
	addr := s.listener.Addr().String()
	d := bson.D{
		{Key: "helloOk", Value: true},
		{Key: "isWritablePrimary", Value: s.role != Secondary},
		{Key: "ismaster", Value: s.role != Secondary},
		{Key: "maxBsonObjectSize", Value: int32(16 << 20)},
		{Key: "maxMessageSizeBytes", Value: int32(48_000_000)},
		{Key: "maxWriteBatchSize", Value: int32(100_000)},
		{Key: "localTime", Value: bson.NewDateTimeFromTime(time.Now())},
		{Key: "logicalSessionTimeoutMinutes", Value: int32(30)},
		{Key: "minWireVersion", Value: int32(0)},
		{Key: "maxWireVersion", Value: int32(21)},
		{Key: "readOnly", Value: false},
	}
	if s.role != Standalone {
		d = append(d,
			bson.E{Key: "setName", Value: SetName},
			bson.E{Key: "setVersion", Value: int32(1)},
			bson.E{Key: "secondary", Value: s.role == Secondary},
			bson.E{Key: "hosts", Value: bson.A{addr}},
			bson.E{Key: "primary", Value: addr},
			bson.E{Key: "me", Value: addr})
	}
	return append(d, bson.E{Key: "ok", Value: 1.0})
}
