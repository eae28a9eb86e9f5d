package webserver

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// A client that knows a server by its address alone cannot know who listens there: the
// server may have been killed, and its port be another program's since. So before a
// client says anything else on a connection, it has the server prove that it can read
// what the client reads too, a key: the server seals the challenge, which nobody has seen
// before, and the address that it has itself on the connection. The latter is for whoever
// would hand the challenge on to the server: on that connection the address is another
// one.

// proofPath is where a server proves itself, to anybody: what it says tells nothing of
// the key.
const proofPath = "/.well-known/segue-server"

const (
	challengeBytes = 32
	proofTime      = 5 * time.Second // within which a proof comes
)

// seal is the proof that whoever has an address knows the key.
func seal(key, challenge []byte, address net.Addr) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(challenge) // of fixed length, so that it cannot be taken for a part of the address
	mac.Write([]byte(address.String()))
	return mac.Sum(nil)
}

// Proving returns a handler that proves to the clients of [Dial] that it has the key, and
// else is h. It is no mux of net/http, which would answer an unclean path in place of h.
func Proving(h http.Handler, key []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != proofPath {
			h.ServeHTTP(w, r)
			return
		}
		challenge, err := hex.DecodeString(r.URL.Query().Get("challenge"))
		address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if err != nil || !ok || len(challenge) != challengeBytes {
			http.Error(w, fmt.Sprintf("challenge must be %d bytes in hexadecimal", challengeBytes), http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, hex.EncodeToString(seal(key, challenge, address))) // a client that is gone needs none
	})
}

// Dial returns a way to connect that takes no server but one that proves that it has the
// key, over TLS unless trust is nil. A certificate is no such proof: whoever copies the
// key's folder copies the certificate too.
func Dial(key []byte, trust *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, proofTime)
		defer cancel()
		dial := (&net.Dialer{}).DialContext
		if trust != nil {
			dial = (&tls.Dialer{Config: trust}).DialContext
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if err := demandProof(ctx, conn, key); err != nil {
			_ = conn.Close() // nothing was said on it
			return nil, fmt.Errorf("whoever listens at %s does not prove that it is the server: %w", address, err)
		}
		return conn, nil
	}
}

// demandProof has the server of a new connection prove that it has the key.
func demandProof(ctx context.Context, conn net.Conn, key []byte) error {
	challenge := make([]byte, challengeBytes)
	_, _ = rand.Read(challenge) // it never fails
	url := "http://" + conn.RemoteAddr().String() + proofPath + "?challenge=" + hex.EncodeToString(challenge)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	until, _ := ctx.Deadline()
	if err := errors.Join(conn.SetDeadline(until), request.Write(conn)); err != nil {
		return err
	}
	answers := bufio.NewReader(conn)
	response, err := http.ReadResponse(answers, request)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 2*sha256.Size+1))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	proof, err := hex.DecodeString(string(text))
	if err != nil || !hmac.Equal(proof, seal(key, challenge, conn.RemoteAddr())) {
		return errors.New("its proof is wrong: " + response.Status)
	}
	if answers.Buffered() > 0 {
		return errors.New("it says more than it is asked")
	}
	return conn.SetDeadline(time.Time{})
}
