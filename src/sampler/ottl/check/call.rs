//! Calls: which converter, which argument for which parameter, and whether literals fit.

use super::super::Subject;
use super::super::error::{EvaluationError, Fault, Reason};
use super::super::evaluate::Frame;
use super::super::functions::{
    self, Argument, Function, Invocation, Parameter, ParameterKind, PatternCache,
};
use super::super::grammar::offset_in_literal;
use super::super::program::{Call, Formula};
use super::super::syntax::{self, Expression, ExpressionKind};
use super::super::value::Value;
use super::{Checker, suggest};
use crate::otlp::wire::span_fields::SpanFields;
use crate::sampler::pattern::Pattern;
use crate::sampler::span_context::SpanContext;

impl Checker<'_> {
    pub(super) fn call(&mut self, at: usize, call: &syntax::Call) -> Result<Formula, Fault> {
        let function = self.function(at, &call.name)?;
        let arguments = self.arguments(at, function, &call.arguments)?;
        let whole = match folded(function, &arguments) {
            Some(Ok(constant)) => Formula::Constant(constant),
            Some(Err(error)) if function.refuses_bad_literals => {
                return Err(Fault::new(at, error.to_string()));
            }
            _ => Formula::Call(Box::new(Call {
                function,
                arguments,
            })),
        };
        if call.keys.is_empty() {
            return Ok(whole);
        }
        Ok(Formula::Part {
            whole: Box::new(whole),
            keys: self.keys(&call.keys)?,
        })
    }

    fn function(&self, at: usize, name: &str) -> Result<&'static Function, Fault> {
        if let Some(function) = functions::known(self.subject).find(|known| known.name == name) {
            return Ok(function);
        }
        if functions::is_unsupported(name) {
            let problem = format!("the converter `{name}` of OTTL is not supported");
            return Err(Fault::new(at, problem));
        }
        if functions::known(Subject::Span).any(|known| known.name == name) {
            let problem = format!("`{name}` is for conditions on spans, not on events");
            return Err(Fault::new(at, problem));
        }
        let fault = Fault::new(at, format!("unknown converter `{name}`"));
        let known = functions::known(self.subject).map(|known| known.name);
        Err(fault.advice(suggest::nearest(name, known)))
    }

    /// One for each parameter of the function, in its order.
    fn arguments(
        &mut self,
        at: usize,
        function: &'static Function,
        given: &[syntax::Argument],
    ) -> Result<Box<[Argument]>, Fault> {
        let parameters = function.parameters;
        if parameters.is_empty() {
            // OTTL doesn't look at what is passed to a converter that takes nothing.
            return Ok(Box::new([]));
        }
        let mut arguments: Vec<Argument> = parameters.iter().map(|_| Argument::Absent).collect();
        let mut named = false;
        for (position, argument) in given.iter().enumerate() {
            named |= argument.name.is_some();
            let index = position_of(function, position, named, argument)?;
            let places = parameters.get(index).zip(arguments.get_mut(index));
            let Some((parameter, place)) = places else {
                let problem = format!("`{}` takes {}", function.name, takes(parameters));
                return Err(Fault::new(argument.at, problem));
            };
            if !matches!(place, Argument::Absent) {
                let problem = format!("the argument `{}` is given twice", parameter.name);
                return Err(Fault::new(argument.at, problem));
            }
            *place = self.argument(parameter, &argument.value)?;
        }
        let missing = parameters
            .iter()
            .zip(&arguments)
            .find(|(parameter, argument)| {
                parameter.is_required && matches!(argument, Argument::Absent)
            });
        if let Some((parameter, _)) = missing {
            let (name, missing) = (function.name, parameter.name);
            let fault = Fault::new(at, format!("`{name}` lacks its argument `{missing}`"));
            return Err(fault.advice(format!("it takes {}", takes(parameters))));
        }
        Ok(arguments.into())
    }

    fn argument(&mut self, parameter: &Parameter, value: &Expression) -> Result<Argument, Fault> {
        let must_be = |what: &str| {
            let problem = format!("the argument `{}` must be {what}", parameter.name);
            Fault::new(value.at, problem)
        };
        match (parameter.kind, &value.kind) {
            (ParameterKind::LiteralBool, ExpressionKind::Bool(value)) => Ok(Argument::Bool(*value)),
            (ParameterKind::LiteralBool, _) => Err(must_be("true or false, written out")),
            (ParameterKind::LiteralText, ExpressionKind::Text(text)) => {
                Ok(Argument::Text(text.as_str().into()))
            }
            (ParameterKind::Choice(choices), ExpressionKind::Text(text))
                if choices.contains(&text.as_str()) =>
            {
                Ok(Argument::Text(text.as_str().into()))
            }
            (ParameterKind::Choice(choices), ExpressionKind::Text(text)) => {
                let fault = must_be(&format!("one of {}", choices.join(", ")));
                Err(fault.advice(suggest::nearest(text, choices.iter().copied())))
            }
            (ParameterKind::LiteralText | ParameterKind::Choice(_), _) => {
                Err(must_be("a text, written out"))
            }
            (ParameterKind::SomeOfAnything, ExpressionKind::List(items)) if items.is_empty() => {
                Err(must_be("a list with something in it"))
            }
            (
                ParameterKind::ListOfTextLike | ParameterKind::SomeOfAnything,
                ExpressionKind::List(items),
            ) => Ok(Argument::Formulas(self.values(items)?.into())),
            (ParameterKind::ListOfTextLike | ParameterKind::SomeOfAnything, _) => {
                Err(must_be("a list, written out"))
            }
            (ParameterKind::Pattern, _) => self.pattern(parameter, value),
            (kind, _) => {
                let formula = self.value(value)?;
                fits(parameter, kind, value.at, &formula)?;
                Ok(Argument::Formula(formula))
            }
        }
    }

    fn pattern(&mut self, parameter: &Parameter, value: &Expression) -> Result<Argument, Fault> {
        let ExpressionKind::Text(text) = &value.kind else {
            let formula = self.value(value)?;
            fits(parameter, ParameterKind::Text, value.at, &formula)?;
            return Ok(Argument::ChangingPattern(formula, PatternCache::default()));
        };
        Pattern::parse_within(text, self.patterns)
            .map(Argument::Pattern)
            .map_err(|error| {
                let index = error.column.saturating_sub(1);
                let at = offset_in_literal(self.text, value.at, index);
                Fault::new(at, format!("regular expression: {}", error.problem))
            })
    }
}

