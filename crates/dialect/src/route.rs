//! Method + path → endpoint. Paths are compared byte by byte: nothing is decoded, folded or repaired (IN-10), and a path
//! belongs to one dialect only (IN-11).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::Method;
use percent_encoding::{CONTROLS, utf8_percent_encode};

use crate::dialect::{Dialect, Route};

/// The longest path of an endpoint, in bytes.
const PATH_BYTES_MAX: usize = 1024;
/// The most segments that a path of an endpoint has: so deep the router goes (TH-18).
const PATH_SEGMENTS_MAX: usize = 32;

/// The values of a path's parameters by name, as they stand in the path.
pub type Params = Vec<(String, String)>;

/// A path as a dialect writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Segment {
    Fixed(String),
    Param(String),
}

impl Pattern {
    /// Reads `/path/{param}`.
    ///
    /// # Errors
    /// What is wrong with it, one line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix('/').ok_or("a path begins with `/`")?;
        let count = inner.split('/').count();
        if text.len() > PATH_BYTES_MAX || count > PATH_SEGMENTS_MAX {
            return Err(format!("a path has at most {PATH_BYTES_MAX} bytes and {PATH_SEGMENTS_MAX} segments"));
        }
        let mut segments = Vec::with_capacity(count);
        for (at, part) in inner.split('/').enumerate() {
            // An empty last part is the root or a closing slash, which some APIs have.
            if part.is_empty() && at + 1 < count {
                return Err("two slashes in a row".to_owned());
            }
            segments.push(segment(part, &segments)?);
        }
        let written = |segment: &Segment| match segment {
            Segment::Fixed(text) => format!("/{text}"),
            Segment::Param(name) => format!("/{{{name}}}"),
        };
        Ok(Self { text: segments.iter().map(written).collect(), segments })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn params(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Param(name) => Some(name.as_str()),
            Segment::Fixed(_) => None,
        })
    }

    /// Whether the path has all that stands before the first parameter, and more.
    fn begins(&self, path: &str) -> bool {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let fixed = self.segments.iter().map_while(|segment| match segment {
            Segment::Fixed(text) => Some(text),
            Segment::Param(_) => None,
        });
        fixed.into_iter().all(|text| parts.next() == Some(text)) && parts.next().is_some()
    }

    /// Whether some path fits both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let fits = |pair: (&Segment, &Segment)| match pair {
            (Segment::Fixed(one), Segment::Fixed(two)) => one == two,
            (Segment::Param(_), Segment::Fixed(fixed)) | (Segment::Fixed(fixed), Segment::Param(_)) => {
                !fixed.is_empty()
            }
            (Segment::Param(_), Segment::Param(_)) => true,
        };
        self.segments.len() == other.segments.len() && self.segments.iter().zip(&other.segments).all(fits)
    }

    /// Whether both fit the same paths.
    pub(crate) fn same_paths(&self, other: &Self) -> bool {
        let same = |pair: (&Segment, &Segment)| match pair {
            (Segment::Fixed(one), Segment::Fixed(two)) => one == two,
            (Segment::Param(_), Segment::Param(_)) => true,
            (Segment::Fixed(_), Segment::Param(_)) | (Segment::Param(_), Segment::Fixed(_)) => false,
        };
        self.segments.len() == other.segments.len() && self.segments.iter().zip(&other.segments).all(same)
    }
}

fn segment(part: &str, before: &[Segment]) -> Result<Segment, String> {
    if let Some(name) = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        if name.is_empty()
            || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            return Err("a parameter's name is of small letters, digits and `_`".to_owned());
        }
        let param = Segment::Param(name.to_owned());
        return if before.contains(&param) { Err(format!("`{{{name}}}` stands twice in the path")) } else { Ok(param) };
    }
    // RFC 3986 §3.3, `pchar`, without what hides a path's meaning: percent signs and semicolons.
    let lawful = |c: char| match u8::try_from(c).ok().filter(u8::is_ascii) {
        Some(byte) => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte),
        None => !c.is_control() && !c.is_whitespace(),
    };
    if part == "." || part == ".." || !part.chars().all(lawful) {
        return Err(format!("`{}` cannot be a part of a path", part.escape_debug()));
    }
    // As browsers send it: UTF-8 with percent signs, hexadecimal digits upper-case (RFC 3986 §2.1).
    Ok(Segment::Fixed(utf8_percent_encode(part, CONTROLS).to_string()))
}

