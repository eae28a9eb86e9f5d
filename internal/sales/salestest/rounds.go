package salestest

// Rounds is how often a test of one goroutine does what it is to do n times: a third as
// often, and once at least, where the race detector is on ([Racing]).
func Rounds(n int) int {
	if Racing {
		return max(1, n/3)
	}
	return n
}
