package api

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"

	"segue/internal/api/operation"
	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/odata"
	"segue/internal/odata/batch"
	"segue/internal/odata/payload"
	"segue/internal/rows"
	"segue/internal/sales"
)

// maxAnswer is how large the answer to a batch may grow by what its requests read, in
// bytes: a full page of a list fits, and with base64 the whole fits what Lambda carries.
const maxAnswer = payload.MaxPageBytes + 128<<10

// batch serves POST $batch: it has each request served as if it had come by itself, one
// after the other, but for authentication. The first failure is the last response, and
// its status that of the whole, unless the client wants the rest all the same.
func (a *API) batch(w http.ResponseWriter, r *request) error {
	if r.inner {
		return odata.Errorf(odata.BadRequest, "a batch may not contain a batch")
	}
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, odata.Batch, http.MethodPost)
	}
	body, err := odata.ReadBytes(w, r.Request, batch.MaxBody)
	if err != nil {
		return err
	}
	items, err := batch.Read(r.Header.Get("Content-Type"), body)
	if err != nil {
		return err
	}
	run := batchRun{api: a, outer: r, out: batch.NewWriter(guid.New())}
	status := http.StatusOK
	for _, item := range items {
		failed := run.item(item)
		if failed != nil && !r.prefer.ContinueOnError {
			status = failed.Status
			if after := failed.Header.Get("Retry-After"); after != "" {
				w.Header().Set("Retry-After", after)
			}
			break
		}
	}
	w.Header().Set("Content-Type", run.out.ContentType())
	w.WriteHeader(status)
	_, _ = w.Write(run.out.Close()) // fails when the client has gone; there is nobody to tell
	return nil
}

// batchRun is the run of one batch.
type batchRun struct {
	api   *API
	outer *request
	out   *batch.Writer
}

// item carries out a part of the batch and writes what came of it. It returns the first
// response that is a failure, nil when there is none.
func (b *batchRun) item(item batch.Item) *batch.Response {
	var responses []batch.Response
	if item.ChangeSet {
		responses = b.changeSet(item.Requests)
		b.out.ChangeSet(guid.New(), responses...)
	} else {
		responses = []batch.Response{b.plain(item.Requests[0])}
		b.out.Response(responses[0])
	}
	for i := range responses {
		if responses[i].Status >= http.StatusBadRequest {
			return &responses[i]
		}
	}
	return nil
}

// plain serves a request outside change sets.
func (b *batchRun) plain(part batch.Request) batch.Response {
	rec := newPartRecorder()
	r, err := b.request(part, nil)
	if err != nil {
		return b.refused(rec, r, part.ContentID, err)
	}
	if err := b.api.data(rec, r); err != nil {
		return b.refused(rec, r, part.ContentID, err)
	}
	if r.Method == http.MethodGet && b.out.Len()+rec.body.Len() > maxAnswer {
		return b.refused(newPartRecorder(), r, part.ContentID, answerFull())
	}
	return rec.response(part.ContentID)
}

// answerFull is the refusal of a request whose response does not fit the answer.
func answerFull() error {
	refusal := odata.Errorf(odata.CrmHTTPError, "this response does not fit into the response to the batch, whose limit is %d bytes: request fewer rows or columns, or send this request in another batch", maxAnswer)
	refusal.Status = http.StatusRequestEntityTooLarge
	return refusal
}

// changeSet does what the requests of a change set write in one unit of work. If one of
// them is refused, nothing is written, and its refusal is the only response.
func (b *batchRun) changeSet(parts []batch.Request) []batch.Response {
	set := &changeSet{references: odata.References{}, caller: b.outer.caller}
	if len(parts) > rows.MaxCommit {
		err := odata.Errorf(odata.BadRequest, "a change set may have at most %d requests, the most that the store writes in one transaction; this one has %d", rows.MaxCommit, len(parts)).
			Exceeds("WrittenRows", rows.MaxCommit, len(parts))
		return []batch.Response{b.refused(newPartRecorder(), nil, "", err)}
	}
	for _, part := range parts {
		m := &setMember{part: part, rec: newPartRecorder()}
		if err := b.prepare(set, m); err != nil {
			return []batch.Response{b.refused(m.rec, m.request, part.ContentID, err)}
		}
	}
	outcomes, err := b.api.config.Operations.Do(b.outer.Context(), set.caller, set.operations...)
	if err != nil {
		m, err := set.blame(err)
		return []batch.Response{b.refused(newPartRecorder(), m.request, m.part.ContentID, err)}
	}
	responses := make([]batch.Response, len(set.members))
	for i, m := range set.members {
		if m.respond != nil {
			if err := m.respond(outcomes[m.first : m.first+m.count]); err != nil { // it is committed all the same
				responses[i] = b.refused(newPartRecorder(), m.request, m.part.ContentID, err)
				continue
			}
		}
		responses[i] = m.rec.response(m.part.ContentID)
	}
	return responses
}