/// Two dialects that want the same path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overlap {
    /// The path of the first, as written.
    pub path: String,
    /// Who has it: `dialect/endpoint`, or the server itself.
    pub first: String,
    /// The path of the second, as written.
    pub other_path: String,
    /// Who wants it, too.
    pub second: String,
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, first, other_path, second } = self;
        write!(f, "`{path}` of {first} and `{other_path}` of {second} overlap: a path belongs to one dialect only")
    }
}

/// Where a request belongs.
pub enum Found {
    /// To this endpoint.
    Endpoint(Match),
    /// To a dialect that has the path, but not with this method.
    WrongMethod {
        /// Whose path it is.
        dialect: Arc<Dialect>,
        /// The lawful methods, as `Allow` lists them.
        allow: String,
    },
    /// To nobody.
    Nothing,
}

/// An endpoint that a request belongs to.
pub struct Match {
    /// The dialect.
    pub dialect: Arc<Dialect>,
    /// Which of its endpoints; [`select`](Match::select) says whether it is another one at the same route.
    pub endpoint: usize,
    /// The others at this route, in the order of the file.
    pub(crate) others: Vec<usize>,
    /// What the path's parameters are.
    pub params: Params,
}

/// Every route of every dialect: one tree of path segments. Finding a route costs one look-up for each segment of the path,
/// however many dialects there are; adding one meets nothing but the routes that it could overlap with.
#[derive(Debug)]
pub struct Router {
    dialects: Vec<Arc<Dialect>>,
    /// The first is the root: what stands before the first slash.
    nodes: Vec<Node>,
    /// The routes whose path holds a secret.
    hiding: Vec<Place>,
}

/// What can follow the segments that lead here.
#[derive(Debug, Default)]
struct Node {
    fixed: HashMap<Box<str>, usize>,
    param: Option<usize>,
    /// The endpoints whose path ends here; all of one dialect.
    places: Vec<Place>,
}

/// An endpoint of a dialect, by number.
#[derive(Clone, Copy, Debug)]
struct Place {
    dialect: usize,
    endpoint: usize,
    /// Which of the endpoint's routes.
    route: usize,
}

impl Router {
    /// One router over all dialects. `reserved`: the server's own paths.
    ///
    /// # Errors
    /// Every path that overlaps with another dialect's, with one that it overlaps with, and those that overlap with the
    /// server's.
    pub fn new(dialects: Vec<Arc<Dialect>>, reserved: &[&str]) -> Result<Self, Vec<Overlap>> {
        // What is no path to a dialect can be no dialect's.
        let reserved: Vec<(&str, Pattern)> =
            reserved.iter().filter_map(|path| Some((*path, Pattern::parse(path).ok()?))).collect();
        let mut router = Self { dialects, nodes: vec![Node::default()], hiding: Vec::new() };
        let mut overlaps = Vec::new();
        for (dialect, each) in router.dialects.clone().iter().enumerate() {
            for (endpoint, each) in each.endpoints().iter().enumerate() {
                for route in 0..each.routes.len() {
                    let place = Place { dialect, endpoint, route };
                    router.hiding.extend(each.hides_path().then_some(place));
                    overlaps.extend(router.add(place, &reserved));
                }
            }
        }
        if overlaps.is_empty() { Ok(router) } else { Err(overlaps) }
    }

    /// Every dialect.
    pub fn dialects(&self) -> impl Iterator<Item = &Arc<Dialect>> {
        self.dialects.iter()
    }

