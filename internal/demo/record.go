package demo

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/schema"
	"segue/internal/schema/name"
)

// values are the columns of a row.
type values = map[string]schema.Value

// dice decides what is random in the rows of one table.
type dice struct {
	*rand.Rand
	words words
}

// generate makes n rows of a table. Each table has dice of its own, so that
// a change of one leaves the others as they are.
func generate(seed uint64, table string, n int, one func(d dice, n int) values) []Row {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(table))                                 // a hash never fails
	d := dice{rand.New(rand.NewPCG(seed, hash.Sum64())), newWords()} //nolint:gosec // invented data needs no secrecy
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{table, rowID(seed, table, i), one(d, i)}
	}
	return rows
}

// maybe returns true with this probability.
func (d dice) maybe(probability float64) bool { return d.Float64() < probability }

// pick returns one of a list, each as likely.
func (d dice) pick(list []string) string { return list[d.IntN(len(list))] }

// skewed returns a number below n, low ones much more often (Zipf).
func (d dice) skewed(n int) int {
	return int(rand.NewZipf(d.Rand, 1.3, 2, uint64(n-1)).Uint64())
}

// option returns the value of a choice, given from the most to the least
// frequent.
func (d dice) option(values ...int64) int64 { return values[d.skewed(len(values))] }

// amount returns a log-normal sum of money around a median, rounded to hundreds.
func (d dice) amount(median, spread float64) decimal.Decimal {
	return decimal.NewFromInt(100 * max(1, int64(median*math.Exp(spread*d.NormFloat64())/100)))
}

func (d dice) phone() string { return fmt.Sprintf("+1 555 01%02d", d.IntN(100)) }

func (d dice) company() string {
	return d.pick(d.words.places) + " " + d.pick(d.words.trades) + " " + d.words.forms[d.skewed(len(d.words.forms))]
}

func (d dice) owner(sellers []Row) schema.Lookup {
	return user(sellers[d.skewed(len(sellers))].ID)
}

// place sets country and city, most rows in few countries.
func (d dice) place(v values) {
	country := d.words.countries[d.skewed(len(d.words.countries))]
	v[name.Address1Country], v[name.Address1City] = schema.Text(country.name), schema.Text(d.pick(country.cities))
}

// mail returns an address that cannot exist.
func mail(first, last string, n int) string {
	domain := "example.com"
	if n%4 == 0 {
		domain = "example.org"
	}
	return fmt.Sprintf("%s.%s.%d@%s", strings.ToLower(first), strings.ToLower(last), n+1, domain)
}

func seller(d dice, n int) values {
	first, last := d.pick(d.words.first), d.pick(d.words.last)
	title := "Account Executive"
	switch {
	case n == 0:
		title = "Sales Manager"
	case n%3 == 0:
		title = "Sales Development Representative"
	}
	v := values{
		name.Firstname: schema.Text(first), name.Lastname: schema.Text(last), name.Title: schema.Text(title),
		name.Domainname: schema.Text(mail(first, last, n)), name.Internalemailaddress: schema.Text(mail(first, last, n)), name.Mobilephone: schema.Text(d.phone()),
	}
	d.place(v)
	return v
}

func account(sellers []Row) func(dice, int) values {
	return func(d dice, n int) values {
		revenue := d.amount(8_000_000, 1.4)
		v := values{
			name.Name: schema.Text(d.company()), name.Accountnumber: schema.Text(fmt.Sprintf("A-%05d", n+1)), name.Telephone1: schema.Text(d.phone()),
			name.Revenue: schema.Dec(revenue), name.Numberofemployees: schema.Int(d.staff(revenue)),
			name.Industrycode: schema.Int(1 + int64(d.skewed(33))), name.Customertypecode: schema.Int(d.option(3, 8, 5, 9)),
			name.Ownerid: schema.Ref(d.owner(sellers)),
		}
		d.place(v)
		return v
	}
}

// staff returns a number of employees that goes with the revenue, roughly.
func (d dice) staff(revenue decimal.Decimal) int64 {
	perHead := 150_000 * math.Exp(0.5*d.NormFloat64())
	return min(1_000_000, max(1, int64(revenue.InexactFloat64()/perHead)))
}

