//! What an endpoint reads, told from its plan.

use myna_core::catalog::Operation;
use myna_core::problem::Field;

use super::{Asked, AskedShape, InputDescription, Place, Rule, RuleDescription, Wanted, WhenDescription, WhenSubject};
use crate::body::{BodyPlan, Encoding, Shape};
use crate::check::{self, Check};
use crate::decode::{Input, Plan};
use crate::source::Source;
use crate::when::{Condition, Subject, Want};
use crate::words::Language;

pub(super) fn media_types(body: &BodyPlan) -> Vec<&'static str> {
    body.encodings.iter().copied().map(Encoding::media_type).collect()
}

/// The members of a body. `order`: the plan's, in which the inputs are described.
pub(super) fn asked(body: &BodyPlan, order: &[usize]) -> Vec<Asked> {
    members(body, &body.members, order)
}

fn members(body: &BodyPlan, all: &[(String, Shape)], order: &[usize]) -> Vec<Asked> {
    all.iter().map(|(name, each)| Asked { name: name.clone(), shape: shape(body, each, order) }).collect()
}

fn shape(body: &BodyPlan, each: &Shape, order: &[usize]) -> AskedShape {
    let input = |input: usize| AskedShape::Input(order.iter().position(|at| *at == input).unwrap_or_default());
    match each {
        Shape::Input(at) => input(*at),
        Shape::Repeat(at) => input(body.repeats.get(*at).copied().unwrap_or_default()),
        Shape::Literal(json) => AskedShape::Literal(serde_json::from_slice(json).unwrap_or_default()),
        Shape::Object(inner) => AskedShape::Object(members(body, inner, order)),
        Shape::Array(inner) => AskedShape::Array(inner.iter().map(|each| shape(body, each, order)).collect()),
    }
}

/// Every input, in the order in which failures are reported.
pub(super) fn inputs(plan: &Plan, operation: Operation) -> Vec<InputDescription> {
    let describe = |at: &usize| plan.inputs.get(*at).map(|input| describe(plan, operation, *at, input));
    plan.order.iter().filter_map(describe).collect()
}

fn describe(plan: &Plan, operation: Operation, at: usize, input: &Input) -> InputDescription {
    let checks: Vec<&Check> = plan.checks.iter().filter(|check| check.input == at).collect();
    let asked_for = checks.iter().any(|check| check.is_required());
    InputDescription {
        name: input.name.clone(),
        wire: input.wire.clone(),
        field: input.field,
        secret: input.secret,
        required: asked_for || input.field.is_some_and(|field| is_needed(plan, operation, field)),
        in_body: plan.body.as_ref().is_some_and(|body| body.members.iter().any(|(_, shape)| holds(shape, at))),
        places: input.sources.iter().map(place).collect(),
        rules: checks.into_iter().map(|check| rule(plan, check)).collect(),
    }
}

/// Whether the operation cannot be without the field: it needs it, and nothing else that the endpoint reads can stand in.
/// A refresh that is given an access token insists on it.
fn is_needed(plan: &Plan, operation: Operation, field: Field) -> bool {
    let read = |field: &Field| plan.inputs.iter().any(|input| input.field == Some(*field));
    let alone = |needed: &&[Field]| needed.contains(&field) && needed.iter().filter(|field| read(field)).count() == 1;
    operation.entry().needs.iter().any(alone) || (operation == Operation::Refresh && field == Field::AccessToken)
}

fn holds(shape: &Shape, at: usize) -> bool {
    match shape {
        Shape::Input(input) => *input == at,
        Shape::Literal(_) | Shape::Repeat(_) => false,
        Shape::Object(members) => members.iter().any(|(_, shape)| holds(shape, at)),
        Shape::Array(shapes) => shapes.iter().any(|shape| holds(shape, at)),
    }
}

fn place(source: &Source) -> Place {
    match source {
        Source::Bearer(name) => Place::Bearer(name.as_str().to_owned()),
        Source::Header(name) => Place::Header(name.as_str().to_owned()),
        Source::Cookie(name) => Place::Cookie(name.clone()),
        Source::Path(name) => Place::Path(name.clone()),
        Source::Query(name) => Place::Query(name.clone()),
        Source::Basic(half) => Place::Basic(*half),
        Source::Scheme { word, param, header } => {
            Place::Scheme { word: word.clone(), param: param.clone(), header: header.as_str().to_owned() }
        }
    }
}

/// A condition of `when`.
pub(super) fn when(condition: &Condition) -> WhenDescription {
    let subject = match &condition.subject {
        Subject::Source(source) => WhenSubject::Place(place(source)),
        Subject::Body(path) => WhenSubject::Body(path.clone()),
    };
    let want = match &condition.want {
        Want::Any(texts) => Wanted::Any(texts.to_vec()),
        Want::Present => Wanted::Present,
        Want::Absent => Wanted::Absent,
    };
    WhenDescription { subject, want }
}

fn rule(plan: &Plan, check: &Check) -> RuleDescription {
    let rule = match &check.rule {
        check::Rule::Required => Rule::Required,
        check::Rule::Email => Rule::Email,
        check::Rule::Username => Rule::Username,
        check::Rule::Size { min, max } => Rule::Size { min: *min, max: *max },
        check::Rule::Same(other) => {
            Rule::Same(plan.inputs.get(*other).map(|input| input.wire.clone()).unwrap_or_default())
        }
        check::Rule::OneOf(values) => Rule::OneOf(values.to_vec()),
    };
    RuleDescription {
        rule,
        messages: check.phrases.each_ref().map(|phrase| phrase.words.say(Language::default()).to_owned()),
    }
}
