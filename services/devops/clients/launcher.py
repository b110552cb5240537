"""The program between the service and one step: it bounds the step's processes, and ends all of them when the step has
ended or the service is no more. Run by itself (`python -I -S`), so it imports nothing of ours.

Standard input is the lifeline: one line of JSON says what to run, and its end (the service's, whatever killed it) is
the end of every process that has come out of the step. How it went is written to the file descriptor in argv.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAPBSET_DROP = 24
NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000
"""CLONE_NEWNS, -NEWUTS, -NEWIPC, -NEWUSER, -NEWPID."""
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
CAPABILITIES = 64
WALLERS = 2
"""Processes that wait outside of a step's walls and within, and are none of the step's."""
LOOK_MILLIS = 50
"""How often processes are counted."""
LIFELINE = 0
NOT_STARTED = 127


def main() -> int:
    """0 when the step's outcome was written."""
    told = int(sys.argv[1])
    os.set_inheritable(told, False)
    wish = json.loads(_line())
    _prctl(PR_SET_CHILD_SUBREAPER)
    child = os.fork()
    if child == 0:
        _become(wish)
    outcome = _watched(child, wish["processes"] + (WALLERS if wish["walls"] else 0))
    os.write(told, outcome.encode())
    return 0


def _line() -> bytes:
    """The first line, and not a byte more."""
    read = bytearray()
    while not read.endswith(b"\n"):
        part = os.read(LIFELINE, 1 << 16)
        if not part:
            sys.exit(NOT_STARTED)
        read += part
    return bytes(read)


def _prctl(option: int, value: int = 1) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _become(wish: dict[str, Any]) -> None:
    """The step itself, in a session of its own, under its limits; never returns."""
    try:
        os.setsid()
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        mine = _mine()
        if wish["walls"]:
            _wall_in(wish["walls"]["hidden"], wish["walls"]["room"])
        _prctl(PR_SET_NO_NEW_PRIVS)
        os.chdir(wish["cwd"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), LIFELINE)
        os.umask(0o077)
        for name, value in wish["limits"].items():
            _limit(getattr(resource, name), value)
        if os.getuid():  # the system bounds all of a user's processes together, and those of root not at all
            _limit(resource.RLIMIT_NPROC, wish["processes"] + mine)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.execve(wish["argv"][0], wish["argv"], wish["env"])  # noqa: S606  # no shell between
    except (OSError, ValueError) as error:
        os.write(2, f"{wish['argv'][0]}: {error}\n".encode())
    finally:
        os._exit(NOT_STARTED)


def _wall_in(hidden: str, room: str) -> None:
    """Return in a process that sees no others but its own, nothing in the folder `hidden` but `room`, and that has no
    capability; whoever called this waits outside and ends as that process does.
    """
    uid, gid = os.getuid(), os.getgid()
    _libc("unshare", NAMESPACES)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123  # pathlib would be loaded for every step
            file.write(text)
    _libc("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    held = os.open(room, os.O_PATH | os.O_DIRECTORY)
    _libc("mount", b"tmpfs", os.fsencode(hidden), b"tmpfs", MS_NOSUID | MS_NODEV, b"size=64k,mode=755")
    os.makedirs(room, exist_ok=True)  # noqa: PTH103  # the same
    _libc("mount", b"/proc/self/fd/%d" % held, os.fsencode(room), None, MS_BIND, None)
    os.close(held)
    heard, told = os.pipe()
    if os.fork():
        os.close(told)
        _end_as(heard)
    os.close(heard)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _libc("mount", b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)
    step = os.fork()
    if step:
        _reap(step, told)
    os.close(told)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for capability in range(CAPABILITIES):
        _prctl(PR_CAPBSET_DROP, capability)


def _reap(step: int, told: int) -> None:
    """Be the first process within the walls: everybody's last parent, until the step has ended."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == step:
            os.write(told, b"%d" % os.waitstatus_to_exitcode(status))
            os._exit(0)


def _end_as(heard: int) -> None:
    """End as the step did, which is told here: by its code, or by its signal."""
    code = int(os.read(heard, 16) or b"%d" % NOT_STARTED)
    os.wait()
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _libc(name: str, *values: Any) -> None:
    """A function of the C library that fails with anything but 0: then nothing is begun."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*values):
        os.write(2, f"{name}: {os.strerror(ctypes.get_errno())}\n".encode())
        os._exit(NOT_STARTED)


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    most = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (most, most))


def _mine() -> int:
    """Threads that run as this user already: the system's bound counts them all."""
    found, me = 0, os.getuid()
    for pid in _pids():
        try:
            if os.stat(f"/proc/{pid}").st_uid == me:  # noqa: PTH116  # pathlib would be loaded for every step
                found += len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208  # the same
        except OSError:
            continue
    return found


def _pids() -> Iterator[int]:
    yield from (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208  # the same


def _watched(child: int, most: int) -> str:
    """Wait for the step's or the lifeline's end, and end what is left: `exit N`, `signal N`, `processes` or `cut`."""
    poll = select.poll()
    ended = os.pidfd_open(child)
    poll.register(ended, select.POLLIN)
    poll.register(LIFELINE, select.POLLIN)
    outcome = ""
    while not outcome:
        ready = {descriptor for descriptor, _ in poll.poll(LOOK_MILLIS)}
        if ended in ready:
            _, status = os.waitpid(child, 0)
            code = os.waitstatus_to_exitcode(status)
            outcome = f"exit {code}" if code >= 0 else f"signal {-code}"
        elif LIFELINE in ready and not os.read(LIFELINE, 1 << 12):
            outcome = "cut"
        elif len(_offspring()) > most:
            outcome = "processes"
    _end(child)
    return outcome


def _offspring() -> list[int]:
    """Every process that has come out of the step: orphans come back to this one."""
    parents: dict[int, list[int]] = {}
    for pid in _pids():
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  # the same
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        parents.setdefault(parent, []).append(pid)
    found, look = [], [os.getpid()]
    while look:
        children = parents.get(look.pop(), [])
        found += children
        look += children
    return found


def _end(child: int) -> None:
    """Kill until nobody is left: the whole group at one blow, then whoever left it."""
    for _ in range(1000):
        _kill(-child)
        for pid in _offspring():
            _kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
