"""Kills and partitions on the real engine: processes that crash at every step, stand still, lose
the table, and have wrong clocks.

One idea a file:

    durable_engine.py   DynamoDB Local with its tables in files: killed, stopped, started again
    proxy.py            the network between: it drops, delays, repeats and cuts
    libfaketime.py      clocks that are set from outside
    journal.py          what a process saw, in a file that outlives its kill
    worker.py           a process that works until it is killed, by its role:
                        limits.py, slots.py, browsers.py; stalls.py tells when it stood still
    nursery.py          what workers are forked of
    fleet.py            several of them: started, killed, suspended, begun anew
    storyteller.py      so many seconds of faults, by chance and a seed
    trial.py            a story on a fleet, and what is to be said of it
    verdicts.py         the promises, by number, judged by the journals
    step_kills.py       a process that kills itself at its k-th step on the wire, for every k
    step_kill_verdicts.py   what is to be said of those
    long_form.py        ``python -m tests.engine.faults``: minutes of it, for bench/results
"""
