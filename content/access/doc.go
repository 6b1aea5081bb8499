// Package access is the one place that decides on roles.
//
// Who may do what is data: schemas/access.yaml lists, for every action of a
// closed table, the roles that may, the dimension in which their scope must
// cover the object, and a condition that must hold. Parse reads and checks the
// file once, at load; afterwards every question is a look-up:
//
//	policy.Permit(access.DocumentSee, grants, object, now, contains)   the grant that permits it, or nil
//	policy.Reach(access.DocumentSee, grants, now)                      where to look for all that it permits
//
// A workflow's requirements ("reviewer@territory") are held against grants by
// the same function, Requirement.Met, so there is one notion of an active grant
// and one of a scope that covers an object.
//
// What is not permitted is denied: an unknown action, an unknown role, a
// condition that nobody answers, a grant that has ended, a scope that is empty.
// The package is pure. It knows no clock, no store and no document: the caller
// says what the time is, what the object is, and which conditions hold.
package access
