package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"segue/internal/entity"
	"segue/internal/odata"
	"segue/internal/odata/payload"
	listing "segue/internal/query"
	"segue/internal/sales/tracking"
	"segue/internal/schema"
)

// tracks reports whether a request is about the changes of a list: it asks for a link to
// them, or follows one.
func tracks(r *request, query odata.Query) bool {
	return r.Method == http.MethodGet && (r.prefer.TrackChanges || query.DeltaToken != "")
}

// track serves a list that ends with a link to its changes, or the changes
// (docs/webapi.md §14).
func (a *API) track(w http.ResponseWriter, r *request, resource odata.Resource, query odata.Query) error {
	t := resource.Table
	if !t.Track {
		return odata.Errorf(odata.ChangeTrackingNotEnabledForEntity, "Entity: %s isn't enabled for change tracking", t.Name)
	}
	if err := refuseTracked(query); err != nil {
		return err
	}
	if query.DeltaToken == "" && resource.Count {
		return odata.Errorf(odata.BadRequest, "changes cannot be tracked from a count; to count changes, use the $deltatoken of a list")
	}
	at := a.tracking.Start(t)
	if query.DeltaToken != "" {
		var err error
		if at, err = a.tracking.Resume(t, query.DeltaToken); err != nil {
			return refuseDelta(err)
		}
	}
	switch {
	case resource.Count:
		return a.countChanges(w, r, t, at)
	case query.DeltaToken == "" || query.SkipToken != "":
		return a.trackedList(w, r, t, query, at)
	}
	return a.changes(w, r, t, query, at)
}

// refuseTracked refuses the options that do not go with change tracking.
func refuseTracked(q odata.Query) error {
	for _, option := range []struct {
		name  string
		given bool
	}{
		{"filter", q.Filter != nil}, {"orderby", q.Order != nil}, {"expand", q.Expand != nil}, {"top", q.Top != nil}, {"count", q.Count}, {"apply", q.Apply != nil},
	} {
		if option.given {
			return odata.Errorf(odata.BadRequest, "The \"%s\" query parameter isn't supported when Change Tracking is enabled.", option.name)
		}
	}
	return nil
}

// refuseDelta says what is wrong with a token. One that has expired is gone, as OData has
// it: the client reads the whole list again.
func refuseDelta(err error) error {
	if errors.Is(err, tracking.ErrExpired) {
		return &odata.Error{Status: http.StatusGone, Code: odata.CrmHTTPError, Message: err.Error()}
	}
	return odata.Errorf(odata.BadRequest, "%v", err)
}

// trackedList serves a page of a list whose changes are asked for from a cursor on, which
// was made before its first page was read.
func (a *API) trackedList(w http.ResponseWriter, r *request, t *schema.Table, query odata.Query, from tracking.Cursor) error {
	page, err := listed(r, a.entities.Request(r.caller), t, query, pageSize(r))
	if err != nil {
		return err
	}
	encoder, err := a.encoder(r, query, page.Rows, nil)
	if err != nil {
		return err
	}
	encoder.DeltaLink = odata.DeltaLink(r.base+r.path+"?"+r.URL.RawQuery, from.Token())
	next := func(n int) string {
		if page.Cut(n); page.Token == "" {
			return ""
		}
		return odata.NextLink(encoder.DeltaLink, page.Token, -1)
	}
	body, err := encoder.Collection(t, wireRows(page.Rows, make([][]entity.Expansion, len(page.Rows))), query.Select, next)
	if err != nil {
		return err
	}
	writeTracked(w, r, body)
	return nil
}

// changes serves a page of changes.
func (a *API) changes(w http.ResponseWriter, r *request, t *schema.Table, query odata.Query, at tracking.Cursor) error {
	page, err := a.tracking.Read(r.Context(), a.entities, r.caller, t, at, pageSize(r))
	if err != nil {
		return err
	}
	encoder, err := a.encoder(r, query, page.Rows, nil)
	if err != nil {
		return err
	}
	link := func() string {
		return odata.DeltaLink(r.base+r.path+"?"+r.URL.RawQuery, page.Next.Token())
	}
	encoder.DeltaLink = link()
	next := func(n int) string {
		if page.Cut(n); !page.More {
			return ""
		}
		return link()
	}
	removed := make([]payload.Removal, len(page.Removed))
	for i, removal := range page.Removed {
		removed[i] = payload.Removal{ID: removal.ID, Reason: "deleted"}
		if removal.Hidden {
			removed[i].Reason = "changed"
		}
	}
	body, err := encoder.Delta(t, wireRows(page.Rows, make([][]entity.Expansion, len(page.Rows))), query.Select, removed, next)
	if err != nil {
		return err
	}
	writeTracked(w, r, body)
	return nil
}

// countChanges serves the number of changes, [listing.MaxCount] at most.
func (a *API) countChanges(w http.ResponseWriter, r *request, t *schema.Table, at tracking.Cursor) error {
	n := 0
	for more := true; more && n < listing.MaxCount; {
		page, err := a.tracking.Read(r.Context(), a.entities, r.caller, t, at, odata.MaxPageSize)
		if err != nil {
			return err
		}
		n += len(page.Rows) + len(page.Removed)
		more, at = page.More, page.Next
	}
	odata.WriteText(w, strconv.Itoa(min(n, listing.MaxCount)))
	return nil
}

// pageSize returns how many rows a page has that the client does not limit otherwise.
func pageSize(r *request) int {
	if r.prefer.MaxPageSize > 0 {
		return r.prefer.MaxPageSize
	}
	return odata.MaxPageSize
}

func writeTracked(w http.ResponseWriter, r *request, body []byte) {
	applied := r.prefer.Applied()
	if r.prefer.TrackChanges {
		applied = strings.TrimPrefix(applied+",odata.track-changes", ",")
	}
	if applied != "" {
		w.Header().Set("Preference-Applied", applied)
	}
	odata.WriteJSON(w, http.StatusOK, body)
}
