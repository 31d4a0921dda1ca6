//! See and end one's sessions.

use super::*;
use crate::ops::bearer::Facts;
use crate::ops::sessions::{Input, decide_end, decide_end_others, decide_list, decide_logout_everywhere};
use crate::outcome::Listed;

fn facts(session: Session) -> Facts {
    Facts { known: known(user()), session }
}

fn bearer() -> Bearer {
    Bearer::Session(session().id)
}

/// The asking session, one of another dialect on a phone, one more on a phone.
fn sessions() -> Vec<Session> {
    let phone = || Some("phone".to_owned());
    let south = Session { id: id(0x12), dialect: "south".to_owned(), device: phone(), ..session() };
    vec![session(), south, Session { id: id(0x13), device: phone(), ..session() }]
}

fn asked(session: Option<&str>, device: Option<&str>) -> Input {
    Input { session: session.map(str::to_owned), device: device.map(str::to_owned) }
}

const fn end(byte: u8) -> Change {
    Change::EndSession { id: id(byte), at: NOW, cause: EndCause::Logout }
}

#[test]
fn every_live_session_is_listed_and_the_asking_one_marked() {
    let around = Around::new();
    let mut all = sessions();
    all.push(Session { id: id(0x14), idle_expires_at: NOW, ..session() });
    let decision = decide_list(&around.ctx(), &bearer(), Some(&facts(session())), all);
    let listed = |(session, is_current)| Listed { session, is_current };
    let expected = sessions().into_iter().zip([true, false, false]).map(listed).collect();
    assert_decided(&decision, &Outcome::sessions_listed(user(), expected), &[], "list");
}

#[test]
fn a_session_is_ended_by_its_id_or_its_device() {
    let around = Around::new();
    let hex = |byte: u8| format!("{byte:02x}").repeat(16);
    for (case, input, ended) in [
        ("the own one", asked(Some(&hex(0x11)), None), vec![end(0x11)]),
        ("one of another dialect", asked(Some(&hex(0x12)), None), vec![end(0x12)]),
        ("all of a device", asked(None, Some("phone")), vec![end(0x12), end(0x13)]),
        ("both", asked(Some(&hex(0x13)), Some("phone")), vec![end(0x13)]),
    ] {
        let decision = decide_end(&around.ctx(), &input, &bearer(), Some(&facts(session())), &sessions());
        let mut changes = vec![Change::KeepSession { id: session().id, at: NOW }];
        changes.extend(ended);
        assert_decided(&decision, &Outcome::plain(Kind::SessionEnded), &changes, case);
    }
}

// RF-11: one answer, whether the session is somebody else's, over, or never was; and nothing changes.
#[test]
fn what_is_no_live_session_of_the_bearer_is_unknown() {
    let around = Around::new();
    let hex = |byte: u8| format!("{byte:02x}").repeat(16);
    let theirs = Session { id: SessionId { user: UserId(8), handle: Handle([0x15; 16]) }, ..session() };
    let dead = Session { id: id(0x16), device: Some("tablet".to_owned()), expires_at: NOW, ..session() };
    let ended = Session { id: id(0x17), ended: Some((at(-1), EndCause::Cap)), ..session() };
    let all = [sessions(), vec![theirs, dead, ended]].concat();
    for (case, input) in [
        ("somebody else's", asked(Some(&hex(0x15)), None)),
        ("expired", asked(Some(&hex(0x16)), None)),
        ("expired, by device", asked(None, Some("tablet"))),
        ("ended", asked(Some(&hex(0x17)), None)),
        ("nobody's", asked(Some(&hex(0x99)), None)),
        ("no handle", asked(Some("1"), None)),
        ("in capitals", asked(Some(&hex(0xab).to_uppercase()), None)),
        ("no device", asked(None, Some("Phone"))),
        ("on another device", asked(Some(&hex(0x11)), Some("phone"))),
    ] {
        let decision = decide_end(&around.ctx(), &input, &bearer(), Some(&facts(session())), &all);
        assert_refused(&decision, Kind::UnknownSession, case);
    }
}

#[test]
fn nothing_is_ended_unasked() {
    for (case, given, wanted, expected) in [
        ("nothing", inputs(&[]), Field::SessionId, vec![missing(Field::SessionId)]),
        ("no device", inputs(&[]), Field::Device, vec![missing(Field::Device)]),
        (
            "a device of control characters",
            inputs(&[(Field::Device, "a\u{7}")]),
            Field::Device,
            vec![problem(Field::Device, ProblemKind::NotText)],
        ),
    ] {
        assert_eq!(refused(Input::parse(&given, wanted)), expected, "{case}");
    }
    let Ok(input) = Input::parse(&inputs(&[(Field::Device, "phone")]), Field::SessionId) else { panic!("refused") };
    assert_eq!((input.session, input.device.as_deref()), (None, Some("phone")));
}

#[test]
fn the_others_end_or_all() {
    let around = Around::new();
    let all = |except| Change::EndSessions { user: USER, except, at: NOW, cause: EndCause::Logout };
    let own = session().id;
    let others = decide_end_others(&around.ctx(), &bearer(), Some(&facts(session())));
    let changes = [Change::KeepSession { id: own, at: NOW }, all(Some(own.handle))];
    assert_decided(&others, &Outcome::plain(Kind::SessionsEnded), &changes, "others");
    let everywhere = decide_logout_everywhere(&around.ctx(), &bearer(), Some(&facts(session())));
    assert_decided(&everywhere, &Outcome::plain(Kind::SignedOut), &[end(0x11), all(None)], "all");
}

// RF-10, RF-14, LG-11
#[test]
fn a_token_that_is_over_sees_and_ends_nothing() {
    let around = Around::new();
    let mut cases: Vec<_> =
        unusable_sessions().into_iter().map(|(case, session)| (case, Some(facts(session)))).collect();
    cases.push(("nobody".to_owned(), None));
    cases.push(("disabled".to_owned(), Some(Facts { known: known(disabled()), ..facts(session()) })));
    cases.push(("another session".to_owned(), Some(facts(Session { id: id(0x12), ..session() }))));
    for (case, facts) in cases {
        let (ctx, bearer, facts) = (around.ctx(), bearer(), facts.as_ref());
        let input = asked(None, Some("phone"));
        for decision in [
            decide_list(&ctx, &bearer, facts, sessions()),
            decide_end(&ctx, &input, &bearer, facts, &sessions()),
            decide_end_others(&ctx, &bearer, facts),
            decide_logout_everywhere(&ctx, &bearer, facts),
        ] {
            assert_refused(&decision, Kind::InvalidToken, &case);
        }
    }
}
