//! Exchange a refresh token for its successor.

use super::*;
use crate::change::Reuse;
use crate::ops::refresh::{Facts, Input, Proof, decide};

const PROFILES: [Rotation; 4] =
    [Rotation::Replay { grace: seconds(GRACE) }, Rotation::UntilUsed, Rotation::Strict, Rotation::Fixed];

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

/// The end of [`session`], of which a token of the generation `presented` came back.
fn reuse(presented: i64) -> Change {
    Change::EndReused(Reuse { id: session().id, at: NOW, presented, current: GENERATION })
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
    assert_decided(&decision, &Outcome::plain(Kind::InvalidRefresh), &[reuse(GENERATION - 1)], "spent");
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
    for rotation in PROFILES {
        use_up_to_the_end(rotation);
    }
}

fn use_up_to_the_end(rotation: Rotation) {
    let mut session = session();
    let (end, mut now, mut uses) = (session.expires_at, NOW, 0);
    loop {
        let around = Around { now, ..Around::rotating(rotation) };
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
    assert_eq!((now, uses), (end, 11), "{rotation:?}");
}

// RF-07, F16: the absolute limit is a moment that nothing moves, the idle limit is never later than one idle time after
// a use, and once the clock is past either nobody is let in, neither with the current token nor with a retry.
#[test]
fn a_clock_that_steps_back_moves_no_limit() {
    for rotation in PROFILES {
        let mut session = session();
        let end = session.expires_at;
        for step in [0, 1800, -7200, -60, 3000, 90, -86_400, 1] {
            let now = Timestamp(session.used_at.0 + step * 1_000_000);
            let around = Around { now, ..Around::rotating(rotation) };
            let decision = decide(&around.ctx(), &input(session.generation), Some(&facts(session)), Proof::Genuine);
            session = decision.outcome.grant.expect("a live session").session;
            assert_eq!((session.expires_at, session.used_at), (end, now), "{rotation:?}, {step} s");
            assert!(session.idle_expires_at <= now + seconds(IDLE) && session.idle_expires_at <= end);
            for late in [session.idle_expires_at, end] {
                let around = Around { now: late, ..Around::rotating(rotation) };
                for generation in [session.generation, session.generation - 1] {
                    let decision =
                        decide(&around.ctx(), &input(generation), Some(&facts(session.clone())), Proof::Genuine);
                    assert_refused(&decision, Kind::InvalidRefresh, &format!("{rotation:?}, {step} s, {generation}"));
                }
            }
        }
    }
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
        ("end of grace", predecessor, just_after(at(-GRACE)), Then::Same),
        ("clock went back", predecessor, just_before(at(GRACE)), Then::Same),
        ("clock went far back", predecessor, at(GRACE), Then::FamilyEnds),
        ("after grace", predecessor, at(-GRACE), Then::FamilyEnds),
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
                let end = reuse(generation);
                assert_decided(&decision, &Outcome::plain(Kind::InvalidRefresh), &[end], case);
            }
        }
    }
}

// RF-02, RF-03: how long after its rotation the predecessor is a retry, by profile; after that the family ends.
#[test]
fn a_profile_says_how_long_a_predecessor_is_a_retry() {
    const DAY: i64 = 24 * 3600;
    for (rotation, taken, too_late) in [
        (Rotation::Replay { grace: seconds(GRACE) }, &[0, 1, GRACE - 1][..], &[GRACE, 3000, DAY][..]),
        (Rotation::Replay { grace: seconds(60) }, &[0, GRACE, 59], &[60]),
        (Rotation::Replay { grace: Duration::ZERO }, &[], &[0, 1]),
        (Rotation::UntilUsed, &[0, GRACE, 59, 60, 3000, DAY - 1], &[DAY, DAY + 1]),
        (Rotation::Strict, &[], &[0, 1, GRACE]),
        (Rotation::Fixed, &[], &[0, 1, GRACE]),
    ] {
        let around = Around::rotating(rotation);
        for ago in taken.iter().chain(too_late) {
            let session = Session { rotated_at: at(-ago), ..session() };
            let known = facts(session.clone());
            let decision = decide(&around.ctx(), &input(GENERATION - 1), Some(&known), Proof::Genuine);
            let case = format!("{rotation:?}, {ago} s");
            if taken.contains(ago) {
                // RF-07: a late retry is a use; the window it came through stays where it was.
                let next = Session { used_at: NOW, idle_expires_at: at(IDLE), ..session.clone() };
                let touch = Change::TouchSession { id: session.id, at: NOW, idle_expires_at: at(IDLE) };
                match *ago < 60 {
                    true => assert_decided(&decision, &refreshed(session), &[], &case),
                    false => assert_decided(&decision, &refreshed(next), &[touch], &case),
                }
            } else {
                let end = reuse(GENERATION - 1);
                assert_decided(&decision, &Outcome::plain(Kind::InvalidRefresh), &[end], &case);
            }
            // Two rotations back there is no retry, whatever the profile.
            let decision = decide(&around.ctx(), &input(GENERATION - 2), Some(&known), Proof::Genuine);
            assert_eq!((decision.outcome.kind, decision.changes.len()), (Kind::InvalidRefresh, 1), "{case}");
        }
    }
}

