package laptop

import (
	"fmt"
	"log/slog"

	"segue/internal/api"
	"segue/internal/auth"
	"segue/internal/webserver"
)

// Server returns a server of the whole API, which its clients reach without a gateway. To
// commands on the same folder it proves that it is theirs ([webserver.Dial]).
func (l *App) Server() (*webserver.Server, error) {
	throttle, err := auth.NewThrottle(l.API.Auth, webserver.Address, l.Clock)
	if err != nil {
		return nil, fmt.Errorf("limit invalid tokens: %w", err)
	}
	config := l.API
	config.Auth = throttle
	handler := webserver.Proving(api.New(config).Mux(), l.Issuer.ProofKey())
	return webserver.New(handler, webserver.Default(), l.Clock, slog.NewLogLogger(l.Log.Handler(), slog.LevelWarn)), nil
}
