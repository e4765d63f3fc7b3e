"""Views as they occur in real sessions, and an engine that does nothing: for looking at the windows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic

from agent.port import (
    Access,
    Answer,
    ChatEntry,
    Notice,
    Phase,
    Question,
    Subscriber,
    Trouble,
    Unattended,
    Used,
    View,
    Visited,
)
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import Party
from beistand.protocol.records import Cause, InputCounts, Language
from beistand.protocol.terms import Technician, Terms

_CHAT: Mapping[Language, tuple[tuple[Party, str], ...]] = {
    "de": (
        (Party.TECHNICIAN, "Guten Tag, hier ist Anna Weber. Womit kann ich Ihnen helfen?"),
        (Party.CUSTOMER, "Der Drucker druckt nicht mehr."),
        (Party.TECHNICIAN, "Das sehen wir uns an. Ich frage Sie gleich, ob ich Ihren Bildschirm sehen darf."),
        (
            Party.CUSTOMER,
            "Ja, gern. Die Adresse ist https://drucker.example/einstellungen/" + "warteschlange" * 4,
        ),
        (Party.CUSTOMER, "Danke!"),
    ),
    "en": (
        (Party.TECHNICIAN, "Hello, this is Anna Weber. What can I do for you?"),
        (Party.CUSTOMER, "The printer does not print any more."),
        (Party.TECHNICIAN, "Let us have a look. I will ask you in a moment whether I may see your screen."),
        (Party.CUSTOMER, "Yes, please. The address is https://printer.example/settings/" + "printqueue" * 5),
        (Party.CUSTOMER, "Thank you!"),
    ),
}
_REASONS: Mapping[Language, str] = {
    "de": "Ich möchte die Einstellungen Ihres Druckers ansehen.",
    "en": "I would like to look at the settings of your printer.",
}
_LONG_REASONS: Mapping[Language, str] = {
    "de": (
        "Ich möchte mir die Druckereinstellungen und die Warteschlange ansehen, danach gemeinsam mit Ihnen "
        "den Treiber neu einrichten und eine Testseite drucken. Dafür öffnen wir die Systemeinstellungen, "
        "den Gerätemanager und das Herstellerprogramm. Das dauert zwanzig Minuten, Sie sehen jeden Schritt."
    ),
    "en": (
        "I would like to look at the printer settings and the queue, then set up the driver again together "
        "with you and print a test page. For this we open the system settings, the device manager and the "
        "program of the manufacturer. It takes about twenty minutes, and you see every single step of it all."
    ),
}

_RECEIPT = "/home/erika/.local/state/beistand-agent/receipts/2026-11-23-fUqnYq5HTVmGkQ1p2s3t4u.json"


class StillEngine:
    """Satisfies `agent.port.Engine` and does nothing at all."""

    def look_up(self, code: str) -> None:
        """Nothing."""

    def join(self) -> None:
        """Nothing."""

    def decline(self) -> None:
        """Nothing."""

    def answer(self, request_id: str, answer: Answer, *, text: str, language: Language) -> None:
        """Nothing."""

    def hold_input(self, holder: str) -> None:
        """Nothing."""

    def release_input(self, holder: str) -> None:
        """Nothing."""

    def indicator_shown(self, *, visible: bool) -> None:
        """Nothing."""

    def stop_sharing(self) -> None:
        """Nothing."""

    def stop_control(self) -> None:
        """Nothing."""

    def ask_end(self) -> None:
        """Nothing."""

    def cancel_end(self) -> None:
        """Nothing."""

    def confirm_end(self) -> None:
        """Nothing."""

    def pause_unattended(self) -> None:
        """Nothing."""

    def resume_unattended(self) -> None:
        """Nothing."""

    def withdraw_unattended(self) -> None:
        """Nothing."""

    def seen(self, notice: str) -> None:
        """Nothing."""

    def send_chat(self, text: str) -> None:
        """Nothing."""

    def start_over(self) -> None:
        """Nothing."""

    def own_window(self, window: int) -> None:
        """Nothing."""

    def set_language(self, language: Language) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""

    def subscribe(self, subscriber: Subscriber) -> None:
        """Nothing."""


def views(language: Language, now: datetime) -> Mapping[str, View]:
    """File name -> view, in the order a session goes through them."""
    code = View()
    confirm = View(phase=Phase.CONFIRM, organisation="Stadtbibliothek Musterstadt", technician="Anna Weber")
    session = replace(confirm, phase=Phase.SESSION)
    talking = replace(session, chat=_chat(language, now))
    viewing = replace(
        talking, accesses=(_access(Capability.VIEW, now),), indicator_wanted=True, stop_key=True
    )
    controlled = replace(viewing, accesses=(*viewing.accesses, _access(Capability.CONTROL, now)))
    ended = replace(confirm, phase=Phase.ENDED)
    return {
        "01-code": code,
        "02-code-problem": replace(code, problem="code_refused"),
        "03-looking-up": replace(code, phase=Phase.LOOKING_UP),
        "04-confirm": confirm,
        "05-joining": replace(confirm, phase=Phase.JOINING),
        "06-session-new": session,
        "07-session-chat": talking,
        "08-ask-view": replace(talking, questions=(_question(Capability.VIEW, _REASONS[language]),)),
        "09-preparing": replace(talking, indicator_wanted=True),
        "10-viewing": viewing,
        "11-ask-control": replace(viewing, questions=(_question(Capability.CONTROL, _REASONS[language]),)),
        "12-controlled": controlled,
        "13-ending": replace(controlled, confirming_end=True),
        "14-stopped": replace(talking, notices=(Notice.SHARING_STOPPED,)),
        "15-reconnecting": replace(talking, phase=Phase.RECONNECTING, notices=(Notice.DELIVERY_PENDING,)),
        "16-ended-customer": replace(
            ended, ended_by=Party.CUSTOMER, ended_cause=Cause.END_SESSION, receipt=_RECEIPT, used=_USED
        ),
        "17-ended-technician": replace(ended, ended_by=Party.TECHNICIAN, ended_cause=Cause.TECHNICIAN),
        "18-ended-lost": replace(
            ended, ended_by=Party.SYSTEM, ended_cause=Cause.AGENT_LOST, problem="unavailable"
        ),
        "19-long": _long(controlled, language),
        "20-two-helpers": _two(controlled),
        "21-hand-first": replace(controlled, hand_first=True),
        "22-no-stop-key": replace(controlled, stop_key=False),
        **_unattended(talking, viewing, language, now),
    }


_DONE = InputCounts(moves=211, clicks=14, wheel_steps=3, keys=120)
_USED = (
    Used(Capability.CONTROL, "Anna Weber", 131, InputCounts(clicks=14, keys=120, characters=35)),
    Used(Capability.VIEW, "Anna Weber", 410, InputCounts()),
    Used(Capability.VIEW, "Boris Çelik", 0, InputCounts()),
)


def _unattended(talking: View, viewing: View, language: Language, now: datetime) -> Mapping[str, View]:
    """Everything about access without the person, from the question to the news of it."""
    organisation = "Stadtbibliothek Musterstadt"
    wide = Terms(until=now + timedelta(days=14))
    narrow = Terms(
        technicians=(Technician(id="sample-technician-0001", name="Anna Weber"),),
        until=now + timedelta(days=5),
        days=(0, 1, 2, 3, 4),
        from_minute=8 * 60,
        to_minute=17 * 60 + 30,
    )
    question = _question(Capability.UNATTENDED, _REASONS[language])
    standing = Unattended(organisation, narrow, now, online=True)
    home = View(unattended=standing)
    visit = replace(viewing, is_unattended=True, visit_reason=_REASONS[language], unattended=standing)
    began = now - timedelta(hours=7)
    visited = Visited(
        id="sample-visit",
        organisation=organisation,
        technician="Anna Weber",
        reason=_REASONS[language],
        began=began,
        ended=began + timedelta(minutes=11),
        used=_USED[:2],
        receipt=_RECEIPT,
    )
    return {
        "23-ask-unattended": replace(talking, questions=(replace(question, terms=wide),)),
        "24-ask-unattended-narrow": replace(
            talking, questions=(replace(question, request_id="sample-narrow", terms=narrow),)
        ),
        "25-standing": home,
        "26-standing-paused": View(unattended=Unattended(organisation, wide, now, paused=True)),
        "27-visit-connected": replace(visit, accesses=(), indicator_wanted=False),
        "28-visit-viewing": visit,
        "29-told-visit": replace(home, visited=(visited, replace(visited, id="sample-visit-2"))),
        "30-told-trouble": View(troubles=(Trouble.CLONED,)),
    }


def _long(controlled: View, language: Language) -> View:
    technician = "Dr. Maximiliane-Friederike von Hohenzollern-Sigmaringen-Wittelsbach"
    organisation = "Gemeinnützige Gesellschaft für digitale Nachbarschaftshilfe Musterstadt-Süd mbH & Co. KG"
    question = replace(
        _question(Capability.CONTROL, _LONG_REASONS[language]),
        technician=technician,
        organisation=organisation,
    )
    accesses = tuple(replace(access, technician=technician) for access in controlled.accesses)
    return replace(
        controlled,
        technician=technician,
        organisation=organisation,
        accesses=accesses,
        questions=(question,),
        notices=(Notice.DELIVERY_PENDING,),
        problem="rate_limited",
    )


def _two(controlled: View) -> View:
    """A second technician, who only just began."""
    second = (replace(access, grant_id=f"{access.grant_id}-2") for access in controlled.accesses)
    fresh = (
        replace(access, technician="Boris Çelik", lasted_s=20, input=InputCounts(keys=1)) for access in second
    )
    return replace(controlled, accesses=(*controlled.accesses, *fresh))


def _question(capability: Capability, reason: str) -> Question:
    return Question(
        request_id=f"sample-{capability}-{len(reason)}",
        capability=capability,
        organisation="Stadtbibliothek Musterstadt",
        technician="Anna Weber",
        reason=reason,
        duration_s=3600,
        answer_within_s=60,
        deadline=monotonic() + 54,
    )


def _access(capability: Capability, now: datetime) -> Access:
    return Access(
        grant_id=f"sample-{capability}",
        capability=capability,
        technician="Anna Weber",
        since=now - timedelta(minutes=3, seconds=12),
        seconds_left=3400,
        lasted_s=192,
        input=_DONE if capability is Capability.CONTROL else InputCounts(),
    )


def _chat(language: Language, now: datetime) -> tuple[ChatEntry, ...]:
    said = _CHAT[language]
    return tuple(
        ChatEntry(
            id=str(number),
            party=party,
            author="Anna Weber" if party is Party.TECHNICIAN else "",
            text=text,
            at=now - timedelta(minutes=len(said) - number),
            delivered=number < len(said) - 1,
        )
        for number, (party, text) in enumerate(said)
    )
