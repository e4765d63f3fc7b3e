"""The shape of everything the windows say: one field per text, so a table that lacks one does not type-check.

Placeholders are str.format fields. Nothing here is ever read as rich text.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.install.rights import Answer
from agent.port import Notice, Trouble
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import Party
from beistand.protocol.records import Cause, Language


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A failure in plain words: what happened, what it means, what to do."""

    happened: str
    means: str
    advice: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How the question for one capability is put."""

    headline: str
    what: str
    limit: str


@dataclass(frozen=True, kw_only=True)
class StandingTexts:
    """What is said about access while nobody sits here."""

    everybody: str
    only: str
    until: str
    every_day: str
    days: str
    days_through: str
    any_hour: str
    hours: str
    day_and_time: str
    weekdays: tuple[str, ...]
    """Monday first."""

    ask_term: str

    title: str
    paused: str
    reachable: str
    unreachable: str
    pause: str
    resume: str
    withdraw: str
    uninstall: str
    keep: str
    pause_menu: str
    resume_menu: str
    withdraw_menu: str

    withdraw_window: str
    withdraw_title: str
    withdraw_means: str
    withdraw_confirm: str

    uninstall_window: str
    uninstall_title: str
    uninstall_means: str
    uninstall_confirm: str
    uninstall_asking: str
    uninstall_results: Mapping[Answer, str]

    told_window: str
    told_more: str
    visited: str
    visited_when: str
    visited_reason: str
    visited_nothing: str
    troubles: Mapping[Trouble, Problem]

    handle_window: str
    bar_connected: str
    bar_mark: str


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Every text of the windows in one language."""

    language: Language
    language_name: str
    language_label: str

    title_main: str
    title_question: str
    title_indicator: str
    title_ending: str

    code_title: str
    code_intro: str
    code_label: str
    code_incomplete: str
    code_submit: str
    code_looking_up: str
    code_safe: str

    confirm_title: str
    confirm_organisation: str
    confirm_technician: str
    confirm_next: str
    confirm_join: str
    confirm_decline: str

    scam_title: str
    scam_text: str

    joining_title: str
    joining_text: str

    session_with: str
    allowed_title: str
    screen_label: str
    screen_free: str
    screen_used: str
    control_label: str
    control_free: str
    control_used: str
    used_since: str
    used_for: str
    used_limit: str
    used_line: str
    used_counted: str
    counted_nothing: str
    counted_moves: str
    stop_key_works: str
    stop_key_missing: str
    paused: str
    stop_sharing: str
    stop_control: str
    end_session: str

    chat_title: str
    chat_log: str
    chat_empty: str
    chat_input: str
    chat_send: str
    chat_you: str
    chat_pending: str

    reconnecting_title: str
    reconnecting_text: str

    ended_safe: str
    ended_used: Mapping[Capability, str]
    ended_unused: Mapping[Capability, str]
    ended_receipt: str
    ended_receipt_open: str
    ended_start_over: str
    ended_close: str
    ended_by: Mapping[Party, str]
    ended_unknown: str
    causes: Mapping[Cause, str]

    asked: Mapping[Capability, Asked]
    ask_from: str
    ask_reason: str
    ask_duration: str
    ask_scam: str
    ask_scam_signs: str
    ask_block: str
    ask_silence: str
    ask_left: str
    ask_allow: str
    ask_deny: str
    ask_deny_block: str
    quoted: str

    bar_preparing: str
    bar_view: str
    bar_control: str
    bar_both: str
    bar_view_many: str
    bar_control_many: str
    bar_both_many: str
    bar_paused: str
    bar_clock: str
    bar_stop_key: str
    bar_hand_first: str

    ending_title: str
    ending_paused: str
    ending_means: str
    ending_confirm: str
    ending_cancel: str

    tray_idle: str
    tray_connected: str
    tray_open: str
    tray_quit: str

    standing: StandingTexts

    dismiss: str
    and_word: str
    someone: str
    second: str
    seconds: str
    minute: str
    minutes: str
    hour: str
    hours: str
    click: str
    clicks: str
    key: str
    keys: str
    character: str
    characters: str

    notices: Mapping[Notice, str]
    problems: Mapping[str, Problem]
    """By error code of beistand.protocol.errors; 'internal' stands in for an unknown one."""
