//! Requests made from what an endpoint says that it reads, and then bent: types, duplicates, depth, sizes, encodings, bad
//! UTF-8, headers, methods, paths, cookies, queries. Secrets in them hold a [`CANARY`].

use data_encoding::BASE64;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use myna_core::problem::Field;
use myna_dialect::describe::{
    Asked, AskedShape, EndpointDescription, Half, InputDescription, Place, Rule, Wanted, WhenDescription, WhenSubject,
};
use serde_json::Value;

use crate::entropy::Entropy;

/// Stands in every secret that is sent; nothing that is answered or logged may hold it.
pub(crate) const CANARY: &str = "kAnArY";

const HOSTILE: [&str; 16] = [
    "",
    " ",
    "\0",
    "a\u{0}b",
    "\r\nSet-Cookie: a=b",
    "\"",
    "\\",
    "\"},\"x\":{\"",
    "{access.token}{{",
    "\u{202e}\u{feff}\u{ffff}",
    "é😀",
    "%00%ff%zz",
    "null",
    "a@b@c, d@e.example",
    "../../etc/passwd;x=1",
    "' OR 1=1 --",
];
/// Numbers that only their text can hold.
pub(crate) const LARGE_NUMBERS: [&str; 2] = ["-1e999", "123456789012345678901234567890"];
/// JSON that is no text, or no JSON.
const NO_TEXT: [&str; 16] = [
    "null",
    "true",
    "0",
    "-1e999",
    "123456789012345678901234567890",
    "[]",
    "[[\"kAnArY\"]]",
    "{}",
    "{\"a\":\"kAnArY\"}",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"\\x\"",
    "NaN",
    "'kAnArY'",
    "\"kAnArY",
    "01",
];
const CONTENT_TYPES: [&str; 10] = [
    "",
    "text/plain",
    "application/json; charset=utf-16",
    "application/json;;;",
    "application/jsonx",
    "multipart/form-data",
    "multipart/form-data; boundary=\"\"",
    "application/x-www-form-urlencoded",
    "Application/JSON ; Charset=UTF-8",
    "*/*",
];
const QUERIES: [&str; 6] = ["a=1&a=2", "%ff", "=&=&&", "a", "mode=cookie&mode=json", "%00=%00"];
const METHODS: [Method; 7] =
    [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS, Method::TRACE];