// RF-01, RF-02: the successor is one and the same however often it is asked for; R1 after R3 is reuse.
#[test]
fn a_token_has_one_successor() {
    for rotation in [Rotation::Replay { grace: seconds(GRACE) }, Rotation::UntilUsed] {
        let now = Around::rotating(rotation);
        let first = decide(&now.ctx(), &input(GENERATION), Some(&facts(session())), Proof::Genuine);
        let second = first.outcome.grant.clone().unwrap().session;
        for later in [0, 1, GRACE - 1] {
            let around = Around { now: at(later), ..Around::rotating(rotation) };
            let again = decide(&around.ctx(), &input(GENERATION), Some(&facts(second.clone())), Proof::Genuine);
            assert_decided(&again, &first.outcome, &[], &format!("{rotation:?}, {later} s later"));
        }
        let next = decide(&now.ctx(), &input(GENERATION + 1), Some(&facts(second)), Proof::Genuine);
        let third = next.outcome.grant.unwrap().session;
        assert_eq!(third.generation, GENERATION + 2);
        let replay = decide(&now.ctx(), &input(GENERATION), Some(&facts(third)), Proof::Genuine);
        assert_eq!((replay.outcome.kind, replay.changes.len()), (Kind::InvalidRefresh, 1));
    }
}

// For clients that cannot store a new token: the one that they have is shown again, and its session goes on.
#[test]
fn a_fixed_token_stays_good_though_the_answer_shows_one() {
    let around = Around::rotating(Rotation::Fixed);
    let next = Session { used_at: NOW, idle_expires_at: at(IDLE), ..session() };
    let touch = Change::TouchSession { id: session().id, at: NOW, idle_expires_at: at(IDLE) };
    for session in [session(), next.clone()] {
        let decision = decide(&around.ctx(), &input(GENERATION), Some(&facts(session)), Proof::Genuine);
        assert_decided(&decision, &refreshed(next.clone()), std::slice::from_ref(&touch), "again and again");
    }
}

/// Refused whatever the generation: neither rotated nor retried, and nobody's family ends.
#[track_caller]
fn assert_refused_alike(input: &Input, facts: Option<&Facts>, proof: Proof, case: &str) {
    for generation in [0, GENERATION - 1, GENERATION, GENERATION + 1] {
        let input = Input { id: input.id, generation, device: input.device.clone(), beside: input.beside.clone() };
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
    let (eve, gone) = (UserId(8), Canonical::of("eve").unwrap());
    for (case, beside) in [
        ("another session", Bearer::Session(id(0x12))),
        ("another user's", Bearer::Session(other_user)),
        ("another user's, by id", Bearer::User(eve, TOKEN)),
        ("another user's, by name", Bearer::Named(gone, TOKEN)),
    ] {
        let input = Input { beside: Some(beside), ..input(0) };
        assert_refused_alike(&input, Some(&facts(knowing(Some(TOKEN), None))), Proof::Genuine, case);
    }
    let input = Input { beside: Some(Bearer::Session(session().id)), ..input(GENERATION) };
    let decision = decide(&Around::new().ctx(), &input, Some(&facts(session())), Proof::Genuine);
    assert_decided(&decision, &refreshed(rotated()), &[rotation(at(IDLE))], "its own");
}

// RF-02, RF-03, RF-10: the same for a token that the session knows; a pair that it has forgotten is a copy.
#[test]
fn the_access_token_beside_is_one_that_the_session_knows() {
    for bearer in nameless() {
        let beside = |generation| Input { beside: Some(bearer.clone()), ..input(generation) };
        let strange = Some(facts(knowing(Some(NEXT_TOKEN), None)));
        let decision = decide(&Around::new().ctx(), &beside(GENERATION), strange.as_ref(), Proof::Genuine);
        assert_refused(&decision, Kind::InvalidRefresh, "of no session");
        for known in [knowing(Some(TOKEN), None), knowing(Some(NEXT_TOKEN), Some(TOKEN))] {
            let next = Session { access: known.access, ..rotated() };
            let decision = decide(&Around::new().ctx(), &beside(GENERATION), Some(&facts(known)), Proof::Genuine);
            assert_decided(&decision, &refreshed(next), &[rotation(at(IDLE))], "known");
        }
        for before in [TOKEN, NEXT_TOKEN] {
            let retried = Session { rotated_at: NOW, ..knowing(Some(NEXT_TOKEN), Some(before)) };
            let retry =
                decide(&Around::new().ctx(), &beside(GENERATION - 1), Some(&facts(retried.clone())), Proof::Genuine);
            assert_decided(&retry, &refreshed(retried), &[], "an honest retry");
        }
        let copy = decide(&Around::new().ctx(), &beside(GENERATION - 2), strange.as_ref(), Proof::Genuine);
        let end = [reuse(GENERATION - 2)];
        assert_decided(&copy, &Outcome::plain(Kind::InvalidRefresh), &end, "a pair from long ago");
    }
}
