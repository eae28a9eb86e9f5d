package sequence

import "time"

// EmailFacts is what is known of the email of a step. A zero time means not, or not yet.
type EmailFacts struct {
	Sent       time.Time
	Opened     time.Time
	Clicked    time.Time // a link in it
	Downloaded time.Time // an attachment of it
	Replied    time.Time
}