/// A request, ready to be routed.
pub(crate) struct Crafted {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A request for the endpoint; without entropy a lawful one.
pub(crate) fn craft(endpoint: &EndpointDescription, entropy: &mut Entropy<'_>) -> Crafted {
    let path = endpoint.paths.get(entropy.below(endpoint.paths.len())).cloned().unwrap_or_default();
    let mut crafted =
        Crafted { method: endpoint.method.clone(), path, query: None, headers: HeaderMap::new(), body: Vec::new() };
    let mut outside = Outside::default();
    let endpoint = &fulfilling(endpoint, entropy);
    for (place, text) in endpoint.when.iter().filter_map(outside_the_body) {
        if !entropy.once_in(16) {
            outside.put(place, text, &mut crafted, entropy);
        }
    }
    for input in &endpoint.inputs {
        if (input.in_body && !entropy.once_in(8)) || entropy.once_in(16) {
            continue;
        }
        if let Some(place) = input.places.get(entropy.below(input.places.len())) {
            let text = value(input, entropy);
            outside.put(place, &text, &mut crafted, entropy);
        }
    }
    let Outside { mut query, mut cookies, basic, params } = outside;
    for ((header, word), all) in params {
        let more = entropy.of(&["", ", ", ", x=\"\\\"\"", ", Token=\"a\", Token=\"b\"", " y"]);
        crafted.add(&header, format!("{word} {}{more}", all.join(", ")).as_bytes(), entropy);
    }
    if let Some((user, password)) = basic {
        let pair = BASE64.encode(format!("{user}:{password}").as_bytes());
        let damage = entropy.of(&["", "", "", "=", " ", "!"]);
        crafted.add(AUTHORIZATION.as_str(), format!("Basic {pair}{damage}").as_bytes(), entropy);
    }
    if entropy.once_in(8) {
        query.push(entropy.of(&QUERIES).to_owned());
    }
    crafted.query = (!query.is_empty()).then(|| query.join("&"));
    if entropy.once_in(8) {
        cookies.extend(cookies.first().cloned());
        cookies.push("x".to_owned());
    }
    if !cookies.is_empty() {
        let separator = if entropy.once_in(8) { ";;= " } else { "; " };
        crafted.add(COOKIE.as_str(), cookies.join(separator).as_bytes(), entropy);
    }
    crafted.write_body(endpoint, entropy);
    crafted.bend(entropy);
    crafted
}

/// The endpoint with a body that holds what its conditions want.
fn fulfilling(endpoint: &EndpointDescription, entropy: &mut Entropy<'_>) -> EndpointDescription {
    let mut endpoint = endpoint.clone();
    for WhenDescription { subject, want } in &endpoint.when {
        if let WhenSubject::Body(path) = subject
            && let Some(text) = wanted(want)
            && !entropy.once_in(16)
        {
            put(endpoint.body.get_or_insert_default(), path, text);
        }
    }
    endpoint
}

fn wanted(want: &Wanted) -> Option<&str> {
    match want {
        Wanted::Any(texts) => texts.first().map(String::as_str),
        Wanted::Present => Some("x"),
        Wanted::Absent => None,
    }
}

fn outside_the_body(when: &WhenDescription) -> Option<(&Place, &str)> {
    match &when.subject {
        WhenSubject::Place(place) => Some((place, wanted(&when.want)?)),
        WhenSubject::Body(_) => None,
    }
}

/// Makes the member at the path a literal.
fn put(members: &mut Vec<Asked>, path: &[String], text: &str) {
    let Some((name, rest)) = path.split_first() else { return };
    let at = members.iter().position(|asked| asked.name == *name).unwrap_or_else(|| {
        members.push(Asked { name: name.clone(), shape: AskedShape::Object(Vec::new()) });
        members.len() - 1
    });
    match &mut members[at].shape {
        AskedShape::Object(inner) if !rest.is_empty() => put(inner, rest, text),
        shape if rest.is_empty() => *shape = AskedShape::Literal(Value::from(text)),
        // A list: its members are the endpoint's own.
        AskedShape::Input(_) | AskedShape::Literal(_) | AskedShape::Object(_) | AskedShape::Array(_) => {}
    }
}

/// What stands in places that several inputs share.
#[derive(Default)]
struct Outside {
    query: Vec<String>,
    cookies: Vec<String>,
    basic: Option<(String, String)>,
    /// By header and scheme.
    params: Vec<((String, String), Vec<String>)>,
}

impl Outside {
    fn put(&mut self, place: &Place, text: &str, crafted: &mut Crafted, entropy: &mut Entropy<'_>) {
        match place {
            Place::Bearer(name) => crafted.add(name, bearer(text, entropy).as_bytes(), entropy),
            Place::Header(name) => crafted.add(name, text.as_bytes(), entropy),
            Place::Cookie(name) => self.cookies.push(format!("{name}={text}")),
            Place::Query(name) => self.query.push(format!("{name}={}", escaped(text, entropy))),
            Place::Path(name) => {
                crafted.path = crafted.path.replace(&format!("{{{name}}}"), &escaped(text, entropy));
            }
            Place::Basic(Half::User) => text.clone_into(&mut self.basic.get_or_insert_default().0),
            Place::Basic(Half::Password) => text.clone_into(&mut self.basic.get_or_insert_default().1),
            Place::Scheme { word, param: None, header } => {
                crafted.add(header, format!("{word} {text}").as_bytes(), entropy);
            }
            Place::Scheme { word, param: Some(param), header } => {
                let (key, one) = ((header.clone(), word.clone()), format!("{param}=\"{text}\""));
                match self.params.iter_mut().find(|(other, _)| *other == key) {
                    Some((_, all)) => all.push(one),
                    None => self.params.push((key, vec![one])),
                }
            }
        }
    }
}

fn value(input: &InputDescription, entropy: &mut Entropy<'_>) -> String {
    let choice =
        input.rules.iter().find_map(|rule| if let Rule::OneOf(values) = &rule.rule { values.first() } else { None });
    let plain = if let Some(choice) = choice {
        choice.clone()
    } else if input.is_secret() {
        format!("{CANARY}-horse") // as long as ktor's passwords may be
    } else {
        match input.field {
            Some(Field::Identifier | Field::Email) => "foo@gmail.com".to_owned(),
            Some(_) | None => "foo".to_owned(),
        }
    };
    if !entropy.once_in(4) {
        return plain;
    }
    let text = format!("{plain}{}", entropy.of(&HOSTILE));
    match entropy.below(8) {
        0..4 => text,
        4 => text.repeat(100),
        5 => String::new(),
        _ => text.replace(&plain, ""),
    }
}

fn bearer(token: &str, entropy: &mut Entropy<'_>) -> String {
    match entropy.below(12) {
        8 => format!("bearer {token}"),
        9 => format!("Basic {token}"),
        10 => format!("Bearer  {token}, Bearer x"),
        11 => token.to_owned(),
        _ => format!("Bearer {token}"),
    }
}

/// Percent-encoded, or not as it should be.
fn escaped(text: &str, entropy: &mut Entropy<'_>) -> String {
    if entropy.once_in(8) {
        return text.chars().filter(char::is_ascii_graphic).collect();
    }
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(byte).collect()
}

impl Crafted {
    /// What no header can hold is left out.
    fn add(&mut self, name: &str, value: &[u8], entropy: &mut Entropy<'_>) {
        let lawful: Vec<u8> = value.iter().copied().filter(|byte| *byte >= 0x20 && *byte != 0x7f).collect();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(&lawful)) {
            if entropy.once_in(16) {
                self.headers.append(name.clone(), value.clone());
            }
            self.headers.append(name, value);
        }
    }

