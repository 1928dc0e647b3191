"""Two logs exchange what they have, and a conflict is found and decided."""

import tempfile
from pathlib import Path

from causelog import Change, ChangeLog, ConflictDetector

with (
    tempfile.TemporaryDirectory() as directory,
    ChangeLog.open(Path(directory, "shop")) as shop,
    ChangeLog.open(Path(directory, "office")) as office,
):
    # The shop records an order, and the office takes in what it lacks.
    shop.append(Change.insert("orders", 42, {"qty": 1}))
    for transaction in shop.transactions(office.frontier()):
        office.append_remote(transaction)

    # Both change the order without having heard of each other.
    shop.append(Change.update("orders", 42, {"qty": 1}, {"qty": 2}))
    office.append(Change.update("orders", 42, {"qty": 1}, {"qty": 9}))
    for transaction in shop.transactions(office.frontier()):
        office.append_remote(transaction)

    # The office reads the row's history, sees that the two are concurrent, and lets the later one win.
    history = list(office.query(table="orders", row_id=42))
    for entry in history:
        print(entry.lsn, entry.operation, entry.vector_clock)
    _, ours, theirs = history
    print(ours.vector_clock.compare(theirs.vector_clock))  # concurrent
    detector = ConflictDetector("last_write_wins")
    if conflict := detector.detect(ours, theirs):
        print(detector.report(conflict))
