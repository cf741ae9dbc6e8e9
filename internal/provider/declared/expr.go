package declared

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// Expr is an expression of the file, in CEL, or a constant where one is allowed.
type Expr struct {
	Source string
	At     Position // where the expression itself begins
	Name   string   // "statistics.amounts[0].amount": what drift is counted under

	program  cel.Program
	constant ref.Val  // instead of program
	settings []string // that it uses
}

// costLimit bounds what one expression may do with the largest answer.
const costLimit = 2_000_000

// maxExpression is how long an expression may be, in characters.
const maxExpression = 4096

// environments are where expressions live, by the name of their item: "", wallet or user. They are made once.
var environments = sync.OnceValue(func() map[string]*cel.Env {
	base, err := cel.NewEnv(
		cel.OptionalTypes(), ext.Strings(), ext.Regex(),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ParserRecursionLimit(50),
		cel.Variable("body", cel.DynType), cel.Variable("text", cel.StringType), cel.Variable("status", cel.IntType),
		cel.Variable("header", cel.MapType(cel.StringType, cel.StringType)), cel.Variable("query.currency", cel.StringType),
		cel.Variable("setting", cel.MapType(cel.StringType, cel.StringType)),
		cel.Types(numberType),
		unary("decimal", numberType, toDecimal),
		unary("count", cel.IntType, toCount),
		unary("unix", cel.TimestampType, toUnix),
		binary("shift", cel.IntType, numberType, shift),
		binary("time", cel.StringType, cel.TimestampType, toTime),
		arithmetic(operators.Add), arithmetic(operators.Subtract), arithmetic(operators.Multiply),
		cel.Function(operators.Negate, cel.Overload("negate_decimal", []*cel.Type{numberType}, numberType)),
		comparison(operators.Less), comparison(operators.LessEquals), comparison(operators.Greater), comparison(operators.GreaterEquals),
		cel.Function("string", cel.Overload("decimal_to_string", []*cel.Type{numberType}, cel.StringType)),
		cel.Function("int", cel.Overload("decimal_to_int", []*cel.Type{numberType}, cel.IntType)),
	)
	if err != nil {
		panic(err) // the same for every file: a test would show it
	}
	all := map[string]*cel.Env{"": base}
	for _, item := range []string{"wallet", "user"} {
		if all[item], err = base.Extend(cel.Variable(item, cel.DynType)); err != nil {
			panic(err)
		}
	}
	return all
})

