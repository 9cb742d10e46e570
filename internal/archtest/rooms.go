package archtest

// Module is the import path of the module that the tables are about.
const Module = "github.com/oneauth-go/oneauth"

// What no package of the root module may bring into an application's build.
var heavy = []string{
	"gorm.io/...", "database/sql/driver", "github.com/jackc/...", "github.com/lib/pq/...", "github.com/go-sql-driver/...",
	"github.com/glebarez/...", "github.com/mattn/go-sqlite3/...", "modernc.org/...", "cloud.google.com/...",
	"google.golang.org/...", "github.com/redis/...", "go.mongodb.org/...", "go.opentelemetry.io/...",
	"github.com/prometheus/...", "testing",
}

// What has no place below the HTTP edge, whoever brings it in.
var transport = []string{"net/http/...", "github.com/golang-jwt/...", Module + "/internal/jwt"}

// What an edge must not know.
var (
	engines = []string{"go.etcd.io/...", "github.com/tidwall/..."}
	storage = all([]string{Module + "/stores/..."}, engines)
)

func all(lists ...[]string) (out []string) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// Nested are the modules of their own, each checked in the build that its users get.
var Nested = []string{
	"client/gormcreds", "client/keyring", "grpcauth", "stores/datastore", "stores/gorm", "stores/mongo", "stores/redis",
}

