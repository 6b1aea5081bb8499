package schemas

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/currency"
)

// moneyKind is an amount, a decimal string with as many decimals as its
// currency has, and a currency of ISO 4217 (EUR when not said).
type moneyKind struct{ structured }

func (moneyKind) Name() string      { return "money" }
func (moneyKind) Options() []string { return []string{"min", "max"} }

func (moneyKind) Parts(f *Field) []*Field {
	return []*Field{
		part("money", Field{Name: "amount", Kind: "text", MaxChars: 24, Required: Always}),
		part("money", Field{Name: "currency", Kind: "text", Format: "currency", Required: Always}),
	}
}

var amountPattern = regexp.MustCompile(`^(-?)0*([0-9]{1,15})(?:\.([0-9]+))?$`)

func (moneyKind) Parse(f *Field, v any, env *Env) (any, []Issue) {
	in, ok := v.(map[string]any)
	if !ok {
		_, isNumber := numeral(v)
		_, isString := v.(string)
		if !env.loose() || !isNumber && !isString {
			return nil, wrongType("object")
		}
		in = map[string]any{"amount": v}
	}
	// Amounts may come as numbers, and the currency may be left out.
	full := make(map[string]any, len(in)+1)
	for k, x := range in {
		full[k] = x
	}
	if s, isNumber := numeral(full["amount"]); isNumber {
		full["amount"] = s
	}
	if full["currency"] == nil && full["amount"] != nil {
		full["currency"] = "EUR"
	}
	m, issues := parseParts(f, full, env)
	if m == nil || issues != nil {
		return nil, issues
	}
	amount := m["amount"].(string)
	p := amountPattern.FindStringSubmatch(amount)
	if p == nil {
		return nil, under("amount", wrong(CodeNotANumber, amount))
	}
	unit, _ := currency.ParseISO(m["currency"].(string))
	scale, _ := currency.Standard.Rounding(unit)
	decimals := strings.TrimRight(p[3], "0")
	if len(decimals) > scale {
		return nil, under("amount", issue(CodeTooPrecise, map[string]any{"decimals": scale}))
	}
	decimals += strings.Repeat("0", scale-len(decimals))
	amount = p[2]
	if scale > 0 {
		amount += "." + decimals
	}
	x, err := strconv.ParseFloat(amount, 64)
	if p[1] == "-" && x != 0 {
		amount, x = "-"+amount, -x
	}
	lo := f.Min
	if lo == nil {
		lo = new(float64)
	}
	if err != nil || math.IsNaN(x) || x < *lo || f.Max != nil && x > *f.Max {
		return nil, under("amount", outOfRange(lo, f.Max))
	}
	m["amount"] = amount
	return m, nil
}

func (moneyKind) JSONSchema(f *Field) map[string]any {
	s := partsSchema(f)
	amount := s["properties"].(map[string]any)["amount"].(map[string]any)
	amount["pattern"] = `^-?[0-9]{1,15}(\.[0-9]{1,4})?$`
	return s
}
