"""Every case, in the order of the laws (README, "The laws"); one module per law."""

from beistand.conformance.case import Case
from beistand.conformance.laws import (
    buttons,
    device_decides,
    end,
    ledger_first,
    one_grant,
    pause,
    receipt,
    stale,
    stop,
    unknown,
)

LAWS = (
    (1, "The customer's device decides", device_decides.CASES),
    (2, "Grants wait for the ledger; revocations wait for nothing", ledger_first.CASES),
    (3, "Stop starts on the device", stop.CASES),
    (4, "A grant is for one session, one technician, one capability", one_grant.CASES),
    (5, "Stale traffic has nobody listening", stale.CASES),
    (6, "Everything unknown is a no", unknown.CASES),
    (7, "A question never leaves media flowing", pause.CASES),
    (8, "The technician cannot press the customer's buttons", buttons.CASES),
    (9, "The customer sees everything", receipt.CASES),
    (10, "A confirmed end is an end", end.CASES),
)
"""Number, short name, cases."""

CASES: tuple[Case, ...] = tuple(case for _, _, cases in LAWS for case in cases)
