"""What is done to the machines. Each fault is made, lasts, and is mended; names are those of the table."""

import signal
import time

import machines
import support
from machines import Cluster

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


def lasting(who, breaks, mends):
    """One machine is broken for long, and mended."""

    def fault(trial, since):
        machine = who(trial.cluster)
        breaks(trial.cluster, machine)
        trial.hold(LONG, since)
        mends(trial.cluster, machine)

    return fault


KILLED = (lambda _, machine: machine.kill(), lambda _, machine: machine.start())
FROZEN = (lambda _, machine: machine.freeze(), lambda _, machine: machine.thaw())
# It cannot know that it is no leader any more, and has to find that out by itself.
CUT_OFF = (lambda cluster, machine: cluster.network.cut(machine.name), lambda cluster, machine: cluster.network.mend(machine.name))
# PostgreSQL goes on alone and does not know that it is no leader any more.
PATRONI_FROZEN = (
    lambda _, machine: machines.send(signal.SIGSTOP, machine.folder, "patroni.yml"),
    lambda _, machine: machines.send(signal.SIGCONT, machine.folder, "patroni.yml"),
)


def postgresql_killed(trial, since):
    machines.end(trial.cluster.leader().folder / "data")
    trial.hold(15, since)


def switchover(trial, since):
    leader, standby = trial.cluster.leader(), trial.cluster.standby()
    leader.tell("/switchover", {"leader": leader.name, "candidate": standby.name})
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


def control(trial, since):
    """Without synchronous replication, a leader that sends nothing any more, and then dies: this has to lose."""
    cluster = trial.cluster
    leader = cluster.leader()
    leader.change({"synchronous_mode": False})
    if not support.until(lambda: cluster.sql("SHOW synchronous_standby_names") == "", 60):
        raise AssertionError("Patroni goes on with synchronous replication")
    machines.send(signal.SIGSTOP, leader.folder, "walsender")
    time.sleep(1)
    leader.kill()
    trial.hold(LONG, since)
    cluster.leader().change({"synchronous_mode": "quorum"})
    leader.start()


CONTROL = {"leader's machine killed, without synchronous replication": control}
ALL = {
    "nothing": nothing,
    "leader's machine killed": lasting(Cluster.leader, *KILLED),
    "leader's machine frozen 40 s": lasting(Cluster.leader, *FROZEN),
    "leader's PostgreSQL killed": postgresql_killed,
    "leader's Patroni frozen 40 s": lasting(Cluster.leader, *PATRONI_FROZEN),
    "leader's network cut 40 s": lasting(Cluster.leader, *CUT_OFF),
    "standby's machine killed": lasting(Cluster.standby, *KILLED),
    "standby's machine frozen 40 s": lasting(Cluster.standby, *FROZEN),
    "standby's network cut 40 s": lasting(Cluster.standby, *CUT_OFF),
    "switchover": switchover,
    "two of three etcd killed, 40 s": etcd_majority_lost,
    "HAProxy killed and started": haproxy_restarted,
    "second Myna node killed, started after 5 s": node_killed,
}
OF_THE_NETWORK = ("leader's network cut 40 s", "standby's network cut 40 s")
