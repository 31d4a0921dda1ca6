//! The same answers and requests by hand: for each dialect the structs that somebody would write for serde. A dialect without
//! a rival here is measured alone.

use std::hint::black_box;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::sample::{REQUEST_ID, Sample};

/// How a login of a dialect is written and read by hand.
pub(crate) struct Rival {
    /// The dialect.
    pub(crate) name: &'static str,
    /// The answer to a login; `None` when the sample lacks a token.
    pub(crate) body: for<'a> fn(&'a Sample) -> Option<Body<'a>>,
    /// Reads a login's body; whether it could.
    pub(crate) read: fn(&[u8]) -> bool,
}

pub(crate) const RIVALS: &[Rival] = &[
    Rival { name: "gateway", body: gateway, read: read::<EmailLogin> },
    Rival { name: "ktor", body: ktor, read: read::<DeviceLogin> },
    Rival { name: "passport", body: passport, read: read::<EmailLogin> },
    Rival { name: "portal", body: portal, read: read::<UserLogin> },
    Rival { name: "spring", body: spring, read: read::<EmailLogin> },
    Rival { name: "wide", body: wide, read: read::<EmailLogin> },
];

fn read<T: DeserializeOwned>(body: &[u8]) -> bool {
    black_box(serde_json::from_slice::<T>(body)).is_ok()
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what counts is that they were read")]
struct EmailLogin {
    email: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "what counts is that they were read")]
struct DeviceLogin {
    device_id: String,
    email: String,
    password: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what counts is that they were read")]
struct UserLogin {
    user: String,
    password: String,
}

/// The answer of one dialect.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Body<'a> {
    Gateway(Gateway<'a>),
    Ktor(Ktor<'a>),
    Passport(Passport<'a>),
    Portal(Portal<'a>),
    Spring(Spring<'a>),
    Wide(Wide<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Gateway<'a> {
    customer: Customer<'a>,
    jwt: GatewayJwt<'a>,
    status_code: u16,
    status_message: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Customer<'a> {
    email: &'a str,
    first_name: &'a str,
    id: i64,
    last_name: &'a str,
    password: &'static str,
}

#[derive(Serialize)]
struct GatewayJwt<'a> {
    access_expire: i64,
    access_token: &'a str,
    refresh_after: i64,
}

fn gateway(sample: &Sample) -> Option<Body<'_>> {
    let (user, access) = (&*sample.user, sample.tokens.access.as_ref()?);
    let (issued, expires) = (access.issued_at.0, access.expires_at.0);
    Some(Body::Gateway(Gateway {
        customer: Customer {
            email: user.email.as_deref().unwrap_or_default(),
            first_name: user.first_name.as_deref().unwrap_or_default(),
            id: user.id.0,
            last_name: user.last_name.as_deref().unwrap_or_default(),
            password: "",
        },
        jwt: GatewayJwt {
            access_expire: access.expires_at.seconds(),
            access_token: &access.text,
            refresh_after: (issued + (expires - issued) / 2).div_euclid(1_000_000),
        },
        status_code: 200,
        status_message: "OK",
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ktor<'a> {
    id: i64,
    email: &'a str,
    role: &'a str,
    token: &'a str,
    refresh_token: &'a str,
}

fn ktor(sample: &Sample) -> Option<Body<'_>> {
    let user = &*sample.user;
    Some(Body::Ktor(Ktor {
        id: user.id.0,
        email: user.email.as_deref().unwrap_or_default(),
        role: user.roles.first().map_or("GUEST", |role| &role.name),
        token: &sample.tokens.access.as_ref()?.text,
        refresh_token: &sample.tokens.refresh.as_ref()?.text,
    }))
}

#[derive(Serialize)]
pub(crate) struct Passport<'a> {
    data: PassportData<'a>,
    message: &'static str,
    errors: Nothing,
    code: u16,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct PassportData<'a> {
    token_type: &'static str,
    expires_in: i64,
    access_token: &'a str,
    refresh_token: &'a str,
}

fn passport(sample: &Sample) -> Option<Body<'_>> {
    let (access, refresh) = (sample.tokens.access.as_ref()?, sample.tokens.refresh.as_ref()?);
    Some(Body::Passport(Passport {
        data: PassportData {
            token_type: "Bearer",
            expires_in: access.expires_at.seconds() - access.issued_at.seconds(),
            access_token: &access.text,
            refresh_token: &refresh.text,
        },
        message: "",
        errors: Nothing {},
        code: 200,
    }))
}

#[derive(Serialize)]
pub(crate) struct Portal<'a> {
    code: u16,
    result: PortalResult<'a>,
    redirect: &'static str,
}

#[derive(Serialize)]
struct PortalResult<'a> {
    token_type: &'static str,
    access_token: &'a str,
    access_token_expires_in: i64,
    refresh_token: &'a str,
    refresh_token_expires_in: i64,
}

fn portal(sample: &Sample) -> Option<Body<'_>> {
    let (access, refresh) = (sample.tokens.access.as_ref()?, sample.tokens.refresh.as_ref()?);
    Some(Body::Portal(Portal {
        code: 0,
        result: PortalResult {
            token_type: "Bearer",
            access_token: &access.text,
            access_token_expires_in: access.expires_at.seconds() - access.issued_at.seconds(),
            refresh_token: &refresh.text,
            refresh_token_expires_in: refresh.expires_at.seconds() - refresh.issued_at.seconds(),
        },
        redirect: "",
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spring<'a> {
    token: &'a str,
    token_prefix: &'static str,
    token_header: &'static str,
    expiration_ts: i64,
    user: SpringUser<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpringUser<'a> {
    id: i64,
    last_name: Option<&'a str>,
    first_name: Option<&'a str>,
    middle_name: Option<&'a str>,
    email: Option<&'a str>,
    role: SpringRole<'a>,
    photo: Option<&'a str>,
    status: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpringRole<'a> {
    id: Option<i64>,
    name: Option<&'a str>,
    application_role: &'a [String],
}

fn spring(sample: &Sample) -> Option<Body<'_>> {
    let (user, access) = (&*sample.user, sample.tokens.access.as_ref()?);
    let role = user.roles.first();
    Some(Body::Spring(Spring {
        token: &access.text,
        token_prefix: "Bearer ",
        token_header: "Authorization",
        expiration_ts: access.expires_at.seconds(),
        user: SpringUser {
            id: user.id.0,
            last_name: user.last_name.as_deref(),
            first_name: user.first_name.as_deref(),
            middle_name: user.middle_name.as_deref(),
            email: user.email.as_deref(),
            role: SpringRole {
                id: role.map(|role| role.id),
                name: role.map(|role| role.name.as_str()),
                application_role: role.map_or(&[], |role| &role.permissions),
            },
            photo: user.photo.as_deref(),
            status: user.status.name().to_uppercase(),
        },
    }))
}

#[derive(Serialize)]
pub(crate) struct Wide<'a> {
    token_type: &'static str,
    access_token: &'a str,
    access_expires_at: i64,
    access_expires_in: i64,
    refresh_after: i64,
    refresh_token: &'a str,
    refresh_expires_at: i64,
    refresh_expires_in: i64,
    request_id: &'a str,
    server_time: i64,
    status: u16,
    reason: &'static str,
    user: WideUser<'a>,
}

#[derive(Serialize)]
struct WideUser<'a> {
    id: i64,
    email: Option<&'a str>,
    username: Option<&'a str>,
    first_name: Option<&'a str>,
    middle_name: Option<&'a str>,
    last_name: Option<&'a str>,
    photo: Option<&'a str>,
    status: &'a str,
    must_change_password: bool,
    created_at: i64,
    updated_at: i64,
    role: WideRole<'a>,
}

#[derive(Serialize)]
struct WideRole<'a> {
    id: Option<i64>,
    name: Option<&'a str>,
    permissions: &'a [String],
}

