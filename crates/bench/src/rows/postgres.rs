//! Durable rotations over PostgreSQL: against pgbench with the same statements, two nodes against one, with very many users
//! against few, and what one of them costs on the way.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use myna_verify::postgres::{Postgres, USER, address, program};
use tokio::process::Command;

use super::{Bench, note, rate, refresh, settle};
use crate::load::{Pace, drive};
use crate::meter::Meter;
use crate::server::Server;
use crate::table::{Finding, Goal, figure, median, ratio};
use crate::world::{self, Cost};

const CLIENTS: usize = 64;
const FEW: &str = "few";
const MANY: &str = "many";
/// Rotations whose price on the way is taken.
const PRICED: u64 = 500;
/// What a refresh reads and writes, see `crates/store/src/load/session.rs` and `commit/sessions.rs`, for a session of its
/// own for each client of pgbench.
const SCRIPT: &str = "\\set user :client_id + 1\n\
    SELECT u.id, u.email, u.username, u.first_name, u.middle_name, u.last_name, u.photo, u.status, u.must_change_password, \
    u.attributes, u.created_at, u.updated_at, r.id AS role, r.name, r.permissions, s.handle, s.dialect, s.device, s.salt, \
    s.generation, s.created_at AS begun_at, s.used_at, s.idle_expires_at, s.expires_at, s.client_address, s.client_agent, \
    s.ended_at, s.end_cause, s.rotated_at, s.access_digest, s.access_digest_before \
    FROM session s JOIN user_account u ON u.id = s.user_id LEFT JOIN user_role ur ON ur.user_id = u.id \
    LEFT JOIN role r ON r.id = ur.role_id \
    WHERE s.user_id = :user AND s.handle = decode(lpad(to_hex((:user)::bigint), 32, '0'), 'hex') ORDER BY ur.role_id \\gset\n\
    UPDATE session SET generation = generation + 1, rotated_at = used_at + 1, used_at = used_at + 1, \
    idle_expires_at = idle_expires_at + 1 \
    WHERE user_id = :user AND handle = decode(lpad(to_hex((:user)::bigint), 32, '0'), 'hex') AND generation = :generation \
    AND ended_at IS NULL AND idle_expires_at > used_at AND expires_at > used_at;\n";
/// The sessions of the script: like one that a login began.
const SESSIONS: &str = "INSERT INTO session (user_id, handle, dialect, salt, generation, created_at, rotated_at, used_at, \
    idle_expires_at, expires_at) SELECT n, decode(lpad(to_hex(n), 32, '0'), 'hex'), dialect, salt, 0, created_at, \
    rotated_at, used_at, idle_expires_at, expires_at + 1000000000000 FROM generate_series(1, 64) n, \
    (SELECT * FROM session LIMIT 1) one";

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    note("postgres: starting one");
    let postgres = Postgres::start("").await?;
    let (few, users) = (bench.room("postgres-few")?.join("data"), super::USERS);
    world::populate(&few, users, Cost::DEFAULT).await?;
    fill(bench, &postgres, FEW, &few).await?;
    let (many, very_many) = bench.many_users().await?;
    note(&format!("postgres: copying {very_many} users"));
    fill(bench, &postgres, MANY, &many).await?;

    let one = serve(bench, "postgres-one", FEW, postgres.port())?;
    let other = serve(bench, "postgres-other", FEW, postgres.port())?;
    let large = serve(bench, "postgres-many", MANY, postgres.port())?;
    let mut single = refresh::clients(&one, CLIENTS as u64).await?;
    let mut double = refresh::clients(&one, CLIENTS as u64 / 2).await?;
    double.extend(refresh::clients(&other, CLIENTS as u64 / 2).await?);
    let mut crowd = refresh::clients(&large, CLIENTS as u64).await?;
    postgres.sql_in(FEW, SESSIONS).await?;
    let mut rounds = Vec::new();
    for round in 1..=bench.rounds() {
        note(&format!("postgres: round {round}"));
        let (back, alone) = drive(single, Pace::Closed, bench.span()).await?;
        single = back;
        settle().await;
        let rival = pgbench(&postgres, bench).await?;
        settle().await;
        let (back, both) = drive(double, Pace::Closed, bench.span()).await?;
        double = back;
        settle().await;
        let (back, crowded) = drive(crowd, Pace::Closed, bench.span()).await?;
        crowd = back;
        settle().await;
        rounds.push([alone.all_served()?.rate(), rival, both.all_served()?.rate(), crowded.all_served()?.rate()]);
    }
    let price = price(bench, &postgres).await?;
    for server in [one, other, large] {
        server.stop()?;
    }
    let middle = |pick: &dyn Fn(&[f64; 4]) -> f64| median(rounds.iter().map(pick).collect());
    let alone = rate(middle(&|round| round[0]));
    let mut findings = vec![
        ratio(
            "refreshes/s over PostgreSQL, durable, 64 clients",
            alone.clone(),
            format!("pgbench, the same statements: {}", rate(middle(&|round| round[1]))),
            middle(&|round| round[0] / round[1]),
            Goal::AtLeast(1.0),
        ),
        ratio(
            "the same by two nodes on these cores",
            rate(middle(&|round| round[2])),
            format!("by one: {alone}"),
            middle(&|round| round[2] / round[0]),
            Goal::AtLeast(0.8),
        ),
        ratio(
            &format!("the same with {very_many} users"),
            rate(middle(&|round| round[3])),
            format!("with {users}: {alone}"),
            middle(&|round| round[3] / round[0]),
            Goal::AtLeast(0.8),
        ),
    ];
    findings.extend(price);
    Ok(findings)
}