    /// The endpoint for a request.
    pub fn find(&self, method: &Method, path: &str) -> Found {
        let mut values = Vec::new();
        let node = path.strip_prefix('/').and_then(|inner| self.node_at(0, Some(inner), &mut values));
        let Some((dialect, places)) = node.and_then(|node| Some((node.places.first()?.dialect, &node.places))) else {
            return Found::Nothing;
        };
        let owner = &self.dialects[dialect];
        let method_of = |place: &Place| &self.route(*place).method;
        let mut fitting = places.iter().filter(|place| method_of(place) == method);
        if let Some(place) = fitting.next() {
            let names = self.route(*place).pattern.params();
            let params = names.zip(values).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let others = fitting.map(|place| place.endpoint).collect();
            return Found::Endpoint(Match { dialect: Arc::clone(owner), endpoint: place.endpoint, others, params });
        }
        let mut methods: Vec<&str> = places.iter().map(|place| method_of(place).as_str()).collect();
        methods.sort_unstable();
        methods.dedup();
        Found::WrongMethod { dialect: Arc::clone(owner), allow: methods.join(", ") }
    }

    /// The path as a log may hold it: as the dialect writes it where a secret stands in it, also where a slash too many or a
    /// wrong end has made it nobody's.
    pub fn shown_path<'p>(&'p self, path: &'p str) -> &'p str {
        if self.hiding.is_empty() {
            return path;
        }
        let node = path.strip_prefix('/').and_then(|inner| self.node_at(0, Some(inner), &mut Vec::new()));
        let hiding = match node {
            Some(node) => {
                let hides = |place: &&Place| self.dialects[place.dialect].endpoint(place.endpoint).hides_path();
                node.places.iter().find(hides)
            }
            None => self.hiding.iter().find(|place| self.route(**place).pattern.begins(path)),
        };
        hiding.map_or(path, |place| self.route(*place).pattern.text())
    }

