package compare_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// client calls one server.
type client struct {
	http    *http.Client
	base    string
	headers map[string]string

	mu      sync.Mutex
	created int      // leads that were begun
	ids     []string // of those that are there
	member  string   // the last of them that belongs into a segment
}

func newClient(base string) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 2 * callers
	transport.DisableCompression = true // on loopback it costs more than it saves, and only one of them would
	return &client{http: &http.Client{Transport: transport, Timeout: time.Minute}, base: base, headers: map[string]string{}}
}

// statusError is an answer that is none of success.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %.300s", e.status, e.text) }

// notServed reports whether an error is that the server refuses what it was asked for.
func notServed(err error) bool {
	var status *statusError
	return errors.As(err, &status) && (status.status == http.StatusNotImplemented || status.status == http.StatusBadRequest)
}

// call sends a request and decodes the answer into out, unless that is nil.
func (c *client) call(method, path string, body, out any) (http.Header, error) {
	var text io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, c.base+path, text)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range c.headers {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, &statusError{resp.StatusCode, fmt.Sprint(method, " ", path, ": ", string(answer))}
	}
	if out == nil {
		return resp.Header, nil
	}
	return resp.Header, json.Unmarshal(answer, out)
}

// begin returns the number of a lead to create.
func (c *client) begin() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.created++
	return c.created
}

// add remembers a lead that was created.
func (c *client) add(n int, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids = append(c.ids, id)
	if isMember(n) {
		c.member = id
	}
}

func (c *client) id(n int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ids[n*31%len(c.ids)]
}

// check returns an error unless a page is full, and of one city.
func check(page []map[string]any, city string) error {
	if len(page) != 50 {
		return fmt.Errorf("a page has %d leads", len(page))
	}
	for _, lead := range page {
		if city != "" && lead["address1_city"] != city {
			return fmt.Errorf("a lead of %q on a page of %q", lead["address1_city"], city)
		}
	}
	return nil
}

// segue is Segue, by its Web API.
type segue struct{ *client }

const leads = "/api/data/v9.2/leads"

func (s segue) create() error {
	n := s.begin()
	header, err := s.call(http.MethodPost, leads, lead(n), nil)
	if err != nil {
		return err
	}
	_, id, ok := strings.Cut(header.Get("OData-EntityId"), "leads(")
	if !ok {
		return fmt.Errorf("created as %q", header.Get("OData-EntityId"))
	}
	s.add(n, strings.TrimSuffix(id, ")"))
	return nil
}

func (s segue) read(n int) error {
	var lead map[string]any
	_, err := s.call(http.MethodGet, leads+"("+s.id(n)+")?$select="+strings.Join(columns(), ","), nil, &lead)
	if err == nil && lead["companyname"] != "Example Ltd" {
		err = fmt.Errorf("read %v", lead)
	}
	return err
}

func (s segue) page(city, column string) error {
	path := leads + "?$select=" + strings.Join(columns(), ",")
	if city != "" {
		path += "&$filter=" + url.PathEscape("address1_city eq '"+city+"'")
	}
	if column != "" {
		path += "&$orderby=" + column
	}
	var page struct{ Value []map[string]any }
	if _, err := s.call(http.MethodGet, path, nil, &page); err != nil {
		return err
	}
	return check(page.Value, city)
}

// settle waits until the last lead that belongs into a segment is there, and so all
// before it were evaluated.
func (s segue) settle() error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		var lead map[string]any
		if _, err := s.call(http.MethodGet, leads+"("+s.member+")?$select=_msdyn_segmentid_value", nil, &lead); err != nil {
			return err
		}
		if lead["_msdyn_segmentid_value"] != nil {
			return nil
		}
	}
	return fmt.Errorf("lead %s is not evaluated", s.member)
}

// pocketBase is PocketBase, by its API of records.
type pocketBase struct{ *client }

const records = "/api/collections/leads/records"

func (p pocketBase) create() error {
	n := p.begin()
	var made struct{ ID string }
	if _, err := p.call(http.MethodPost, records, lead(n), &made); err != nil {
		return err
	}
	p.add(n, made.ID)
	return nil
}

func (p pocketBase) read(n int) error {
	var lead map[string]any
	_, err := p.call(http.MethodGet, records+"/"+p.id(n), nil, &lead)
	if err == nil && lead["companyname"] != "Example Ltd" {
		err = fmt.Errorf("read %v", lead)
	}
	return err
}

func (p pocketBase) page(city, column string) error {
	path := records + "?perPage=50&skipTotal=1"
	if city != "" {
		path += "&filter=" + url.QueryEscape("address1_city='"+city+"'")
	}
	if column != "" {
		path += "&sort=" + column
	}
	var page struct{ Items []map[string]any }
	if _, err := p.call(http.MethodGet, path, nil, &page); err != nil {
		return err
	}
	return check(page.Items, city)
}

func (pocketBase) settle() error { return nil }
