"""What is said about unattended access, in English."""

from agent.install.rights import Answer
from agent.port import Trouble
from agent.ui.wording import Problem, StandingTexts

ENGLISH_STANDING = StandingTexts(
    everybody="Who: everybody who helps at {organisation}",
    only="Who: only {technicians} ({organisation})",
    until="Until: {until}",
    every_day="Days: every day",
    days="Days: {days}",
    days_through="{first} to {last}",
    any_hour="Hours: at any time of day",
    hours="Hours: {begin} to {end}",
    day_and_time="{day}, {time}",
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ask_term="You see it every time, and can pause this permission or take it back whenever you like.",
    title="{organisation} may come in without you",
    paused="Paused: nobody comes in.",
    reachable="This computer can be reached.",
    unreachable="Not within reach right now: no connection.",
    pause="Pause",
    resume="Allow again",
    withdraw="Take back …",
    uninstall="Uninstall Beistand …",
    keep="No, leave it",
    pause_menu="Pause access without you",
    resume_menu="Allow access without you again",
    withdraw_menu="Take access without you back …",
    withdraw_window="Beistand – take the permission back?",
    withdraw_title="Take the permission back?",
    withdraw_means=(
        "After that nobody comes to this computer without you. A session without you that is going on "
        "ends. For new access you have to be asked again."
    ),
    withdraw_confirm="Yes, take it back",
    uninstall_window="Beistand – uninstall?",
    uninstall_title="Uninstall Beistand?",
    uninstall_means=(
        "First the key of this computer is destroyed, then every session ends, then Beistand is removed. "
        "Your receipts stay. The system will ask for the password of somebody with administrator rights."
    ),
    uninstall_confirm="Yes, uninstall",
    uninstall_asking="The system is asking …",
    uninstall_results={
        Answer.STARTED: "Beistand is being removed.",
        Answer.REFUSED: "Without these rights nothing was changed.",
        Answer.IMPOSSIBLE: (
            "On this computer Beistand cannot ask for the rights. Nothing was changed. "
            "Type in a terminal: sudo beistand uninstall"
        ),
        Answer.FAILED: (
            "Not everything was removed. Please try again, or type in a terminal: sudo beistand uninstall"
        ),
    },
    told_window="Beistand – while you were away",
    told_more="More messages: {count}",
    visited="{technician} ({organisation}) was at this computer without you",
    visited_when="{when}, for {duration}",
    visited_reason="Reason: “{reason}”",
    visited_nothing="Nothing was looked at and nothing was operated.",
    troubles={
        Trouble.UNREADABLE: Problem(
            happened="The permission for access without you was damaged.",
            means="So it does not hold any more: nobody comes in without you.",
            advice="If you still want this access, have yourself asked again.",
        ),
        Trouble.EXPIRED: Problem(
            happened="The permission for access without you has run out.",
            means="Nobody comes in without you any more.",
            advice="If you still want this access, have yourself asked again.",
        ),
        Trouble.CLONED: Problem(
            happened="The key of this computer was used on another computer.",
            means="So access without you has ended for both.",
            advice="Please tell the organisation: somebody may have copied your files.",
        ),
        Trouble.GIVEN_UP: Problem(
            happened="The organisation has given up access without you.",
            means="Nobody comes in without you any more.",
            advice="You do not need to do anything.",
        ),
    },
    handle_window="Beistand – access without you",
    bar_connected="{technician} is connected to this computer without you",
    bar_mark="Access without you",
)
