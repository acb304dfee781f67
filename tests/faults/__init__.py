"""The real thing under faults: processes killed, disks full, storage gone, clocks put on and back.

`site` starts the app, the worker and the database as processes; `people` are clients that send forms as a person does
and keep a ledger of what was acknowledged; `rounds` does the harm and compares the ledger with the database.
"""