    /// The node at which a path ends that has endpoints; `rest`: the segments that are still to go, `None` behind the last.
    /// A fixed segment comes before a parameter (as in OpenAPI 3.1 §4.8.8.2), but whether its path is one is seen at the end
    /// only. Paths of two dialects are proven not to overlap.
    fn node_at<'s, 'p>(&'s self, at: usize, rest: Option<&'p str>, values: &mut Vec<&'p str>) -> Option<&'s Node> {
        let node = self.nodes.get(at)?;
        let Some(rest) = rest else {
            return Some(node).filter(|node| !node.places.is_empty());
        };
        let (part, rest) = rest.split_once('/').map_or((rest, None), |(part, rest)| (part, Some(rest)));
        if let Some(found) = node.fixed.get(part).and_then(|next| self.node_at(*next, rest, values)) {
            return Some(found);
        }
        let param = node.param.filter(|_| !part.is_empty())?;
        values.push(part);
        let found = self.node_at(param, rest, values);
        if found.is_none() {
            values.pop();
        }
        found
    }

    fn route(&self, place: Place) -> &Route {
        &self.dialects[place.dialect].endpoint(place.endpoint).routes[place.route]
    }

    fn owner(&self, place: Place) -> String {
        let dialect = &self.dialects[place.dialect];
        format!("{}/{}", dialect.name(), dialect.endpoint(place.endpoint).name())
    }

    fn add(&mut self, place: Place, reserved: &[(&str, Pattern)]) -> Vec<Overlap> {
        let pattern = self.route(place).pattern.clone();
        let overlap = |path: &str, first: String| Overlap {
            path: path.to_owned(),
            first,
            other_path: pattern.text.clone(),
            second: self.owner(place),
        };
        let own = reserved.iter().filter(|(_, path)| pattern.overlaps(path));
        let mut overlaps: Vec<Overlap> = own.map(|(path, _)| overlap(path, "the server itself".to_owned())).collect();
        // One of another dialect tells enough: a thousand copies of a dialect are not half a million overlaps.
        if let Some(other) = self.other(0, &pattern.segments, place.dialect) {
            overlaps.push(overlap(self.route(other).pattern.text(), self.owner(other)));
        }
        let mut at = 0;
        for segment in &pattern.segments {
            at = self.child(at, segment);
        }
        self.nodes[at].places.push(place);
        overlaps
    }

    /// A place of another dialect whose path overlaps with these segments.
    fn other(&self, at: usize, segments: &[Segment], dialect: usize) -> Option<Place> {
        let node = self.nodes.get(at)?;
        let Some((segment, rest)) = segments.split_first() else {
            return node.places.iter().copied().find(|place| place.dialect != dialect);
        };
        let further = |next: &usize| self.other(*next, rest, dialect);
        let (fixed, param) = match segment {
            Segment::Fixed(text) => (node.fixed.get(text.as_str()).and_then(further), !text.is_empty()),
            Segment::Param(_) => {
                let fixed = node.fixed.iter().filter(|(text, _)| !text.is_empty());
                (fixed.map(|(_, next)| next).find_map(further), true)
            }
        };
        fixed.or_else(|| node.param.as_ref().filter(|_| param).and_then(further))
    }

    /// The node behind a segment, made if it is not there.
    fn child(&mut self, at: usize, segment: &Segment) -> usize {
        let next = self.nodes.len();
        let node = &mut self.nodes[at];
        let found = match segment {
            Segment::Fixed(text) => *node.fixed.entry(text.as_str().into()).or_insert(next),
            Segment::Param(_) => *node.param.get_or_insert(next),
        };
        if found == next {
            self.nodes.push(Node::default());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile;
    use crate::diagnostic::Source;

    fn dialect(name: &str, endpoints: &[(&str, &str)]) -> Arc<Dialect> {
        let mut text = format!("dialect = \"{name}\"\n[on.reset_requested]\n[on.error]\n");
        for (at, (route, from)) in endpoints.iter().enumerate() {
            text += &format!(
                "[[endpoint]]\nname = \"e{at}\"\nroute = \"{route}\"\noperation = \"request_password_reset\"\n{from}\n"
            );
        }
        Arc::new(compile(&Source::new(name, text), None).expect(name))
    }

    // IN-11, TH-18: a look-up and an overlap meet one node for each segment; no node holds what other dialects added.
    #[test]
    fn a_thousand_dialects_are_no_longer_way_than_one() {
        let all = (0..1_000).map(|n| {
            let fixed = format!("POST /d{n}/forgot");
            let param = format!("POST /tenants/{{email}}/d{n}/forgot");
            let body = "request = '{ \"e\": \"{email}\" }'";
            dialect(&format!("d{n}"), &[(&fixed, body), (&param, "from = { email = \"path email\" }")])
        });
        let router = Router::new(all.collect(), &["/healthz"]).expect("no overlap");
        // Root, `tenants`, `{email}`; and two nodes for each path of a dialect.
        assert_eq!(router.nodes.len(), 3 + 1_000 * 4);
        for node in &router.nodes {
            assert!(node.places.len() <= 1);
        }
        for path in ["/d7/forgot", "/tenants/a@b/d999/forgot"] {
            assert!(matches!(router.find(&Method::POST, path), Found::Endpoint(_)), "{path}");
        }
        assert!(matches!(router.find(&Method::POST, "/tenants/a@b/d1000/forgot"), Found::Nothing));
    }

    #[test]
    fn a_thousand_copies_are_told_once_each() {
        let copies =
            (0..1_000).map(|n| dialect(&format!("d{n}"), &[("POST /a", "request = '{ \"e\": \"{email}\" }'")]));
        let overlaps = Router::new(copies.collect(), &[]).expect_err("one path");
        assert_eq!(overlaps.len(), 999);
    }

    #[test]
    fn the_way_back_from_a_wrong_branch_is_found() {
        let one = dialect("one", &[("POST /a/{email}/x/y", "from = { email = \"path email\" }")]);
        let two = dialect("two", &[("POST /a/b/x/z", "request = '{ \"e\": \"{email}\" }'")]);
        let router = Router::new(vec![two, one], &[]).expect("no overlap");
        let Found::Endpoint(found) = router.find(&Method::POST, "/a/b/x/y") else { panic!("found") };
        assert_eq!((found.dialect.name(), found.params), ("one", vec![("email".to_owned(), "b".to_owned())]));
    }

    // TH-18
    #[test]
    fn paths_are_bounded() {
        for (path, lawful) in [
            ("/a".repeat(32), true),
            ("/a".repeat(33), false),
            (format!("/{}", "a".repeat(1023)), true),
            (format!("/{}", "a".repeat(1024)), false),
        ] {
            assert_eq!(Pattern::parse(&path).is_ok(), lawful, "{path}");
        }
    }
}
