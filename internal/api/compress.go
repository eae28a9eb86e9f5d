package api

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

// minCompressed is how long a body is that is worth compressing: one that fits a
// packet is not.
const minCompressed = 1400

// compressed returns h with its longer responses compressed for clients that accept
// gzip. Tags stay: they are weak, and tell the version of a row, not its encoding.
func compressed(h http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.MinSize(minCompressed),
		gzhttp.CompressionLevel(gzip.BestSpeed), // lists of rows shrink to a tenth at any level
		gzhttp.EnableZstd(false))
	if err != nil {
		return h // the options are constant; a test sees that they compress
	}
	return wrap(h)
}
