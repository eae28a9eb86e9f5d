package odata

import "net/http"

// ReadAction reads the parameters of an action's request against what it
// declares; see [ReadBody] and [ReadParameters].
func ReadAction(w http.ResponseWriter, r *http.Request, declared []Parameter) (map[string]string, error) {
	body, err := ReadBody(w, r)
	if err != nil {
		return nil, err
	}
	return ReadParameters(body, declared)
}
