import signal
import subprocess
import sys

PARENT = """
import os, signal, subprocess, sys, threading
from aibridge.listener.workers import keep_working

other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
other.kill()
os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
heard, said = os.pipe()

def work():
    os.write(said, b".")
    signal.pause()

def wait():
    os.read(heard, 1)
    print(other.wait(), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=wait).start()
keep_working(1, work)
"""


def test_another_child_that_ends_is_left_to_who_waits_for_it_and_begins_no_worker() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PARENT], capture_output=True, text=True, timeout=30, check=True
    )
    assert (done.stdout, done.stderr) == (f"{-signal.SIGKILL}\n", "")