func unary(name string, result *cel.Type, f func(ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_dyn", []*cel.Type{cel.DynType}, result, cel.UnaryBinding(f)))
}

func binary(name string, second, result *cel.Type, f func(a, b ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_dyn", []*cel.Type{cel.DynType, second}, result, cel.BinaryBinding(f)))
}

// arithmetic declares an operator that decimals have by their traits.
func arithmetic(operator string) cel.EnvOption {
	return cel.Function(operator, cel.Overload("decimal"+operator+"decimal", []*cel.Type{numberType, numberType}, numberType))
}

func comparison(operator string) cel.EnvOption {
	return cel.Function(operator, cel.Overload("decimal"+operator+"decimal", []*cel.Type{numberType, numberType}, cel.BoolType))
}

// toUnix reads seconds since 1970.
func toUnix(v ref.Val) ref.Val {
	seconds, ok := toCount(v).(types.Int)
	if !ok {
		return toCount(v)
	}
	const year10000 = 253402300800
	if seconds >= year10000 {
		return fail("is not a time in seconds")
	}
	return types.Timestamp{Time: time.Unix(int64(seconds), 0).UTC()}
}

// toTime reads a time by a layout of Go; one without a zone is in UTC.
func toTime(v, layout ref.Val) ref.Val {
	v = present(v)
	text, ok := v.(types.String)
	switch {
	case types.IsUnknownOrError(v):
		return v
	case !ok:
		return fail("is not a time")
	}
	form, _ := layout.(types.String)
	t, err := time.Parse(string(form), string(text))
	if err != nil {
		return fail("is not a time of that layout")
	}
	return types.Timestamp{Time: t.UTC()}
}

// compile checks the expression and makes it ready. as is what the format wants it to be, item the name of its item.
func (e *Expr) compile(as, item string, faults *Faults) {
	if constant := constantOf(as, e.Source); constant != nil {
		e.constant = constant
		return
	}
	if why := noConstant(as, e.Source); why != "" {
		faults.add(e.At, "%s is %q; %s", e.Name, e.Source, why)
		return
	}
	env := environments()[item]
	checked, issues := env.Compile(e.Source)
	if issues.Err() != nil {
		for _, issue := range issues.Errors() {
			faults.add(e.place(issue.Location.Line(), issue.Location.Column()), "%s: %s", e.Name, issue.Message)
		}
		return
	}
	before := len(*faults)
	e.inspect(checked.NativeRep(), figures[as], faults)
	if want := unlike(as, checked.OutputType()); want != "" {
		faults.add(e.At, "%s is %s; must be %s", e.Name, checked.OutputType(), want)
	}
	if len(*faults) > before {
		return
	}
	program, err := env.Program(checked, cel.CostLimit(costLimit))
	if err != nil {
		faults.add(e.At, "%s: %v", e.Name, err)
		return
	}
	e.program = program
}

// place is a place inside the expression as one in the file. Escapes of YAML are not counted.
func (e *Expr) place(line, column int) Position {
	at := e.At
	if line > 1 {
		at.Line, at.Column = at.Line+line-1, 1
	}
	at.Column += column
	return at
}

// figures are the expressions that money, counts and decisions about them come from.
var figures = map[string]bool{"decimal": true, "decimal?": true, "int?": true, "bool": true}

// inspect finds what would make a figure inexact, or compare it in a way that never holds, and which settings are used.
// Vendors send numbers as texts too, and may begin to at any time: where both sides may be texts, + makes 105 of 10 and 5.
func (e *Expr) inspect(tree *ast.AST, figure bool, faults *Faults) {
	where := func(node ast.Expr) Position {
		at := tree.SourceInfo().GetStartLocation(node.ID())
		return e.place(at.Line(), at.Column())
	}
	bare := 0 // uses of setting but for setting.NAME
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(node ast.Expr) {
		switch {
		case node.Kind() == ast.IdentKind && node.AsIdent() == "setting":
			if bare++; bare > 0 {
				faults.add(where(node), "%s: use setting.NAME", e.Name)
			}
		case node.Kind() == ast.SelectKind && node.AsSelect().Operand().Kind() == ast.IdentKind && node.AsSelect().Operand().AsIdent() == "setting":
			bare-- // its operand comes next
			e.settings = append(e.settings, node.AsSelect().FieldName())
		case node.Kind() == ast.LiteralKind && node.AsLiteral().Type() == types.DoubleType:
			faults.add(where(node), "%s: a number with a point would be a float: write decimal('1.5')", e.Name)
		case node.Kind() != ast.CallKind:
		case node.AsCall().FunctionName() == "double":
			faults.add(where(node), "%s: double() makes a float: use decimal()", e.Name)
		case node.AsCall().FunctionName() == operators.Divide || node.AsCall().FunctionName() == operators.Modulo:
			faults.add(where(node), "%s: division is not exact: use shift(x, -2) or a product with a decimal", e.Name)
		case figure && node.AsCall().FunctionName() == operators.Add && untyped(tree, node):
			faults.add(where(node), "%s: texts are joined by +, not added: write decimal(body.a) + decimal(body.b)", e.Name)
		case figure && orders(node.AsCall().FunctionName()) && untyped(tree, node):
			sign, _ := operators.FindReverse(node.AsCall().FunctionName())
			faults.add(where(node), "%s: texts are compared by their letters, not by what they are worth: write decimal(body.a) %s decimal(body.b)", e.Name, sign)
		case compares(node.AsCall().FunctionName()) && tree.GetType(node.AsCall().Args()[0].ID()) == types.IntType && tree.GetType(node.AsCall().Args()[1].ID()) != types.IntType:
			faults.add(where(node), "%s: put what the vendor says to the left: body.code == 1, not 1 == body.code", e.Name)
		}
	}))
}

func compares(operator string) bool {
	return operator == operators.Equals || operator == operators.NotEquals || operator == operators.In || orders(operator)
}

func orders(operator string) bool {
	return operator == operators.Less || operator == operators.LessEquals || operator == operators.Greater || operator == operators.GreaterEquals
}

// untyped tells whether both sides of an operator are what the vendor makes of them.
func untyped(tree *ast.AST, node ast.Expr) bool {
	return !slices.ContainsFunc(node.AsCall().Args(), func(side ast.Expr) bool { return tree.GetType(side.ID()).Kind() != types.DynKind })
}

