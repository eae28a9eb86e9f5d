package main

import "segue/internal/guid"

// userID returns the id of a user who is known by name only. Its format is fixed:
// rows of earlier runs belong to these users.
func userID(name string) string { return guid.FromName("segue:user:" + name) }
