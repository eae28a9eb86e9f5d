package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"segue/internal/sales"
	"segue/internal/webserver"
)

// addressFile is where a server leaves its URL, beside the store that it has open, so
// that other commands find it. One that was killed leaves it too, and then anybody may
// listen there: a command has whoever does prove that it is the server.
const addressFile = "segue.addr"

// leaveAddress writes the URL of the server of a data folder. forget takes it away,
// unless another server has written its own since.
func leaveAddress(data, url string) (forget func(), err error) {
	path := filepath.Join(data, addressFile)
	text := []byte(url + "\n")
	fresh := path + ".new"
	err = os.WriteFile(fresh, text, 0o600) //nolint:gosec // the folder is the operator's choice
	if err == nil {
		err = os.Rename(fresh, path) // whoever reads it finds all of it, or none
	}
	if err != nil {
		return nil, fmt.Errorf("leave the address of the server: %w", err)
	}
	return func() {
		if found, err := os.ReadFile(path); err == nil && string(found) == string(text) {
			_ = os.Remove(path) // whoever reads it asks whether the server is there
		}
	}, nil
}

// leftAddress returns the URL that a server has left beside the store, which may have
// ended since.
func (p *program) leftAddress() (url string, err error) {
	text, err := os.ReadFile(filepath.Join(p.Data, addressFile))
	return strings.TrimSpace(string(text)), err
}

// server returns a way to call the server of the data folder, as an administrator of
// the local issuer with this name. url is where it is; when it is "", that is what the
// server has left beside the store.
func (p *program) server(ctx context.Context, url, name string) (*remote, error) {
	given := url != ""
	if !given {
		left, err := p.leftAddress()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the store in %s is open in another program that is no server; wait until it ends", p.Data)
		}
		if err != nil {
			return nil, err
		}
		url = left
	}
	issuer, err := p.place().OpenIssuer()
	if err != nil {
		return nil, err
	}
	token, err := issuer.Issue(userID(name), name, []string{sales.SystemAdministrator}, 24*time.Hour)
	if err != nil {
		return nil, err
	}
	trust, err := webserver.Trust(p.Data)
	if err != nil {
		return nil, err
	}
	url = strings.TrimRight(url, "/")
	transport := &http.Transport{TLSClientConfig: trust}
	if given { // the operator says whom to trust
		transport.Proxy = http.ProxyFromEnvironment
	} else {
		transport.DialContext = webserver.Dial(issuer.ProofKey(), nil)
		transport.DialTLSContext = webserver.Dial(issuer.ProofKey(), trust)
	}
	r := &remote{client: &http.Client{Timeout: time.Minute, Transport: transport}, transport: transport, url: url, root: url + "/api/data/v9.2/", token: token}
	if err := r.get(ctx, "WhoAmI", new(struct{})); err != nil && !given {
		return nil, fmt.Errorf("the store in %s is open in another program, and the server that was at %s does not answer as its own: %w", p.Data, url, err)
	} else if err != nil {
		return nil, fmt.Errorf("the server at %s: %w", url, err)
	}
	fmt.Fprintf(os.Stderr, "Working through the server at %s\n", url)
	return r, nil
}
