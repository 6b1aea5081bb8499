// Package hsds translates between Open Referral's Human Services Data
// Specification, HSDS 3.1 (and 3.0, as the United Kingdom uses it), and the
// canonical values of services and organisations.
//
// # The lens
//
// An object of HSDS says more than our types do, and ours say what HSDS has no
// member for. So a translation there and back would lose on both sides. This
// package is a lens instead: the original object is kept beside the values
// (field hsds of kind attributes), and
//
//	ToFields    reads from an object what our fields can hold
//	FromFields  reads the kept original once more, compares field by field with
//	            what the document says today, and writes only what differs
//
// Two laws follow, and the tests hold it to them: a document that nobody edited
// gives its original back, member by member (GetPut); and a fresh reading of
// what FromFields wrote gives the values that an editor put there (PutGet).
//
// Over compares three ways when an object comes again, so that an import takes
// over what its directory changed and leaves what people wrote (over.go).
//
// Each field is a piece: a function that reads it from an object, and one that
// writes it into an object so that the first reads it again. To map one more
// member, add one more piece to the list of its kind (pieces.go).
//
// # Tables
//
// The tabular form of HSDS is one CSV file for each object, joined by foreign
// keys and described by a datapackage.json. Tables says how they hang together;
// Flatten takes an object apart into rows. Reading files is not done here: the
// package knows no files, no stores and no clock.
package hsds
