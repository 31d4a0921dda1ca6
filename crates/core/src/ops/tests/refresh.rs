//! Exchange a refresh token for its successor.

use super::*;
use crate::ops::refresh::{Facts, Input, Proof, decide};

fn input(generation: i64) -> Input {
    Input { id: session().id, generation, device: None, beside: None }
}

fn facts(session: Session) -> Facts {
    Facts { user: user(), session }
}

/// The session after the rotation from [`GENERATION`] at [`NOW`].
fn rotated() -> Session {
    Session { generation: GENERATION + 1, rotated_at: NOW, used_at: NOW, idle_expires_at: at(IDLE), ..session() }
}

fn rotation(idle_expires_at: Timestamp) -> Change {
    Change::RotateSession { id: session().id, while_generation: GENERATION, at: NOW, idle_expires_at }
}

fn refreshed(session: Session) -> Outcome {
    Outcome::signed_in(Kind::Refreshed, user(), session)
}

#[test]
fn the_current_token_rotates() {
    let around = Around::new();
    let decision = decide(&around.ctx(), &input(GENERATION), Some(&facts(session())), Proof::Genuine);
    assert_decided(&decision, &refreshed(rotated()), &[rotation(at(IDLE))], "rotate");
}

// What `no_rotation` loosens, and nothing else: the guard is that the session lives.
#[test]
fn an_answer_without_a_refresh_token_leaves_the_one_that_was_given() {
    let around = Around { shown: Shown { session: true, refresh: false }, ..Around::new() };
    let next = Session { used_at: NOW, idle_expires_at: at(IDLE), ..session() };
    let touch = Change::TouchSession { id: session().id, at: NOW, idle_expires_at: at(IDLE) };
    let decision = decide(&around.ctx(), &input(GENERATION), Some(&facts(session())), Proof::Genuine);
    assert_decided(&decision, &refreshed(next.clone()), std::slice::from_ref(&touch), "once");
    let decision = decide(&around.ctx(), &input(GENERATION), Some(&facts(next.clone())), Proof::Genuine);
    assert_decided(&decision, &refreshed(next), &[touch], "again");
    // RF-03: one that another endpoint has replaced is reuse here, too.
    let decision = decide(&around.ctx(), &input(GENERATION - 1), Some(&facts(session())), Proof::Genuine);
    let end = Change::EndSession { id: session().id, at: NOW, cause: EndCause::Reuse };
    assert_decided(&decision, &Outcome::plain(Kind::InvalidRefresh), &[end], "spent");
    for (case, session) in unusable_sessions() {
        let decision = decide(&around.ctx(), &input(GENERATION), Some(&facts(session)), Proof::Genuine);
        assert_refused(&decision, Kind::InvalidRefresh, &case);
    }
}

// RF-07
#[test]
fn a_rotation_moves_the_idle_limit_and_never_the_absolute_one() {
    for (left, idle_limit) in [(IDLE + 1, IDLE), (IDLE, IDLE), (IDLE - 1, IDLE - 1), (1, 1)] {
        let old = Session { expires_at: at(left), idle_expires_at: at(left.min(5)), ..session() };
        let next = Session { expires_at: at(left), idle_expires_at: at(idle_limit), ..rotated() };
        let around = Around::new();
        let decision = decide(&around.ctx(), &input(GENERATION), Some(&facts(old)), Proof::Genuine);
        assert_decided(&decision, &refreshed(next), &[rotation(at(idle_limit))], &format!("{left} s left"));
    }
}

// RF-07: whoever refreshes in time for ever is still out at the absolute limit.
#[test]
fn a_diligent_client_is_out_at_the_absolute_limit() {
    let mut session = session();
    let (end, mut now, mut uses) = (session.expires_at, NOW, 0);
    loop {
        let around = Around::at(now);
        let input = input(session.generation);
        let decision = decide(&around.ctx(), &input, Some(&facts(session.clone())), Proof::Genuine);
        let Some(grant) = decision.outcome.grant else { break };
        assert!(now < end && grant.session.idle_expires_at <= end && grant.session.expires_at == end);
        uses += 1;
        session = grant.session;
        now = if session.idle_expires_at == end && now != just_before(end) {
            just_before(end)
        } else {
            just_before(session.idle_expires_at).max(just_after(now))
        };
    }
    assert_eq!((now, uses), (end, 11));
}

// RF-02, RF-03
#[test]
fn a_spent_token_is_a_retry_only_as_the_predecessor_and_within_grace() {
    #[derive(Debug)]
    enum Then {
        Same,
        FamilyEnds,
    }
    let predecessor = GENERATION - 1;
    for (case, generation, rotated_at, then) in [
        ("two tabs", predecessor, NOW, Then::Same),
        ("retry", predecessor, at(-1), Then::Same),
        ("end of grace", predecessor, at(-GRACE), Then::Same),
        ("clock went back", predecessor, at(5), Then::Same),
        ("after grace", predecessor, just_before(at(-GRACE)), Then::FamilyEnds),
        ("long after grace", predecessor, at(-3000), Then::FamilyEnds),
        ("one older", predecessor - 1, NOW, Then::FamilyEnds),
        ("the first", 0, NOW, Then::FamilyEnds),
        ("never made", GENERATION + 1, NOW, Then::FamilyEnds),
        ("never made, far", i64::MAX, NOW, Then::FamilyEnds),
    ] {
        // A renewal just now opens no grace time again.
        let session = Session { rotated_at, used_at: NOW, ..session() };
        let around = Around::new();
        let decision = decide(&around.ctx(), &input(generation), Some(&facts(session.clone())), Proof::Genuine);
        match then {
            Then::Same => assert_decided(&decision, &refreshed(session), &[], case),
            Then::FamilyEnds => {
                // Only this one: the user's other devices are untouched.
                let end = Change::EndSession { id: session.id, at: NOW, cause: EndCause::Reuse };
                assert_decided(&decision, &Outcome::plain(Kind::InvalidRefresh), &[end], case);
            }
        }
    }
}