fn wide(sample: &Sample) -> Option<Body<'_>> {
    let user = &*sample.user;
    let (access, refresh) = (sample.tokens.access.as_ref()?, sample.tokens.refresh.as_ref()?);
    let role = user.roles.first();
    let (issued, expires) = (access.issued_at.0, access.expires_at.0);
    Some(Body::Wide(Wide {
        token_type: "Bearer",
        access_token: &access.text,
        access_expires_at: access.expires_at.seconds(),
        access_expires_in: access.expires_at.seconds() - access.issued_at.seconds(),
        refresh_after: (issued + (expires - issued) / 2).div_euclid(1_000_000),
        refresh_token: &refresh.text,
        refresh_expires_at: refresh.expires_at.seconds(),
        refresh_expires_in: refresh.expires_at.seconds() - refresh.issued_at.seconds(),
        request_id: REQUEST_ID,
        server_time: sample.now.seconds(),
        status: 200,
        reason: "OK",
        user: WideUser {
            id: user.id.0,
            email: user.email.as_deref(),
            username: user.username.as_deref(),
            first_name: user.first_name.as_deref(),
            middle_name: user.middle_name.as_deref(),
            last_name: user.last_name.as_deref(),
            photo: user.photo.as_deref(),
            status: user.status.name(),
            must_change_password: user.must_change_password,
            created_at: user.created_at.seconds(),
            updated_at: user.updated_at.seconds(),
            role: WideRole {
                id: role.map(|role| role.id),
                name: role.map(|role| role.name.as_str()),
                permissions: role.map_or(&[], |role| &role.permissions),
            },
        },
    }))
}
