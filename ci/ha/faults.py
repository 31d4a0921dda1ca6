"""What is done to the machines. Each fault is made, lasts, and is mended; names are those of the table."""

import signal
import time

import machines
import support

# Longer than a leader's time, 20 s, and what follows it.
LONG = 40


class Trial:
    """What a fault may lay hands on."""

    def __init__(self, cluster, nodes, load):
        self.cluster, self.nodes, self.load = cluster, nodes, load

    def hold(self, seconds, since):
        """Waits so long, and until both nodes have acknowledged something after that."""
        time.sleep(seconds)
        support.until(lambda: all(self.load.record.last(node) > since + seconds for node in range(len(self.nodes))), 60)


def nothing(trial, since):
    trial.hold(10, since)


def leader_killed(trial, since):
    leader = trial.cluster.leader()
    leader.kill()
    trial.hold(LONG, since)
    leader.start()


def leader_frozen(trial, since):
    leader = trial.cluster.leader()
    leader.freeze()
    trial.hold(LONG, since)
    leader.thaw()


def postgresql_killed(trial, since):
    machines.end(trial.cluster.leader().folder / "data")
    trial.hold(15, since)


def patroni_frozen(trial, since):
    """PostgreSQL goes on alone and does not know that it is no leader any more."""
    leader = trial.cluster.leader()
    machines.send(signal.SIGSTOP, leader.folder, "patroni.yml")
    trial.hold(LONG, since)
    machines.send(signal.SIGCONT, leader.folder, "patroni.yml")


def standby_killed(trial, since):
    standby = trial.cluster.standby()
    standby.kill()
    trial.hold(LONG, since)
    standby.start()


def standby_frozen(trial, since):
    standby = trial.cluster.standby()
    standby.freeze()
    trial.hold(LONG, since)
    standby.thaw()


def switchover(trial, since):
    leader, standby = trial.cluster.leader(), trial.cluster.standby()
    answer = leader.post("/switchover", {"leader": leader.name, "candidate": standby.name})
    if answer.status != 200:
        raise AssertionError(f"Patroni refuses the switchover: {answer.text}")
    trial.hold(15, since)


def etcd_majority_lost(trial, since):
    lost = trial.cluster.machines[:2]
    for machine in lost:
        machines.end(machine.folder, "etcd.yml")
    trial.hold(LONG, since)
    for machine in lost:
        machine.start()


def haproxy_restarted(trial, since):
    trial.cluster.kill_proxy()
    trial.cluster.start_proxy()
    trial.hold(5, since)


def node_killed(trial, since):
    node = trial.nodes[1]
    node.kill()
    time.sleep(5)
    node.start()
    trial.hold(10, since)


ALL = {
    "nothing": nothing,
    "leader's machine killed": leader_killed,
    "leader's machine frozen 40 s": leader_frozen,
    "leader's PostgreSQL killed": postgresql_killed,
    "leader's Patroni frozen 40 s": patroni_frozen,
    "standby's machine killed": standby_killed,
    "standby's machine frozen 40 s": standby_frozen,
    "switchover": switchover,
    "two of three etcd killed, 40 s": etcd_majority_lost,
    "HAProxy killed and started": haproxy_restarted,
    "second Myna node killed, started after 5 s": node_killed,
}