// RF-02: no grace, no retry, but for the same microsecond.
#[test]
fn a_dialect_without_grace_takes_no_retry() {
    let mut around = Around::new();
    around.terms.grace = Duration::ZERO;
    for (rotated_at, kind) in [(NOW, Kind::Refreshed), (just_before(NOW), Kind::InvalidRefresh)] {
        let session = Session { rotated_at, ..session() };
        let decision = decide(&around.ctx(), &input(GENERATION - 1), Some(&facts(session)), Proof::Genuine);
        assert_eq!(decision.outcome.kind, kind);
    }
}

// RF-02: the successor is one and the same however often it is asked for; R1 after R3 is reuse.
#[test]
fn a_token_has_one_successor() {
    let now = Around::new();
    let first = decide(&now.ctx(), &input(GENERATION), Some(&facts(session())), Proof::Genuine);
    let second = first.outcome.grant.clone().unwrap().session;
    for later in [0, 1, GRACE] {
        let around = Around::at(at(later));
        let again = decide(&around.ctx(), &input(GENERATION), Some(&facts(second.clone())), Proof::Genuine);
        assert_decided(&again, &first.outcome, &[], &format!("{later} s later"));
    }
    let next = decide(&now.ctx(), &input(GENERATION + 1), Some(&facts(second)), Proof::Genuine);
    let third = next.outcome.grant.unwrap().session;
    assert_eq!(third.generation, GENERATION + 2);
    let replay = decide(&now.ctx(), &input(GENERATION), Some(&facts(third)), Proof::Genuine);
    assert_eq!((replay.outcome.kind, replay.changes.len()), (Kind::InvalidRefresh, 1));
}

/// Refused whatever the generation: neither rotated nor retried, and nobody's family ends.
#[track_caller]
fn assert_refused_alike(input: &Input, facts: Option<&Facts>, proof: Proof, case: &str) {
    for generation in [0, GENERATION - 1, GENERATION, GENERATION + 1] {
        let input = Input { generation, device: input.device.clone(), ..*input };
        // A spent token would be within grace.
        let facts = facts.map(|Facts { user, session }| Facts {
            user: user.clone(),
            session: Session { rotated_at: NOW, used_at: NOW, ..session.clone() },
        });
        let decision = decide(&Around::new().ctx(), &input, facts.as_ref(), proof);
        assert_refused(&decision, Kind::InvalidRefresh, &format!("{case}, generation {generation}"));
    }
}

// Nobody ends or rotates a session with a token that we did not make.
#[test]
fn a_forged_or_unknown_token_is_refused() {
    let facts = facts(session());
    assert_refused_alike(&input(0), Some(&facts), Proof::Forged, "forged");
    assert_refused_alike(&input(0), None, Proof::Forged, "no session");
    assert_refused_alike(&input(0), None, Proof::Genuine, "session forgotten");
}

// RF-07, RF-10, RF-14
#[test]
fn a_dead_or_foreign_session_is_refused() {
    for (case, session) in unusable_sessions() {
        assert_refused_alike(&input(0), Some(&facts(session)), Proof::Genuine, &case);
    }
}

#[test]
fn a_session_lives_up_to_its_limits() {
    let last = just_after(NOW);
    let idle = Session { idle_expires_at: last, ..session() };
    let absolute = Session { idle_expires_at: last, expires_at: last, ..session() };
    for session in [idle, absolute] {
        let decision = decide(&Around::new().ctx(), &input(GENERATION), Some(&facts(session)), Proof::Genuine);
        assert_eq!(decision.outcome.kind, Kind::Refreshed);
    }
}

// RF-16, LG-07, LG-11
#[test]
fn a_disabled_user_is_refused() {
    let facts = Facts { user: disabled(), session: session() };
    assert_refused_alike(&input(0), Some(&facts), Proof::Genuine, "disabled");
}

// RF-10
#[test]
fn the_device_must_be_the_session_s() {
    let device = |name: Option<&str>| name.map(str::to_owned);
    for (stored, sent) in
        [(Some("phone"), Some("tablet")), (Some("phone"), Some("Phone")), (Some("phone"), None), (None, Some("phone"))]
    {
        let facts = facts(Session { device: device(stored), ..session() });
        let input = Input { device: device(sent), ..input(0) };
        assert_refused_alike(&input, Some(&facts), Proof::Genuine, &format!("{stored:?} {sent:?}"));
    }
    let with_phone = |session| Session { device: device(Some("phone")), ..session };
    let input = Input { device: device(Some("phone")), ..input(GENERATION) };
    let facts = facts(with_phone(session()));
    let decision = decide(&Around::new().ctx(), &input, Some(&facts), Proof::Genuine);
    assert_decided(&decision, &refreshed(with_phone(rotated())), &[rotation(at(IDLE))], "same device");
}

// RF-10: the pair belongs together.
#[test]
fn the_access_token_beside_must_be_of_the_session() {
    let other_user = SessionId { user: UserId(8), ..session().id };
    for (case, beside) in [("another session", id(0x12)), ("another user's", other_user)] {
        let input = Input { beside: Some(beside), ..input(0) };
        assert_refused_alike(&input, Some(&facts(session())), Proof::Genuine, case);
    }
    let input = Input { beside: Some(session().id), ..input(GENERATION) };
    let decision = decide(&Around::new().ctx(), &input, Some(&facts(session())), Proof::Genuine);
    assert_decided(&decision, &refreshed(rotated()), &[rotation(at(IDLE))], "its own");
}
