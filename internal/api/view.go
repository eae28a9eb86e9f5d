package api

import (
	"net/http"
	"strconv"
	"strings"

	"segue/internal/fetchxml"
	"segue/internal/odata"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// view answers a list of t by the query of a view, which the caller must be able to read.
// It is paged as other lists are: by odata.maxpagesize and links.
func (a *API) view(w http.ResponseWriter, r *request, t *schema.Table, asked odata.Fetch) error {
	ref := rows.Ref{Table: name.View, ID: asked.View}
	if asked.Own != "" {
		ref = rows.Ref{Table: name.SavedView, ID: asked.Own}
	}
	row, err := a.entities.Retrieve(r.Context(), r.caller, ref)
	if err != nil {
		return err
	}
	if table := row.Text(name.Returnedtypecode); table != t.Name {
		return odata.Errorf(odata.BadRequest, "the view %s is on table %s and cannot be run on %s", row.ID, table, t.Set)
	}
	f, err := fetchxml.Parse(a.schema(), row.Text(name.Fetchxml))
	if err != nil { // a table or column of it has gone since it was written
		return err
	}
	if r.prefer.MaxPageSize > 0 {
		f.Count = r.prefer.MaxPageSize
	}
	if asked.Resume != "" && f.Top == 0 {
		page, token, _ := strings.Cut(asked.Resume, "-")
		number, err := strconv.Atoi(page)
		if err != nil || number < 1 {
			return odata.Errorf(odata.BadRequest, "$skiptoken does not belong to this view")
		}
		f.Page, f.Cookie = number, innerCookie(number-1, token)
	}
	next := func(resume string) string { return odata.NextLink(r.base+r.path+"?"+r.URL.RawQuery, resume, -1) }
	return a.answer(w, r, t, &fetched{fetch: f, next: next})
}

// resumption returns the $skiptoken of a page of a view: its number, and the token of the
// list where it has one.
func resumption(page int, token string) string {
	if token == "" {
		return strconv.Itoa(page)
	}
	return strconv.Itoa(page) + "-" + token
}