    fn write_body(&mut self, endpoint: &EndpointDescription, entropy: &mut Entropy<'_>) {
        let kind = endpoint.reads.get(entropy.below(endpoint.reads.len())).copied();
        let Some(members) = &endpoint.body else {
            self.body = entropy.of(&["", "{}", "[", "\0", "kAnArY"]).as_bytes().to_vec();
            return;
        };
        let mut kind = kind.unwrap_or("application/json").to_owned();
        if kind.starts_with("application/x-www-form-urlencoded") {
            self.body = form(endpoint, members, entropy).into_bytes();
        } else if kind.starts_with("multipart/") {
            self.body = multipart(endpoint, members, entropy).into_bytes();
            kind = "multipart/form-data; boundary=xYz".to_owned();
        } else {
            self.body = object(endpoint, members, entropy).into_bytes();
        }
        if entropy.once_in(8) {
            kind = entropy.of(&CONTENT_TYPES).to_owned();
        }
        if !entropy.once_in(8) {
            self.add(CONTENT_TYPE.as_str(), kind.as_bytes(), entropy);
        }
        if entropy.once_in(6) {
            damage(&mut self.body, entropy);
        }
    }

    fn bend(&mut self, entropy: &mut Entropy<'_>) {
        if entropy.once_in(8) {
            let wish = entropy.of(&["text/html", "*/*;q=0", "application/json;q=x", ",,;;", "\u{e9}"]);
            self.add(ACCEPT.as_str(), wish.as_bytes(), entropy);
        }
        if entropy.once_in(8) {
            let origin = entropy.of(&["https://evil.example", "null", "", "http://[::1"]);
            self.add(ORIGIN.as_str(), origin.as_bytes(), entropy);
            let site = entropy.of(&["cross-site", "same-origin", "none", "\u{fe}"]);
            self.add("sec-fetch-site", site.as_bytes(), entropy);
        }
        if entropy.once_in(8) {
            let languages = entropy.of(&["de", "de;q=0, en;q=0", "*", ";;q=,", "x-\u{fc}", "de-AT,de;q=0.9"]);
            self.add("accept-language", languages.as_bytes(), entropy);
        }
        if entropy.once_in(16) {
            self.method = METHODS.get(entropy.below(METHODS.len())).cloned().unwrap_or_default();
        }
        if entropy.once_in(16) {
            let tail = entropy.of(&["/", "//", "/..", ";x", "%2e", "\u{0}", "?", "/\u{e9}"]);
            self.path.push_str(tail);
        }
    }
}

fn leaf(endpoint: &EndpointDescription, at: usize, entropy: &mut Entropy<'_>) -> String {
    if entropy.once_in(8) {
        return match entropy.below(4) {
            0 => format!("{}\"{CANARY}\"{}", "[".repeat(20), "]".repeat(20)),
            _ => entropy.of(&NO_TEXT).to_owned(),
        };
    }
    let text = endpoint.inputs.get(at).map(|input| value(input, entropy)).unwrap_or_default();
    Value::from(text).to_string()
}