/// Which parameter the argument at `position` is for.
fn position_of(
    function: &Function,
    position: usize,
    named: bool,
    argument: &syntax::Argument,
) -> Result<usize, Fault> {
    let Some(name) = &argument.name else {
        if named {
            let problem = "an argument without a name cannot follow one with a name";
            return Err(Fault::new(argument.at, problem));
        }
        return Ok(position);
    };
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let mut parameters = function.parameters.iter();
    let index = parameters.position(|parameter| plain(parameter.name) == plain(name));
    index.ok_or_else(|| {
        let problem = format!("`{}` has no argument `{name}`", function.name);
        let known = function.parameters.iter().map(|parameter| parameter.name);
        Fault::new(argument.at, problem).advice(suggest::nearest(name, known))
    })
}

/// Whether `formula`, if it is a literal, can be passed.
fn fits(
    parameter: &Parameter,
    kind: ParameterKind,
    at: usize,
    formula: &Formula,
) -> Result<(), Fault> {
    let Some(literal) = formula.literal() else {
        return Ok(());
    };
    kind.admits(literal).map_err(|reason: Reason| {
        Fault::new(at, format!("the argument `{}`: {reason}", parameter.name))
    })
}

/// The parameters in words.
fn takes(parameters: &[Parameter]) -> String {
    let names: Vec<String> = parameters
        .iter()
        .map(|parameter| match parameter.is_required {
            true => parameter.name.to_owned(),
            false => format!("{} (optional)", parameter.name),
        })
        .collect();
    names.join(", ")
}

/// The result of a call that has literals only; none if it has others, or no arguments at all.
fn folded(
    function: &Function,
    arguments: &[Argument],
) -> Option<Result<Value<'static>, EvaluationError>> {
    let is_literal = |formula: &Formula| formula.literal().is_some();
    let is_constant = |argument: &Argument| match argument {
        Argument::Formula(formula) => is_literal(formula),
        Argument::Formulas(formulas) => formulas.iter().all(is_literal),
        Argument::ChangingPattern(..) => false,
        Argument::Absent | Argument::Text(_) | Argument::Bool(_) | Argument::Pattern(_) => true,
    };
    if arguments.is_empty() || !arguments.iter().all(is_constant) {
        return None;
    }
    let span = SpanContext {
        fields: &SpanFields::default(),
        slots: &[],
        span: &[],
        resource: &[],
        scope: &[],
        event: None,
    };
    let frame = Frame {
        span: &span,
        slots: &[],
    };
    let result = (function.evaluate)(Invocation { arguments, frame });
    let result = result.map(Value::into_owned);
    Some(result.map_err(|error| error.within(function.name)))
}
