//! Method + path → endpoint. Paths are compared byte by byte: nothing is decoded, folded or repaired (IN-10), and a path
//! belongs to one dialect only (IN-11).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::Method;

use crate::dialect::Dialect;

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
        let mut segments = Vec::with_capacity(count);
        for (at, part) in inner.split('/').enumerate() {
            // An empty last part is the root or a closing slash, which some APIs have.
            if part.is_empty() && at + 1 < count {
                return Err("two slashes in a row".to_owned());
            }
            segments.push(segment(part, &segments)?);
        }
        Ok(Self { text: text.to_owned(), segments })
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

    fn is_fixed(&self) -> bool {
        self.params().next().is_none()
    }

    fn matches(&self, path: &str) -> Option<Params> {
        let mut parts = path.strip_prefix('/')?.split('/');
        let mut params = Params::new();
        for segment in &self.segments {
            let part = parts.next()?;
            match segment {
                Segment::Fixed(fixed) if fixed == part => {}
                Segment::Param(name) if !part.is_empty() => params.push((name.clone(), part.to_owned())),
                Segment::Fixed(_) | Segment::Param(_) => return None,
            }
        }
        parts.next().is_none().then_some(params)
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
    let lawful = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte);
    if part == "." || part == ".." || !part.bytes().all(lawful) {
        return Err(format!("`{part}` cannot be a part of a path"));
    }
    Ok(Segment::Fixed(part.to_owned()))
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
    /// Which of its endpoints.
    pub endpoint: usize,
    /// What the path's parameters are.
    pub params: Params,
}

/// Every route of every dialect.
#[derive(Debug)]
pub struct Router {
    dialects: Vec<Arc<Dialect>>,
    fixed: HashMap<String, Vec<Place>>,
    /// Patterns with parameters, by how many segments they have.
    patterns: HashMap<usize, Vec<Place>>,
}

/// An endpoint of a dialect, by number.
#[derive(Clone, Copy, Debug)]
struct Place {
    dialect: usize,
    endpoint: usize,
}

impl Router {
    /// One router over all dialects. `reserved`: the server's own paths.
    ///
    /// # Errors
    /// Every overlap of two dialects, or of one with the server.
    pub fn new(dialects: Vec<Arc<Dialect>>, reserved: &[&str]) -> Result<Self, Vec<Overlap>> {
        let mut router = Self { dialects, fixed: HashMap::new(), patterns: HashMap::new() };
        let mut overlaps = Vec::new();
        for (dialect, each) in router.dialects.clone().iter().enumerate() {
            for (endpoint, _) in each.endpoints().iter().enumerate() {
                overlaps.extend(router.add(Place { dialect, endpoint }, reserved));
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
        let fixed = self.fixed.get(path).into_iter().flatten().map(|place| (*place, Params::new()));
        let count = path.matches('/').count();
        let patterns = self.patterns.get(&count).into_iter().flatten();
        let patterns = patterns.filter_map(|place| Some((*place, self.pattern(*place).matches(path)?)));
        let mut wrong: Option<(usize, Vec<&str>)> = None;
        for (place, params) in fixed.chain(patterns) {
            let Place { dialect, endpoint } = place;
            let lawful = self.dialects[dialect].endpoint(endpoint).method();
            if lawful == method {
                return Found::Endpoint(Match { dialect: Arc::clone(&self.dialects[dialect]), endpoint, params });
            }
            wrong.get_or_insert((dialect, Vec::new())).1.push(lawful.as_str());
        }
        let Some((dialect, mut methods)) = wrong else {
            return Found::Nothing;
        };
        methods.sort_unstable();
        methods.dedup();
        Found::WrongMethod { dialect: Arc::clone(&self.dialects[dialect]), allow: methods.join(", ") }
    }

    fn pattern(&self, place: Place) -> &Pattern {
        &self.dialects[place.dialect].endpoint(place.endpoint).pattern
    }

    fn owner(&self, place: Place) -> String {
        let dialect = &self.dialects[place.dialect];
        format!("{}/{}", dialect.name(), dialect.endpoint(place.endpoint).name())
    }

    fn add(&mut self, place: Place, reserved: &[&str]) -> Vec<Overlap> {
        let pattern = self.pattern(place).clone();
        let count = pattern.segments.len();
        let overlap = |path: &str, first: String| Overlap {
            path: path.to_owned(),
            first,
            other_path: pattern.text.clone(),
            second: self.owner(place),
        };
        let own = reserved.iter().filter(|path| pattern.matches(path).is_some());
        let mut overlaps: Vec<Overlap> = own.map(|path| overlap(path, "the server itself".to_owned())).collect();
        // A pattern may meet any fixed path; a fixed path meets its like and the patterns of its length.
        let fixed: Vec<Place> = if pattern.is_fixed() {
            self.fixed.get(pattern.text()).cloned().unwrap_or_default()
        } else {
            self.fixed.values().flatten().copied().collect()
        };
        for other in fixed.iter().chain(self.patterns.get(&count).into_iter().flatten()) {
            if other.dialect != place.dialect && self.pattern(*other).overlaps(&pattern) {
                overlaps.push(overlap(self.pattern(*other).text(), self.owner(*other)));
            }
        }
        if pattern.is_fixed() {
            self.fixed.entry(pattern.text).or_default().push(place);
        } else {
            self.patterns.entry(count).or_default().push(place);
        }
        overlaps
    }
}