fn shape(endpoint: &EndpointDescription, shape: &AskedShape, entropy: &mut Entropy<'_>) -> String {
    if !matches!(shape, AskedShape::Input(_)) && entropy.once_in(12) {
        return entropy.of(&NO_TEXT).to_owned();
    }
    match shape {
        AskedShape::Input(at) => leaf(endpoint, *at, entropy),
        AskedShape::Literal(value) => value.to_string(),
        AskedShape::Object(members) => object(endpoint, members, entropy),
        AskedShape::Array(shapes) => {
            let mut all: Vec<String> = shapes.iter().map(|inner| self::shape(endpoint, inner, entropy)).collect();
            match entropy.below(16) {
                14 => drop(all.pop()),
                15 => all.push("0".to_owned()),
                _ => {}
            }
            format!("[{}]", all.join(","))
        }
    }
}

fn object(endpoint: &EndpointDescription, members: &[Asked], entropy: &mut Entropy<'_>) -> String {
    let mut all = Vec::new();
    for Asked { name, shape } in members {
        if entropy.once_in(16) {
            continue;
        }
        let value = self::shape(endpoint, shape, entropy);
        let mut key = Value::from(name.as_str()).to_string();
        if let Some(first) = name.chars().next().filter(|first| first.is_ascii() && entropy.once_in(16)) {
            key = format!("\"\\u{:04x}{}\"", u32::from(first), name.get(1..).unwrap_or_default());
        }
        all.push(format!("{key}:{value}"));
        if entropy.once_in(16) {
            all.extend(all.first().cloned());
        }
    }
    if entropy.once_in(8) {
        all.push(format!("\"zzz\":{}", entropy.of(&NO_TEXT)));
    }
    if entropy.once_in(32) {
        all.extend((0..101).map(|number| format!("\"z{number}\":0")));
    }
    let separator = if entropy.once_in(16) { " ,\n\t" } else { "," };
    format!("{{{}}}", all.join(separator))
}

fn pairs(endpoint: &EndpointDescription, members: &[Asked], entropy: &mut Entropy<'_>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for Asked { name, shape } in members {
        let text = if let AskedShape::Input(at) = shape {
            endpoint.inputs.get(*at).map(|input| value(input, entropy)).unwrap_or_default()
        } else if let AskedShape::Literal(Value::String(text)) = shape {
            text.clone()
        } else {
            continue;
        };
        if !entropy.once_in(16) {
            all.push((name.clone(), text));
        }
        if entropy.once_in(16) {
            all.extend(all.first().cloned());
        }
    }
    all
}

fn form(endpoint: &EndpointDescription, members: &[Asked], entropy: &mut Entropy<'_>) -> String {
    let pairs = pairs(endpoint, members, entropy);
    let pair = |(name, text): (String, String)| format!("{}={}", escaped(&name, entropy), escaped(&text, entropy));
    pairs.into_iter().map(pair).collect::<Vec<_>>().join("&")
}

fn multipart(endpoint: &EndpointDescription, members: &[Asked], entropy: &mut Entropy<'_>) -> String {
    let mut text = String::new();
    for (name, value) in pairs(endpoint, members, entropy) {
        let file = if entropy.once_in(16) { "; filename=\"x\"" } else { "" };
        let end = if entropy.once_in(16) { "\n" } else { "\r\n" };
        text += &format!("--xYz{end}Content-Disposition: form-data; name=\"{name}\"{file}{end}{end}{value}{end}");
    }
    if !entropy.once_in(16) {
        text += "--xYz--\r\n";
    }
    text
}

fn damage(body: &mut Vec<u8>, entropy: &mut Entropy<'_>) {
    let at = entropy.below(body.len().max(1)).min(body.len());
    match entropy.below(8) {
        0 => body.truncate(at),
        1 => body.clear(),
        2 => body.splice(0..0, *b"\xef\xbb\xbf").for_each(drop),
        3 => body.extend_from_slice(b" x"),
        4 => body.splice(at..at, *b"\xc3\x28").for_each(drop),
        5 => *body = b"[".repeat(5_000),
        6 => body.splice(at..at, entropy.bytes(4).to_vec()).for_each(drop),
        _ => {
            if let Some(byte) = body.get_mut(at) {
                *byte ^= entropy.byte() | 1;
            }
        }
    }
}