// Rooms is the table of docs/architecture.md, row by row.
var Rooms = []Room{
	{
		Name: "", Why: "the front door: wires everything",
		Own: []string{
			"apiauth", "webauth", "webauth/pages", "oauth", "core", "core/mail", "core/password", "core/record", "core/seal",
			"internal/wire",
		},
		Third: []Third{{"golang.org/x/oauth2", "the token sources of identity providers"}},
		Never: all(heavy, storage),
	},
	{
		Name: "internal/idp", Why: "an identity provider for tests and demonstrations",
		Third: []Third{{"github.com/go-jose/go-jose/v4/...", "signs, also as a provider that lies would"}},
		Never: all(heavy, storage),
	},
	{
		Name: "oauth", Why: "signing in through identity providers",
		Own: []string{"core", "core/record", "internal/wire"},
		Third: []Third{
			{"golang.org/x/oauth2", "the OAuth 2.0 client"},
			{"github.com/coreos/go-oidc/v3/...", "discovery and ID tokens"},
			{"github.com/go-jose/go-jose/v4/...", "the client secret of Apple is a signed token"},
		},
		Never: all(heavy, storage),
	},
	{
		// testing and a store: it is for the tests of applications, and no program imports it.
		Name: "oneauthtest", Why: "what an application's tests need",
		Own: []string{"", "core", "core/identifier", "core/mail", "core/password", "core/record", "internal/clock", "stores/mem"},
	},
	{
		Name: "core", Why: "entities, the gate, sessions, tokens, events, jobs",
		Own:   []string{"core/identifier", "core/password", "core/record", "core/seal"},
		Never: all(heavy, transport, storage), NoStd: []string{"net"},
	},
	{
		Name: "core/record", Why: "the storage kernel",
		Never: all(heavy, transport, storage, []string{Module + "/core", "net/..."}),
	},
	{
		Name: "core/seal", Why: "encryption at rest and subkeys",
		Never: all(heavy, transport, storage, []string{Module + "/core", "net/..."}),
	},
	{
		Name: "core/identifier", Why: "normal forms of e-mail addresses, phone numbers and usernames",
		Third: []Third{
			{"golang.org/x/net/idna", "domains of e-mail addresses (UTS 46)"},
			{"golang.org/x/text/...", "NFKC, case folding, PRECIS (RFC 8265)"},
		},
		Never: all(heavy, transport, storage, []string{Module + "/core"}),
	},
	{
		Name: "core/password", Why: "hashing and policy of passwords",
		Third: []Third{
			{"golang.org/x/crypto/argon2", "new hashes (RFC 9106)"},
			{"golang.org/x/crypto/bcrypt", "imported hashes, verified only"},
			{"golang.org/x/crypto/scrypt", "imported hashes, verified only"},
			{"golang.org/x/text/unicode/norm", "NFKC before hashing"},
			{"github.com/ccojocar/zxcvbn-go/...", "strength of passwords"},
		},
		Never: all(heavy, transport, storage, []string{Module + "/core"}),
	},
	{
		// net/http: the development mailbox shows itself to a browser, and the SMTP sender checks addresses.
		Name: "core/mail", Why: "templates and senders of notices",
		Own: []string{"core", "internal/catalogue"},
		Third: []Third{
			{"github.com/wneessen/go-mail", "SMTP with TLS"},
			{"golang.org/x/text/...", "languages and normal forms"},
		},
		Never: all(heavy, storage, []string{"github.com/golang-jwt/...", Module + "/internal/jwt"}),
	},
	{
		Name: "core/...", Why: "features: one package each, never HTTP, never each other",
		Own:   []string{"core", "core/record"},
		Never: all(heavy, transport, storage),
	},
	{
		Name: "apiauth", Why: "access tokens, API keys, the token endpoint and the middleware",
		Own:   []string{"core", "core/record", "core/seal", "internal/jwt", "internal/wire"},
		Never: all(heavy, storage, []string{"github.com/golang-jwt/..."}),
	},
	{
		Name: "webauth", Why: "cookies, cross-origin check, account endpoints",
		Own:   []string{"core", "core/identifier", "internal/wire", "webauth/pages"},
		Never: all(heavy, storage, []string{"github.com/golang-jwt/...", Module + "/internal/jwt"}),
	},
	{
		Name: "webauth/pages", Why: "how pages look and read",
		Own:   []string{"core", "core/identifier", "internal/catalogue", "internal/wire"},
		Never: all(heavy, storage, []string{"github.com/golang-jwt/...", Module + "/internal/jwt"}),
	},
	{
		Name: "stores/mem", Why: "records in memory",
		Own:   []string{"core/record"},
		Third: []Third{{"github.com/tidwall/btree", "ordered tables with cheap copies"}},
		Never: all(heavy, transport, []string{Module + "/core", "go.etcd.io/..."}),
	},
	{
		Name: "stores/file", Why: "records in one file",
		Own:   []string{"core/record"},
		Third: []Third{{"go.etcd.io/bbolt/...", "one file, fsync, lock, instant reopen"}},
		Never: all(heavy, transport, []string{Module + "/core"}),
	},
	{
		Name: "stores/transfer", Why: "moves one store into another",
		Own:   []string{"core/record"},
		Never: all(heavy, transport, engines, []string{Module + "/core"}),
	},
	{
		Name: "stores/gorm", Why: "records in SQL, through GORM",
		Own:   []string{"core/record"},
		Third: []Third{{"gorm.io/gorm/...", "the application's own *gorm.DB"}},
		Never: all(engines, []string{Module + "/core"}),
	},
	{
		Name: "stores/redis", Why: "records in Redis, and a cache before other stores",
		Own:   []string{"core/record"},
		Third: []Third{{"github.com/redis/go-redis/v9", "the application's own client"}},
		Never: all(engines, []string{Module + "/core"}),
	},
	{
		Name: "stores/mongo", Why: "records in MongoDB",
		Own:   []string{"core/record"},
		Third: []Third{{"go.mongodb.org/mongo-driver/v2/...", "the application's own client"}},
		Never: all(engines, []string{Module + "/core", Module + "/stores/mongo/internal/..."}),
	},
	{
		Name: "stores/mongo/internal/...", Why: "a server of MongoDB's protocol, for tests",
		Own:   []string{"stores/mongo/internal/mongofake"},
		Third: []Third{{"go.mongodb.org/mongo-driver/v2/bson", "documents"}},
	},
	{
		Name: "stores/datastore", Why: "records in Cloud Datastore",
		Own: []string{"core/record"},
		Third: []Third{
			{"cloud.google.com/go/datastore", "the application's own client"},
			{"google.golang.org/api/iterator", "the end of a query's answer"},
			{"google.golang.org/grpc/...", "codes of errors"},
		},
		Never: all(engines, []string{Module + "/core", Module + "/stores/datastore/internal/..."}),
	},
	{
		Name: "stores/datastore/internal/...", Why: "a server of Datastore's protocol, for tests",
		Own: []string{"stores/datastore/internal/dstest"},
		Third: []Third{
			{"cloud.google.com/go/datastore/...", "messages of the protocol, and a client for the tests"},
			{"google.golang.org/api/option", "where that client finds the server"},
			{"google.golang.org/grpc/...", "the transport"}, {"google.golang.org/protobuf/...", "messages"},
		},
	},
	{
		Name: "grpcauth", Why: "tokens and keys in gRPC: interceptors and credentials",
		Own:   []string{"apiauth", "client", "client/verify", "core"},
		Third: []Third{{"google.golang.org/grpc/...", "the transport"}, {"golang.org/x/oauth2", "TokenSource"}},
		Never: storage,
	},
	{
		Name: "client/gormcreds", Why: "a program's credentials in SQL, through GORM",
		Own:   []string{"client"},
		Third: []Third{{"gorm.io/gorm/...", "the program's own *gorm.DB"}},
		Never: all(storage, []string{Module + "/core"}),
	},
	{
		Name: "client/keyring", Why: "a program's credentials in the keyring of the operating system",
		Own:   []string{"client"},
		Third: []Third{{"github.com/zalando/go-keyring", "the three keyrings"}},
		Never: all(storage, []string{Module + "/core"}),
	},
	{
		// testing: the suite is run by the tests of backends, and by nothing else.
		Name: "stores/storetest", Why: "the conformance suite",
		Own:   []string{"core/record", "internal/clock", "internal/parts"},
		Never: all(transport, engines, []string{Module + "/core"}),
	},
	{
		Name: "client", Why: "the SDK of programs: tokens, refresh, transport",
		Third: []Third{{"golang.org/x/oauth2", "TokenSource, and the code exchange"}, {"golang.org/x/sys/...", "locks of files"}},
		Never: all(heavy, storage, []string{Module + "/core"}),
	},
	{
		// testing and an application: the suite is run by the tests of credential stores, and by nothing else.
		Name: "client/credtest", Why: "the suite for credential stores",
		Own: []string{"", "client", "core", "oneauthtest"},
	},
	{
		Name: "client/verify", Why: "access tokens, verified without a store",
		Own:   []string{"internal/jwt"},
		Never: all(heavy, storage, []string{Module + "/core"}),
	},
	{
		// testing: it starts servers and processes for tests, and no program imports it.
		Name: "internal/parts", Why: "programs and servers that tests need",
	},
	{
		// testing: it fills stores for benchmarks, and no program imports it.
		Name: "internal/population", Why: "an installation with many users, for benchmarks",
		Own: []string{"core", "core/identifier", "core/password", "core/record", "core/seal"},
	},
	{
		// testing: the proofs are run by the tests of stores, and by nothing else.
		Name: "internal/storeproof", Why: "an application over a store: races, faults, dumps",
		Own: []string{"", "core", "core/identifier", "core/password", "core/record", "internal/idp", "internal/parts", "oauth", "stores/storetest"},
	},
	{
		Name: "internal/jwt", Why: "JWS and JWT: the fast path",
		Never: []string{"net/http/...", "github.com/...", "golang.org/..."},
	},
	{
		Name: "internal/wire", Why: "HTTP conventions that every endpoint shares",
		Own:   []string{"core"},
		Third: []Third{{"golang.org/x/text/language", "Accept-Language"}},
		Never: all(heavy, storage, []string{"github.com/golang-jwt/...", Module + "/internal/jwt"}),
	},
	{
		Name: "internal/catalogue", Why: "texts of mails and pages by language",
		Third: []Third{{"golang.org/x/text/language", "matching of languages (BCP 47)"}},
		Never: all(heavy, transport, storage, []string{Module + "/core"}),
	},
	{
		Name: "internal/...", Why: "tools and tests of this repository, stdlib only",
	},
}

