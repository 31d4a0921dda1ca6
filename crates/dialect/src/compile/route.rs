//! `route`: methods and paths of an endpoint, and the proof that every request has one endpoint of the dialect at most.

use http::Method;

use super::Compiler;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::dialect::Route;
use crate::file::{Table, Text};
use crate::route::Pattern;

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// A route that an endpoint has already.
pub(super) struct Taken {
    route: Route,
    endpoint: String,
    /// Whether the endpoint leaves requests to others.
    conditional: bool,
}

impl Compiler {
    /// The endpoint's routes; those of all endpoints before it are `taken`.
    pub(super) fn routes(&mut self, table: &Table<'_>, endpoint: &str, taken: &mut Vec<Taken>) -> Vec<Route> {
        if !table.has("route") {
            self.faults.add(table.span.clone(), "`route` is missing");
        }
        let written = table.texts("route", &mut self.faults);
        if table.has("route") && written.is_empty() {
            self.faults.add(table.place("route"), "an endpoint has at least one route");
        }
        let mut routes: Vec<Route> = Vec::new();
        for text in written {
            let route = match parse_route(&text) {
                Ok(route) => route,
                Err(fault) => {
                    self.faults.extend([fault]);
                    continue;
                }
            };
            if routes.iter().any(|other| other.method == route.method && other.pattern.same_paths(&route.pattern)) {
                self.faults.add(text.span.clone(), "the endpoint has this route already");
                continue;
            }
            if routes.first().is_some_and(|first| params(first) != params(&route)) {
                self.faults.add(text.span.clone(), "the routes of an endpoint have the same parameters");
            }
            for other in taken.iter() {
                self.prove_route(&text, &route, other);
            }
            routes.push(route);
        }
        let conditional = table.has("when");
        let new = routes.iter().cloned();
        taken.extend(new.map(|route| Taken { route, endpoint: endpoint.to_owned(), conditional }));
        routes
    }

    fn prove_route(&mut self, text: &Text, route: &Route, other: &Taken) {
        let (path, other_path) = (&route.pattern, &other.route.pattern);
        let endpoint = &other.endpoint;
        // Of two paths of one dialect that a request fits, the router takes the one with the fixed segment.
        if other_path.same_paths(path) && other.route.method == route.method {
            if !other.conditional {
                let message = format!("the endpoint `{endpoint}` has this route already");
                let help = "of several endpoints at one route all but the last have a `when`".to_owned();
                self.faults.add_with(text.span.clone(), message, help);
            } else if path != other_path {
                let message = format!("endpoint `{endpoint}` at this route has other names for its parameters");
                self.faults.add(text.span.clone(), message);
            }
        }
    }
}

fn params(route: &Route) -> Vec<&str> {
    let mut names: Vec<&str> = route.pattern.params().collect();
    names.sort_unstable();
    names
}

fn parse_route(text: &Text) -> Result<Route, Diagnostic> {
    let fault = |message: String| Diagnostic::new(message).at(text.span.clone());
    let help = || "a route is a method and a path: \"POST /api/login\"".to_owned();
    let Some((word, path)) = text.value.split_once(' ') else {
        return Err(fault(format!("`{}` is no route", text.value.escape_debug())).help(help()));
    };
    let method = METHODS.into_iter().find(|method| method.as_str() == word).ok_or_else(|| {
        let help = did_you_mean(word, METHODS.iter().map(Method::as_str)).unwrap_or_else(help);
        fault(format!("`{}` is no method for an endpoint", word.escape_debug())).help(help)
    })?;
    let pattern = Pattern::parse(path).map_err(|why| fault(format!("no lawful path: {why}")).help(help()))?;
    Ok(Route { method, pattern })
}