func lead(sellers, accounts []Row) func(dice, int) values {
	return func(d dice, n int) values {
		first, last := d.pick(d.words.first), d.pick(d.words.last)
		v := values{
			name.Subject:   schema.Text(d.pick(d.words.interests) + " for " + d.pick(d.words.uses)),
			name.Firstname: schema.Text(first), name.Lastname: schema.Text(last), name.Leadqualitycode: schema.Int(2),
			name.Jobtitle: schema.Text(d.words.titles[d.skewed(len(d.words.titles))]), name.Ownerid: schema.Ref(d.owner(sellers)),
		}
		switch p := d.Float64(); {
		case p < 0.07:
			v[name.Leadqualitycode] = schema.Int(1)
		case p < 0.45:
			v[name.Leadqualitycode] = schema.Int(3)
		}
		d.reach(v, first, last, n)
		d.size(v)
		if d.maybe(0.12) {
			v[name.Parentaccountid] = schema.Ref(schema.Lookup{Table: name.Account, ID: accounts[d.skewed(len(accounts))].ID})
		}
		switch p := d.Float64(); { // the others are New
		case p < 0.10:
			v[name.Statuscode] = schema.Int(2)
		case p < 0.14:
			v[name.Statuscode] = schema.Int(d.option(6, 5, 4, 7))
		}
		return v
	}
}

// reach sets where a lead comes from and how to contact it.
func (d dice) reach(v values, first, last string, n int) {
	if d.maybe(0.94) {
		v[name.Leadsourcecode] = schema.Int(d.option(8, 1, 7, 4, 2, 9, 3, 6, 5, 10))
	}
	if d.maybe(0.93) {
		v[name.Emailaddress1] = schema.Text(mail(first, last, n))
	}
	if d.maybe(0.6) {
		v[name.Telephone1] = schema.Text(d.phone())
	}
	if d.maybe(0.9) {
		d.place(v)
	}
	if d.maybe(0.04) {
		v[name.Donotemail] = schema.Bool(true)
	}
	if d.maybe(0.02) {
		v[name.Donotphone] = schema.Bool(true)
	}
}

// size sets what is known of a lead's company and budget.
func (d dice) size(v values) {
	if d.maybe(0.9) {
		v[name.Companyname] = schema.Text(d.company())
	}
	if d.maybe(0.7) {
		v[name.Industrycode] = schema.Int(1 + int64(d.skewed(33)))
	}
	if d.maybe(0.75) {
		revenue := d.amount(2_000_000, 1.7)
		v[name.Revenue] = schema.Dec(revenue)
		if d.maybe(0.8) {
			v[name.Numberofemployees] = schema.Int(d.staff(revenue))
		}
	}
	if d.maybe(0.5) {
		v[name.Estimatedamount] = schema.Dec(d.amount(12_000, 1.1))
		v[name.Budgetstatus] = schema.Int(d.option(1, 0, 2, 3))
		v[name.Purchasetimeframe] = schema.Int(d.option(4, 2, 1, 3, 0))
		v[name.Decisionmaker] = schema.Bool(d.maybe(0.3))
	}
}

func opportunity(sellers, accounts []Row) func(dice, int) values {
	return func(d dice, _ int) values {
		customer := accounts[d.skewed(len(accounts))]
		stage := int64(d.skewed(4))
		v := values{
			name.Name:       schema.Text(fmt.Sprintf("%s for %v", d.pick(d.words.interests), customer.Values[name.Name])),
			name.Customerid: schema.Ref(schema.Lookup{Table: name.Account, ID: customer.ID}), name.Parentaccountid: schema.Ref(schema.Lookup{Table: name.Account, ID: customer.ID}),
			name.Salesstage: schema.Int(stage), name.Closeprobability: schema.Int(min(95, 10+20*stage+int64(d.IntN(25)))),
			name.Opportunityratingcode: schema.Int(d.option(2, 3, 1)), name.Ownerid: schema.Ref(d.owner(sellers)),
			name.Estimatedclosedate: schema.Time(time.Date(2027, 1, 1+d.IntN(365), 0, 0, 0, 0, time.UTC)),
		}
		if d.maybe(0.92) {
			v[name.Estimatedvalue] = schema.Dec(d.amount(45_000, 1.2))
		}
		switch p := d.Float64(); { // the others are In Progress
		case p < 0.06:
			v[name.Statuscode] = schema.Int(2)
		case p < 0.14:
			v[name.Statuscode] = schema.Int(3)
		case p < 0.20:
			v[name.Statuscode] = schema.Int(d.option(5, 4))
		}
		return v
	}
}
