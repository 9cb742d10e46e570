// Package datastore keeps OneAuth's records in Google Cloud Datastore (Firestore in Datastore mode), through the official
// client that the application brings.
//
// # What is stored
//
// A record is one entity. Its kind is Options.KindPrefix and the record's kind ("oneauth_session"), its properties are the
// record's fields by name: strings and long texts as strings, times as timestamps, lists and open maps as JSON text.
// Beside them are rev, version, purge_at (when it may be swept) and _fields (how many fields its writer knew). Properties of
// other names, which the application added to an entity, are left as they are.
//
// # Indexes
//
// No composite index is needed. Fields of type string (at most 200 bytes) and purge_at are indexed, all others are not.
// Every string is, and not only those that are terms today: a field can become a term in a later release without a
// rewrite of what is stored, and without missing what nodes of the earlier release go on writing.
//
// # Transactions
//
// A commit is one read-write transaction that looks up every key whose revision matters. Datastore promises serializable
// isolation, "data read or modified by a transaction cannot be concurrently modified", so a Check is as strong as a write
// in the OPTIMISTIC and in the PESSIMISTIC mode of a database. OPTIMISTIC_WITH_ENTITY_GROUPS works, too, but there a
// transaction takes at most 25 records.
package datastore
