"""The network of the machines. As root each machine has one of its own behind a switch, so that it can be cut off; without,
all are addresses of the loopback network, and nobody is cut off.
"""

import os
import subprocess


def ip(*words, check=True):
    subprocess.run(["ip", *words], check=check, stdout=subprocess.DEVNULL, stderr=None if check else subprocess.DEVNULL)


class Network:
    """`names`: of the machines. Addresses are this run's own, so that two may run at once."""

    def __init__(self, names):
        number = os.getpid() % 250 + 1
        self.can_cut = os.geteuid() == 0
        prefix = f"{'10' if self.can_cut else '127'}.77.{number}"
        self.range = f"{prefix}.0/24"
        self.addresses = {name: f"{prefix}.{at}" for at, name in enumerate(names, 1)}
        # Of HAProxy and the Myna nodes, beside the machines.
        self.outside = f"{prefix}.100"
        # The kernel knows these names; they are short by its rules.
        self.switch = f"myna{number}"
        self.spaces = {name: f"myna{number}{name}" for name in names} if self.can_cut else {}

    def start(self):
        if not self.can_cut:
            return
        ip("link", "add", self.switch, "type", "bridge")
        ip("address", "add", f"{self.outside}/24", "dev", self.switch)
        ip("link", "set", self.switch, "up")
        for name, space in self.spaces.items():
            ip("netns", "add", space)
            ip("link", "add", space, "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("link", "set", space, "master", self.switch, "up")
            ip("-n", space, "address", "add", f"{self.addresses[name]}/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
            ip("-n", space, "link", "set", "lo", "up")

    def stop(self):
        for space in self.spaces.values():
            ip("link", "del", space, check=False)
            ip("netns", "del", space, check=False)
        if self.can_cut:
            ip("link", "del", self.switch, check=False)

    def inside(self, name):
        """What goes before a command so that it runs on a machine."""
        return ["ip", "netns", "exec", self.spaces[name]] if self.can_cut else []

    def cut(self, name):
        """Nothing comes in or out; nobody is told."""
        ip("link", "set", self.spaces[name], "down")

    def mend(self, name):
        ip("link", "set", self.spaces[name], "up")