// constantOf is a constant that the format takes in place of an expression; nil if the source is none.
func constantOf(as, source string) ref.Val {
	switch as {
	case "currency":
		if _, err := provider.ParseCurrency(source); err == nil {
			return types.String(source)
		}
	case "billing":
		if source == string(provider.Prepaid) || source == string(provider.Postpaid) {
			return types.String(source)
		}
	case "wait":
		if d, err := time.ParseDuration(source); err == nil && d >= 0 {
			return types.Int(d / time.Second)
		}
	}
	return nil
}

var (
	word      = regexp.MustCompile(`^[A-Za-z]+$`)
	variables = []string{"body", "text", "status", "header", "setting", "wallet", "user", "true", "false", "null"}
)

// noConstant says what would be right in place of a word that is meant to be a constant; "" if it is none. To expressions
// it would be a variable that nobody has heard of.
func noConstant(as, source string) string {
	switch {
	case !word.MatchString(source) || slices.Contains(variables, source):
	case as == "currency":
		return "must be a code of ISO 4217, e.g. USD, or an expression, e.g. body.currency" + code(source)
	case as == "billing":
		return "must be prepaid, postpaid, or an expression that is one of them"
	case as == "wait":
		return "must be a duration, e.g. 60s, or an expression for seconds, e.g. count(body.wait)"
	}
	return ""
}

// code asks whether a code in small letters was meant.
func code(source string) string {
	if upper := strings.ToUpper(source); upper != source {
		if _, err := provider.ParseCurrency(upper); err == nil {
			return ": did you mean " + upper + "?"
		}
	}
	return ""
}

// unlike says what is wanted of an expression of another type; "" if the type is right.
func unlike(as string, got *cel.Type) string {
	var want []*cel.Type
	var words string
	switch as {
	case "decimal", "decimal?":
		want, words = []*cel.Type{numberType}, "a decimal, like decimal(body.x)"
	case "int?":
		want, words = []*cel.Type{types.IntType}, "a whole number, like count(body.x)"
	case "wait":
		want, words = []*cel.Type{types.IntType}, "60s, or seconds, like count(body.x)"
	case "time?":
		want, words = []*cel.Type{types.TimestampType}, "a time, like time(body.x, '2006-01-02') or unix(body.x)"
	case "bool":
		want, words = []*cel.Type{types.BoolType, types.DynType}, "true or false, like body.x == 'OK'"
	case "list":
		if want, words = []*cel.Type{types.DynType}, "a list, like body.x"; got.Kind() == types.ListKind {
			return ""
		}
	case "currency":
		want, words = []*cel.Type{types.StringType, types.DynType}, "a currency: USD, or a text like body.currency"
	case "billing":
		want, words = []*cel.Type{types.StringType, types.DynType}, "prepaid, postpaid, or a text that is one of them"
	case "text":
		want, words = []*cel.Type{types.StringType, types.DynType}, "a text, like body.x"
	case "text?":
		if want, words = []*cel.Type{types.StringType, types.DynType}, "a text, like body.?x"; got.Kind() == types.OpaqueKind && got.TypeName() == "optional_type" {
			return ""
		}
	default: // words: anything
		return ""
	}
	for _, one := range want {
		if got.IsExactType(one) {
			return ""
		}
	}
	return words
}

// eval evaluates the expression. Its error names it, and holds nothing of the vendor's answer.
func (e *Expr) eval(a *answer) (ref.Val, error) {
	if e.constant != nil {
		return e.constant, nil
	}
	v, _, err := e.program.Eval(a)
	if err == nil {
		return v, nil
	}
	return nil, e.bad(err)
}

// bad is the error of an expression without a value.
func (e *Expr) bad(err error) *provider.Error {
	var known reason
	why := reason("can't be made of it")
	switch text := err.Error(); {
	case errors.As(err, &known):
		why = known
	case strings.HasPrefix(text, "no such key: "):
		why = "needs a member that is missing"
		if key := strings.TrimPrefix(text, "no such key: "); strings.Contains(e.Source, key) {
			why = reason("needs the member " + key + ", which is missing")
		}
	case strings.Contains(text, "cost limit exceeded"):
		why = "is too much work"
	}
	bad := wire.BadResponse(e.Name, string(why))
	bad.Err = known.cause()
	return bad
}

// cause marks an absent figure for those who may leave it out.
func (r reason) cause() error {
	if r == absent {
		return absent
	}
	return nil
}
