//! What an endpoint reads, told from its plan.

use myna_core::catalog::Operation;
use myna_core::problem::Field;

use super::{Asked, AskedShape, InputDescription, Place, Rule, RuleDescription};
use crate::check::{self, Check};
use crate::decode::{BodyPlan, Encoding, Input, Plan, Shape};
use crate::source::Source;

pub(super) fn media_types(body: &BodyPlan) -> Vec<&'static str> {
    match body.encoding {
        Encoding::Json => vec!["application/json"],
        Encoding::Form => vec!["application/x-www-form-urlencoded"],
    }
}

/// The members of a body. `order`: the plan's, in which the inputs are described.
pub(super) fn asked(members: &[(String, Shape)], order: &[usize]) -> Vec<Asked> {
    let member = |(name, shape): &(String, Shape)| {
        let shape = match shape {
            Shape::Input(input) => AskedShape::Input(order.iter().position(|at| at == input).unwrap_or_default()),
            Shape::Literal(json) => AskedShape::Literal(serde_json::from_slice(json).unwrap_or_default()),
            Shape::Object(members) => AskedShape::Object(asked(members, order)),
        };
        Asked { name: name.clone(), shape }
    };
    members.iter().map(member).collect()
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
        required: asked_for || input.field.is_some_and(|field| is_needed(plan, operation, field)),
        in_body: plan.body.as_ref().is_some_and(|body| holds(&body.members, at)),
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

fn holds(members: &[(String, Shape)], at: usize) -> bool {
    members.iter().any(|(_, shape)| match shape {
        Shape::Input(input) => *input == at,
        Shape::Literal(_) => false,
        Shape::Object(members) => holds(members, at),
    })
}

fn place(source: &Source) -> Place {
    match source {
        Source::Bearer(name) => Place::Bearer(name.as_str().to_owned()),
        Source::Header(name) => Place::Header(name.as_str().to_owned()),
        Source::Cookie(name) => Place::Cookie(name.clone()),
        Source::Path(name) => Place::Path(name.clone()),
        Source::Query(name) => Place::Query(name.clone()),
    }
}

fn rule(plan: &Plan, check: &Check) -> RuleDescription {
    let rule = match check.rule {
        check::Rule::Required => Rule::Required,
        check::Rule::Email => Rule::Email,
        check::Rule::Username => Rule::Username,
        check::Rule::Size { min, max } => Rule::Size { min, max },
        check::Rule::Same(other) => {
            Rule::Same(plan.inputs.get(other).map(|input| input.wire.clone()).unwrap_or_default())
        }
    };
    RuleDescription { rule, messages: check.messages.clone() }
}
