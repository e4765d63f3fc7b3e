"""Everything the windows say, in English."""

from agent.port import Notice
from agent.ui.wording import Asked, Problem, Texts
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import Party
from beistand.protocol.records import Cause

ENGLISH = Texts(
    language="en",
    language_name="English",
    language_label="Language",
    title_main="Beistand",
    title_question="Beistand – a question for you",
    title_indicator="Beistand – what is shared right now",
    title_ending="Beistand – end the session?",
    code_title="Enter your code",
    code_intro="The person who helps you gives you a code with nine digits.",
    code_label="Code with nine digits",
    code_incomplete="The code has nine digits. Please check what you typed.",
    code_submit="Continue",
    code_looking_up="Looking up the code …",
    code_safe="The code alone allows nothing. First you see who is asking, then you decide.",
    confirm_title="Do you know who is helping you?",
    confirm_organisation="Organisation",
    confirm_technician="Your helper",
    confirm_next="If you join, you can write to each other. Nobody sees your screen until you allow it.",
    confirm_join="Join",
    confirm_decline="Do not join",
    scam_title="Join only if you asked for help yourself.",
    scam_text=(
        "Did someone call you without being asked? Do they talk about money, your bank or a virus, "
        "or put you under pressure? Then do not join, and hang up."
    ),
    joining_title="Connecting …",
    joining_text="This takes a few seconds. Nobody sees your screen.",
    session_with="Connected with {technician}",
    allowed_title="Allowed right now",
    screen_label="Your screen",
    screen_free="Nobody sees it.",
    screen_used="Visible to {technicians}",
    control_label="Mouse and keyboard",
    control_free="Only you use them.",
    control_used="Also used by {technicians}",
    used_since="since {time}",
    used_limit="ends by itself in {duration} at the latest",
    paused="Paused while you decide whether to end the session.",
    stop_sharing="Stop screen sharing",
    stop_control="Stop remote control",
    end_session="End session",
    chat_title="Messages",
    chat_log="Messages so far",
    chat_empty="No messages yet. You can write here at any time.",
    chat_input="Write a message",
    chat_send="Send",
    chat_you="You",
    chat_pending="being sent …",
    reconnecting_title="The connection is interrupted",
    reconnecting_text=(
        "Nobody sees your screen, and nobody controls your computer. "
        "Beistand keeps trying to reconnect. You do not need to do anything."
    ),
    ended_safe="Nobody can see or control your computer through Beistand any more.",
    ended_start_over="Enter a new code",
    ended_close="Close Beistand",
    ended_by={
        Party.CUSTOMER: "You ended the session",
        Party.TECHNICIAN: "{technician} ended the session",
        Party.SYSTEM: "The session has ended",
    },
    ended_unknown="The session is over.",
    causes={
        Cause.STOP_SHARING: "Screen sharing was stopped.",
        Cause.STOP_CONTROL: "Remote control was stopped.",
        Cause.END_SESSION: "The session was ended with the End session button.",
        Cause.TECHNICIAN: "Your helper closed the session. Your helper needs a new session to come back.",
        Cause.INDICATOR_LOST: "The bar that shows you what is shared could not be displayed any more.",
        Cause.EXPIRED: "The longest time for a session had passed.",
        Cause.LEASE_LOST: "Your computer was out of reach for too long.",
        Cause.AGENT_CLOSED: "Beistand was closed on this computer.",
        Cause.AGENT_LOST: "The connection to this computer was lost for too long.",
        Cause.VIEW_ENDED: "Your screen was no longer shared.",
        Cause.ADMIN: "The organisation closed the session.",
    },
    asked={
        Capability.VIEW: Asked(
            headline="May {technician} see your screen?",
            what="{technician} sees everything on your screen, but cannot click or type.",
            limit="Close first whatever should stay private.",
        ),
        Capability.CONTROL: Asked(
            headline="May {technician} use your mouse and keyboard?",
            what="{technician} can click and type on your computer, just like you.",
            limit="You see everything that is done, and can stop it at any time.",
        ),
        Capability.UNATTENDED: Asked(
            headline="May {technician} come back without you?",
            what="{technician} can reach this computer even when nobody sits in front of it.",
            limit="You can take this permission back at any time.",
        ),
    },
    ask_from="{technician} from {organisation} is asking.",
    ask_reason="The reason given:",
    ask_duration="For {duration} at most. You can stop it at any time.",
    ask_scam=(
        "Allow this only if you asked for help yourself. "
        "If somebody wants money, passwords or bank details, choose No."
    ),
    ask_block="If no: do not ask me this again in this session",
    ask_silence="Without an answer, it is a No.",
    ask_left="{seconds} left",
    ask_allow="Yes, allow",
    ask_deny="No, do not allow",
    ask_deny_block="No, and do not ask again",
    quoted="“{text}”",
    bar_preparing="Your screen will be shared in a moment",
    bar_view="{technicians} sees your screen",
    bar_control="{technicians} uses mouse and keyboard",
    bar_both="{technicians} sees your screen and uses mouse and keyboard",
    bar_paused="Paused: nobody sees your screen",
    bar_clock="since {time} · {elapsed}",
    bar_stop_sharing="Stop sharing",
    bar_stop_control="Stop control",
    bar_end_session="End session",
    ending_title="End the session?",
    ending_paused="Picture and control are paused while you decide.",
    ending_means=(
        "If you end the session, everything is over: picture, control and messages. "
        "For more help you need a new code."
    ),
    ending_confirm="Yes, end session",
    ending_cancel="No, continue",
    tray_idle="Beistand: not connected",
    tray_connected="Connected with {technician}. Nobody sees your screen.",
    tray_open="Open Beistand",
    tray_quit="Close Beistand",
    dismiss="Understood",
    and_word="and",
    someone="Your helper",
    second="{count} second",
    seconds="{count} seconds",
    minute="{count} minute",
    minutes="{count} minutes",
    hour="{count} hour",
    hours="{count} hours",
    notices={
        Notice.SHARING_STOPPED: "Screen sharing is off. Nobody sees your screen any more.",
        Notice.CONTROL_STOPPED: "Remote control is off. Only you use mouse and keyboard.",
        Notice.REQUEST_WITHDRAWN: "The question was withdrawn. Nothing was allowed.",
        Notice.TECHNICIAN_GAVE_BACK: "Your helper has given the access back.",
        Notice.GRANT_EXPIRED: "The allowed time is over. The access has ended by itself.",
        Notice.INDICATOR_LOST: "The bar on top of the screen could not be shown, so all access was stopped.",
        Notice.DELIVERY_PENDING: (
            "Stopped on your computer. Your helper will be told when the connection is back."
        ),
    },
    problems={
        "internal": Problem(
            happened="Something went wrong on our side.",
            means="Nothing was allowed or shared by this.",
            advice="Please try again. If it happens again, tell your helper.",
        ),
        "invalid_message": Problem(
            happened="This could not be understood.",
            means="Perhaps this Beistand does not fit the version of your helper.",
            advice="Please check what you entered, or get the newest Beistand.",
        ),
        "too_large": Problem(
            happened="That was too long.",
            means="It was not sent.",
            advice="Please make it shorter, or send it in parts.",
        ),
        "unauthenticated": Problem(
            happened="Your computer could not identify itself.",
            means="The connection was not made.",
            advice="Please ask your helper for a new code.",
        ),
        "ticket_refused": Problem(
            happened="The way into this session has expired.",
            means="You are not connected.",
            advice="Please ask your helper for a new code.",
        ),
        "code_refused": Problem(
            happened="This code is not valid.",
            means="It may be mistyped, already used or older than ten minutes.",
            advice="Compare it with your helper, or ask for a new code.",
        ),
        "forbidden": Problem(
            happened="This is not allowed here.",
            means="Nothing was changed.",
            advice="Please ask your helper what to do.",
        ),
        "no_grant": Problem(
            happened="This was not allowed.",
            means="No access was given.",
            advice="If you want to allow it, let your helper ask again.",
        ),
        "bad_signature": Problem(
            happened="A message was not genuine.",
            means="It was thrown away. Nothing was allowed.",
            advice="Please end the session and tell your helper's organisation.",
        ),
        "not_found": Problem(
            happened="This session could not be found.",
            means="It may be over already.",
            advice="Please ask your helper for a new code.",
        ),
        "wrong_state": Problem(
            happened="This is not possible right now.",
            means="Nothing was changed.",
            advice="Please wait a moment and try again.",
        ),
        "already_asked": Problem(
            happened="This question is open already.",
            means="It only needs one answer.",
            advice="Please answer the question that is on your screen.",
        ),
        "asking_blocked": Problem(
            happened="You did not want to be asked this again.",
            means="The question was turned down for you.",
            advice="To allow it after all, start a new session.",
        ),
        "session_ended": Problem(
            happened="This session is over.",
            means="It cannot be continued.",
            advice="If you still need help, ask for a new code.",
        ),
        "rate_limited": Problem(
            happened="There were too many attempts.",
            means="For your protection there is a short break now.",
            advice="Please wait a few minutes and try again.",
        ),
        "unavailable": Problem(
            happened="The service cannot be reached.",
            means="You are not connected, and nobody sees your screen.",
            advice="Please check your internet connection and try again.",
        ),
    },
)