// ForTests lists what tests import beside the code, and why.
var ForTests = []Third{
	{"github.com/golang-jwt/jwt/v5", "the reference that the fast path is held against"},
	{"github.com/emersion/go-smtp", "a mail server in the process"},
	{"github.com/emersion/go-sasl", "what its authentication is made of"},
	{"golang.org/x/oauth2/...", "a foreign client"},
	{"golang.org/x/net/html", "reads pages as a browser does"},
	{"gopkg.in/yaml.v3", "reads docs/openapi.yaml"},
}

// Modules lists what the root go.mod may require, and why. What tests alone need is marked so; it is not in the build of
// an application.
var Modules = map[string]string{
	"github.com/ccojocar/zxcvbn-go": "strength of passwords",
	"github.com/wneessen/go-mail":   "SMTP",
	"github.com/tidwall/btree":      "stores/mem",
	"go.etcd.io/bbolt":              "stores/file",
	"golang.org/x/crypto":           "argon2, and bcrypt and scrypt for imported hashes",
	"golang.org/x/net":              "idna; tests: html",
	"golang.org/x/sys":              "needed by x/crypto and bbolt",
	"golang.org/x/text":             "normal forms, languages",

	"github.com/golang-jwt/jwt/v5":  "tests: the reference for access tokens",
	"github.com/emersion/go-smtp":   "tests: a mail server in the process",
	"github.com/emersion/go-sasl":   "tests: needed by go-smtp",
	"golang.org/x/oauth2":           "the client of identity providers; tests: a foreign client of ours",
	"github.com/coreos/go-oidc/v3":  "identity providers: discovery and ID tokens",
	"github.com/go-jose/go-jose/v4": "needed by go-oidc; Apple's client secret",
	"gopkg.in/yaml.v3":              "tests: reads docs/openapi.yaml",
}
