"""Was über den Zugriff ohne die Person gesagt wird, auf Deutsch (about unattended access, in German)."""

from agent.install.rights import Answer
from agent.port import Trouble
from agent.ui.wording import Problem, StandingTexts

GERMAN_STANDING = StandingTexts(
    everybody="Wer: alle, die bei {organisation} helfen",
    only="Wer: nur {technicians} ({organisation})",
    until="Bis: {until}",
    every_day="Tage: jeden Tag",
    days="Tage: {days}",
    days_through="{first} bis {last}",
    any_hour="Uhrzeit: rund um die Uhr",
    hours="Uhrzeit: {begin} bis {end} Uhr",
    day_and_time="{day}, {time} Uhr",
    weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    ask_term="Sie sehen es jedes Mal und können die Erlaubnis jederzeit anhalten oder zurücknehmen.",
    title="{organisation} darf auch ohne Sie kommen",
    paused="Angehalten: Niemand kommt herein.",
    reachable="Dieser Computer ist erreichbar.",
    unreachable="Gerade nicht erreichbar: keine Verbindung.",
    pause="Anhalten",
    resume="Wieder erlauben",
    withdraw="Zurücknehmen …",
    uninstall="Beistand deinstallieren …",
    keep="Nein, so lassen",
    pause_menu="Zugriff ohne Sie anhalten",
    resume_menu="Zugriff ohne Sie wieder erlauben",
    withdraw_menu="Zugriff ohne Sie zurücknehmen …",
    withdraw_window="Beistand – Erlaubnis zurücknehmen?",
    withdraw_title="Erlaubnis zurücknehmen?",
    withdraw_means=(
        "Danach kommt niemand mehr ohne Sie auf diesen Computer. Läuft gerade eine Sitzung ohne Sie, "
        "endet sie. Für einen neuen Zugriff muss man Sie neu fragen."
    ),
    withdraw_confirm="Ja, zurücknehmen",
    uninstall_window="Beistand – deinstallieren?",
    uninstall_title="Beistand deinstallieren?",
    uninstall_means=(
        "Zuerst wird der Schlüssel dieses Computers vernichtet, dann endet jede Sitzung, dann wird Beistand "
        "entfernt. Ihre Belege bleiben. Das System fragt gleich nach dem Passwort einer Person mit "
        "Verwaltungsrechten."
    ),
    uninstall_confirm="Ja, deinstallieren",
    uninstall_asking="Das System fragt …",
    uninstall_results={
        Answer.STARTED: "Beistand wird entfernt.",
        Answer.REFUSED: "Ohne diese Rechte wurde nichts geändert.",
        Answer.IMPOSSIBLE: (
            "Auf diesem Computer kann Beistand nicht nach den Rechten fragen. Es wurde nichts geändert. "
            "Geben Sie in einem Terminal ein: sudo beistand uninstall"
        ),
        Answer.FAILED: (
            "Es wurde nicht alles entfernt. Bitte versuchen Sie es noch einmal, "
            "oder geben Sie in einem Terminal ein: sudo beistand uninstall"
        ),
    },
    told_window="Beistand – während Sie weg waren",
    told_more="Weitere Meldungen: {count}",
    visited="{technician} ({organisation}) war ohne Sie auf diesem Computer",
    visited_when="{when}, {duration} lang",
    visited_reason="Grund: „{reason}“",
    visited_nothing="Es wurde nichts angesehen und nichts bedient.",
    troubles={
        Trouble.UNREADABLE: Problem(
            happened="Die Erlaubnis für Zugriff ohne Sie war beschädigt.",
            means="Darum gilt sie nicht mehr: Niemand kommt ohne Sie herein.",
            advice="Wenn Sie den Zugriff weiter wünschen, lassen Sie sich neu fragen.",
        ),
        Trouble.EXPIRED: Problem(
            happened="Die Erlaubnis für Zugriff ohne Sie ist abgelaufen.",
            means="Niemand kommt mehr ohne Sie herein.",
            advice="Wenn Sie den Zugriff weiter wünschen, lassen Sie sich neu fragen.",
        ),
        Trouble.CLONED: Problem(
            happened="Der Schlüssel dieses Computers wurde auf einem anderen Computer benutzt.",
            means="Darum ist der Zugriff ohne Sie für beide beendet.",
            advice="Bitte melden Sie das der Organisation: Jemand hat vielleicht Ihre Dateien kopiert.",
        ),
        Trouble.GIVEN_UP: Problem(
            happened="Die Organisation hat den Zugriff ohne Sie aufgegeben.",
            means="Niemand kommt mehr ohne Sie herein.",
            advice="Sie müssen nichts tun.",
        ),
    },
    handle_window="Beistand – Zugriff ohne Sie",
    bar_connected="{technician} ist ohne Sie mit diesem Computer verbunden",
    bar_mark="Zugriff ohne Sie",
)