// prepare decodes a request of a change set and adds what it writes to the set.
func (b *batchRun) prepare(set *changeSet, m *setMember) (err error) {
	if m.request, err = b.request(m.part, set); err != nil {
		return err
	}
	if m.request.Method == http.MethodGet {
		return odata.Errorf(odata.BadRequest, "a change set may not contain GET")
	}
	id := m.part.ContentID
	if _, taken := set.references[id]; taken {
		return odata.Errorf(odata.BadRequest, "The content ID '%s' was found more than once in the same change set.", excerpt.Of(id))
	}
	if len(set.members) == 0 {
		set.caller = m.request.caller
	} else if set.caller.ID != m.request.caller.ID {
		return odata.Errorf(odata.BadRequest, "the requests of a change set are on behalf of one user, not of %s and %s", set.caller.ID, m.request.caller.ID)
	}
	set.members = append(set.members, m)
	m.first = len(set.operations)
	if err := b.api.data(m.rec, m.request); err != nil {
		return err
	}
	if id != "" {
		set.references[id] = b.row(set, m)
	}
	return nil
}

// row returns what the Content-ID of a request stands for, as <set>(<key>): the row that
// it makes, else the one in its path.
func (b *batchRun) row(set *changeSet, m *setMember) string {
	if m.count > 0 {
		if create, ok := set.operations[m.first+m.main].(operation.Create); ok {
			return odata.RowPath(b.api.schema().Table(create.Table), create.ID)
		}
	}
	return odata.RowIn(m.request.path)
}

// request makes a request of a part of the batch: on behalf of the same caller, whatever
// token it repeats.
func (b *batchRun) request(part batch.Request, set *changeSet) (*request, error) {
	if part.Err != nil {
		return nil, part.Err
	}
	if b.outer.Context().Err() != nil {
		return nil, late()
	}
	var references odata.References
	if set != nil {
		references = set.references
	}
	target, err := part.Target(references)
	if err != nil {
		return nil, err
	}
	outerVersion, _, _ := odata.ParseVersion(b.outer.URL.Path)
	version := cmp.Or(target.Version, outerVersion)
	method := part.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	inner := &http.Request{
		Method: method, URL: &url.URL{Path: odata.APIRoot + version + "/" + target.Path, RawQuery: target.Query},
		Host: b.outer.Host, TLS: b.outer.TLS, Header: part.Header, Body: io.NopCloser(bytes.NewReader(part.Body)),
	}
	r := &request{
		Request: inner.WithContext(b.outer.Context()), id: b.outer.id, sender: b.outer.sender, caller: b.outer.caller, inner: true, set: set,
		base: odata.ServiceRoot(odata.PublicBase(b.outer.Request, b.api.config.Public), version), path: target.Path,
		prefer: odata.ParsePrefer(part.Header),
	}
	if err := b.outer.visit.Count(b.outer.Context()); err != nil {
		return r, err
	}
	return r, b.api.actFor(r)
}

// refused returns the response to a request that is refused. r is nil where the part is
// no request.
func (b *batchRun) refused(rec *partRecorder, r *request, contentID string, err error) batch.Response {
	if r == nil {
		r = b.outer
	}
	rec.header.Set("REQ_ID", b.outer.id)
	odata.WriteError(rec, b.api.refusal(r.Request, b.outer.id, err), r.prefer.Annotations)
	return rec.response(contentID)
}

// changeSet is requests that are committed together.
type changeSet struct {
	caller     sales.Caller
	references odata.References
	members    []*setMember
	operations []operation.Operation
}

// setMember is a request of a change set.
type setMember struct {
	writing
	part         batch.Request
	request      *request
	rec          *partRecorder
	first, count int // its operations among those of the set
}

// add adds what the last member writes.
func (s *changeSet) add(a *API, w writing) {
	m := s.members[len(s.members)-1]
	m.writing, m.count = w, len(w.operations)
	s.operations = append(s.operations, a.config.Operations.Identified(w.operations)...)
}

// blame returns the member that an error of the set is about, and what the error is for
// it. An error of the set as a whole is about none.
func (s *changeSet) blame(err error) (*setMember, error) {
	refused, ok := errors.AsType[*operation.RefusedError](err)
	if !ok {
		return &setMember{}, err
	}
	for _, m := range s.members {
		if at := refused.Index - m.first; at >= 0 && at < m.count {
			return m, m.explained(&operation.RefusedError{Index: at, Err: refused.Err})
		}
	}
	return &setMember{}, err
}

// partRecorder keeps the response to a request of a batch.
type partRecorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newPartRecorder() *partRecorder {
	return &partRecorder{header: http.Header{}, status: http.StatusOK}
}

// Header implements http.ResponseWriter.
func (p *partRecorder) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *partRecorder) WriteHeader(status int) { p.status = status }

// Write implements http.ResponseWriter.
func (p *partRecorder) Write(text []byte) (int, error) { return p.body.Write(text) }

func (p *partRecorder) response(contentID string) batch.Response {
	p.header.Set("OData-Version", "4.0")
	return batch.Response{ContentID: contentID, Status: p.status, Header: p.header, Body: p.body.Bytes()}
}
