package letter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"segue/internal/sales/letter"
	"segue/internal/schema/schematest"
)

func parse(t testing.TB, source letter.Source) *letter.Template {
	t.Helper()
	parsed, err := letter.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// filling fills in values by their path.
func filling(values map[string]string) letter.Filling {
	return letter.Filling{
		Value:       func(p letter.Placeholder) string { return values[p.Path()] },
		Through:     func(n int) string { return fmt.Sprintf("https://t.test/l/%d", n) },
		Unsubscribe: "https://t.test/u", Pixel: "https://t.test/o",
	}
}

func TestRender(t *testing.T) {
	for _, test := range []struct {
		name   string
		source letter.Source
		values map[string]string
		want   letter.Letter
	}{
		{
			"both parts",
			letter.Source{Subject: "Hello {{firstname|there}}", HTML: `<html><body><p>Dear {{fullname}},</p></body></html>`, Plain: "Dear {{fullname}},\n"},
			map[string]string{"firstname": "Ada\r\nBcc: x@y", "fullname": `Ada <b>&"L"`},
			letter.Letter{
				Subject: "Hello Ada Bcc: x@y",
				HTML:    `<html><body><p>Dear Ada &lt;b&gt;&amp;&#34;L&#34;,</p><p><a href="https://t.test/u">Unsubscribe</a></p><img src="https://t.test/o" width="1" height="1" alt=""></body></html>`,
				Plain:   "Dear Ada <b>&\"L\",\n\nUnsubscribe: https://t.test/u\n",
			},
		},
		{
			"missing values",
			letter.Source{Subject: "{{subject}}{{firstname|you}}", Plain: "{{parentcontactid.firstname|friend}} {{jobtitle}}.{{unsubscribe}}"},
			nil,
			letter.Letter{
				Subject: "you", Plain: "friend .https://t.test/u",
				HTML: `<p>friend .<a href="https://t.test/u">https://t.test/u</a></p><img src="https://t.test/o" width="1" height="1" alt="">`,
			},
		},
		{
			"links",
			letter.Source{
				Subject: "s", Plain: "See https://a.test/x?n={{firstname}}, or HTTP://b.test.",
				HTML: `<a class="b" href="https://a.test/x?n={{firstname}}&amp;m=1">{{firstname}}</a><a href='https://a.test/f.pdf' download>f</a><a href="mailto:a@b.test">m</a><a href="{{websiteurl}}">w</a><a href="{{unsubscribe}}">u</a><img src="https://a.test/i.png">`,
			},
			map[string]string{"firstname": "a&b c", "websiteurl": "JavaScript:alert(1)"},
			letter.Letter{
				Subject: "s",
				HTML:    `<a class="b" href="https://t.test/l/0">a&amp;b c</a><a href="https://t.test/l/1" download="">f</a><a href="mailto:a@b.test">m</a><a href="#">w</a><a href="https://t.test/u">u</a><img src="https://a.test/i.png"><img src="https://t.test/o" width="1" height="1" alt="">`,
				Plain:   "See https://t.test/l/2 c, or https://t.test/l/3.\n\nUnsubscribe: https://t.test/u\n",
				Links: []letter.Link{
					{URL: "https://a.test/x?n=a%26b%20c&m=1"}, {URL: "https://a.test/f.pdf", Download: true}, {URL: "https://a.test/x?n=a&b"}, {URL: "HTTP://b.test"},
				},
			},
		},
		{
			"plain text of HTML",
			letter.Source{Subject: "s", HTML: `<h1>Hi {{firstname}}</h1><ul><li>one</li></ul><a href="https://a.test">here</a>`},
			map[string]string{"firstname": "<Ada>"},
			letter.Letter{
				Subject: "s",
				HTML:    `<h1>Hi &lt;Ada&gt;</h1><ul><li>one</li></ul><a href="https://t.test/l/0">here</a><p><a href="https://t.test/u">Unsubscribe</a></p><img src="https://t.test/o" width="1" height="1" alt="">`,
				Plain:   "Hi <Ada>\n\n - one\nhere <https://t.test/l/0>\n\nUnsubscribe <https://t.test/u>",
				Links:   []letter.Link{{URL: "https://a.test"}},
			},
		},
		{
			"what a template says stays as it is",
			letter.Source{Subject: "s", HTML: `<!DOCTYPE html><!-- c --><style>p > a { }</style><P Align=left>&euro; 5 < 6`},
			nil,
			letter.Letter{
				Subject: "s",
				HTML:    `<!DOCTYPE html><!-- c --><style>p > a { }</style><P Align=left>&euro; 5 < 6<p><a href="https://t.test/u">Unsubscribe</a></p><img src="https://t.test/o" width="1" height="1" alt="">`,
				Plain:   "€ 5 < 6\n\nUnsubscribe <https://t.test/u>",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, parse(t, test.source).Render(filling(test.values))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		source letter.Source
		names  string
	}{
		{letter.Source{Subject: "{{first name}}"}, "first name"},
		{letter.Source{Subject: "{{firstname"}, "firstname"},
		{letter.Source{Subject: "{{a.b.c}}"}, "a.b.c"},
		{letter.Source{Plain: "{{}}"}, "{{}}"},
		{letter.Source{HTML: "<script>var a = '{{firstname}}'</script>"}, "script"},
		{letter.Source{HTML: "<style>{{firstname}}</style>"}, "style"},
		{letter.Source{HTML: "<p style='{{firstname}}'>"}, "style"},
		{letter.Source{HTML: "<p onclick='{{firstname}}'>"}, "onclick"},
		{letter.Source{HTML: "<p {{firstname}}='x'>"}, "firstname"},
		{letter.Source{HTML: "<p{{firstname}}>"}, "firstname"},
		{letter.Source{HTML: "<!-- {{firstname}} -->"}, "comment"},
		{letter.Source{HTML: "</p{{firstname}}>"}, "end of a tag"},
	} {
		if _, err := letter.Parse(test.source); err == nil || !strings.Contains(err.Error(), test.names) {
			t.Errorf("%+v: %v, want an error that names %q", test.source, err, test.names)
		}
	}
}

func TestCheck(t *testing.T) {
	s := schematest.Tables(t)
	for _, test := range []struct{ text, names string }{
		{"{{firstname}} {{parentcontactid.firstname}} {{ownerid.fullname}} {{ownerid.name}} {{unsubscribe}}", ""},
		{"{{first}}", `table lead has no column "first"`},
		{"{{segue_live}}", `no column "segue_live"`},
		{"{{nobody.firstname}}", `no lookup "nobody"`},
		{"{{firstname.firstname}}", `no lookup "firstname"`},
		{"{{parentcontactid.revenue9}}", `table contact has no column "revenue9"`},
	} {
		for _, source := range []letter.Source{{Subject: test.text}, {Plain: test.text}, {HTML: "<p>" + test.text}, {HTML: `<p title="` + test.text + `">`}} {
			err := parse(t, source).Check(s, s.Table("lead"))
			if (err == nil) != (test.names == "") || err != nil && !strings.Contains(err.Error(), test.names) {
				t.Errorf("%+v: %v, want %q", source, err, test.names)
			}
		}
	}
	if err := parse(t, letter.Source{Subject: "{{customerid.emailaddress1}}"}).Check(s, s.Table("opportunity")); err != nil {
		t.Errorf("a lookup of several tables: %v", err)
	}
}

// structure is the tags of HTML, with the names of their attributes, and every address.
func structure(t fataler, text string) (tags, addresses []string) {
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		kind := z.Next()
		switch token := z.Token(); kind {
		case html.ErrorToken:
			return tags, addresses
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			names := []string{kind.String(), token.Data}
			for _, a := range token.Attr {
				names = append(names, a.Key)
				if a.Key == "href" || a.Key == "src" {
					addresses = append(addresses, a.Val)
				}
			}
			tags = append(tags, strings.Join(names, " "))
		case html.CommentToken:
			t.Fatalf("%q has a comment", text)
		default:
		}
	}
}

type fataler interface{ Fatalf(string, ...any) }

// Whatever the values are, the HTML has the tags of the template, the values are its text,
// and no address runs a program.
func TestValuesNeverBecomeHTML(t *testing.T) {
	const source = `<html><body><p title="{{a}}" data-x='{{b}}' class={{c}}>{{a}}, {{b|none}}<br><a href="{{c}}" title={{a}}>{{b}}</a><a href="https://a.test/{{a}}?x={{b}}#{{c}}">x</a><img src={{a}}><title>{{c}}</title><textarea>{{a}}</textarea></p></body></html>`
	template := parse(t, letter.Source{Subject: "{{a}} {{b}}", HTML: source})
	want, _ := structure(t, template.Render(filling(nil)).HTML)
	pieces := []string{"<", ">", `"`, "'", "&", "<script>", "</title>", "</textarea>", "-->", "<!--", "javascript:", "data:text/html,", "java\tscript:", " onload=", "&lt;", "&#60;", "{{a}}", "{{", "}}", "\x00", "\n", "\r", "a", "é", "https://e.test", " ", "\xff", "`", "=", "/", "]]>", "vbscript:"}
	value := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, "pieces"), "")
	})
	rapid.Check(t, func(t *rapid.T) {
		values := map[string]string{"a": value.Draw(t, "a"), "b": value.Draw(t, "b"), "c": value.Draw(t, "c")}
		rendered := template.Render(filling(values))
		got, addresses := structure(t, rendered.HTML)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q changes the tags: %s\n%s", values, diff, rendered.HTML)
		}
		for _, link := range rendered.Links {
			addresses = append(addresses, link.URL)
		}
		for _, address := range addresses {
			scheme, _, absolute := strings.Cut(strings.ToLower(strings.Map(func(r rune) rune {
				if r <= ' ' {
					return -1
				}
				return r
			}, address)), ":")
			if absolute && !strings.ContainsAny(scheme, "/?#") && !slices.Contains([]string{"http", "https", "mailto", "tel", "cid"}, scheme) {
				t.Fatalf("%q leads to %q", values, address)
			}
		}
		if strings.ContainsAny(rendered.Subject, "\r\n") {
			t.Fatalf("the subject %q has two lines", rendered.Subject)
		}
		seen := len(rendered.Links)
		for n := range seen {
			if !strings.Contains(rendered.HTML, fmt.Sprintf("https://t.test/l/%d", n)) {
				t.Fatalf("link %d is not in the letter", n)
			}
		}
	})
}