/// What a rotation that is alone costs between a node and its database.
async fn price(bench: &Bench, postgres: &Postgres) -> anyhow::Result<Vec<Finding>> {
    let meter = Meter::start(([127, 0, 0, 1], postgres.port()).into()).await?;
    let server = serve(bench, "postgres-priced", FEW, meter.port)?;
    let mut client = refresh::clients(&server, 1).await?.pop().context("a client")?;
    client.ask().await?;
    let before = meter.passed();
    for _ in 0..PRICED {
        client.ask().await?;
    }
    let after = meter.passed();
    server.stop()?;
    let each = |from: u64, to: u64| (to - from) as f64 / PRICED as f64;
    Ok(vec![
        figure("round trips of a refresh", each(before.trips, after.trips), "", Goal::AtMost(2.1)),
        figure("bytes of a refresh, both ways", each(before.bytes, after.bytes), " B", Goal::AtMost(4096.0)),
    ])
}

fn serve(bench: &Bench, room: &str, database: &str, port: u16) -> anyhow::Result<Server> {
    let (room, first) = (bench.room(room)?, bench.room("postgres-one")?.join("data/keys"));
    let data = room.join("data");
    // The same keys for all, as nodes have them that share a database.
    if first.exists() && !data.exists() {
        world::copy(&first, &data.join("keys"))?;
    }
    let address = address(&[port], USER, database);
    bench.serve_with(&room, &data, Cost::DEFAULT, &format!("database = \"{address}\""))
}

/// A database with the users of a data folder.
async fn fill(bench: &Bench, postgres: &Postgres, name: &str, from: &Path) -> anyhow::Result<()> {
    let to = postgres.database(name).await?;
    let from = format!("sqlite:{}", from.display());
    let mut copy = Command::new(bench.binary());
    copy.args(["store", "copy", "--from", &from, "--to", &to]).stdin(Stdio::null());
    let done = copy.output().await?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    postgres.sql_in(name, "VACUUM ANALYZE").await?;
    Ok(())
}

/// Transactions a second of as many clients as ours, each with a connection of its own.
async fn pgbench(postgres: &Postgres, bench: &Bench) -> anyhow::Result<f64> {
    let script = bench.room("postgres-few")?.join("refresh.sql");
    std::fs::write(&script, SCRIPT)?;
    let (clients, port) = (CLIENTS.to_string(), postgres.port().to_string());
    let seconds = (bench.span().counted.as_secs_f64().ceil()).to_string();
    let mut pgbench = program("pgbench");
    pgbench.args(["-h", "127.0.0.1", "-p", &port, "-U", USER, "-n", "-M", "prepared", "-j", "2", "-c", &clients]);
    pgbench.args(["-T", &seconds, "-f", "/dev/stdin", FEW]).stdin(std::fs::File::open(&script)?);
    let done = pgbench.output().await.context("pgbench")?;
    let text = String::from_utf8_lossy(&done.stdout);
    ensure!(done.status.success(), "{text}{}", String::from_utf8_lossy(&done.stderr));
    let line = text.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench tells no rate")?;
    Ok(line.split(' ').next().unwrap_or_default().parse()?)
}
