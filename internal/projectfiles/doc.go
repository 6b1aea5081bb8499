// Package projectfiles tests the files at the project's root that no program of
// ours reads: that docker-compose.yml starts nothing with a default password or
// an open port, that publiccode.yml has what its standard asks for, that the
// licence is the official text, and that no link between our documents is dead.
// It has no code of its own.
package projectfiles
