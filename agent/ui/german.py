"""Alles, was die Fenster sagen, auf Deutsch (everything the windows say, in German)."""

from agent.port import Notice
from agent.ui.german_standing import GERMAN_STANDING
from agent.ui.wording import Asked, Problem, Texts
from beistand.protocol.capabilities import Capability
from beistand.protocol.messages import Party
from beistand.protocol.records import Cause

GERMAN = Texts(
    language="de",
    language_name="Deutsch",
    language_label="Sprache",
    title_main="Beistand",
    title_question="Beistand – eine Frage an Sie",
    title_indicator="Beistand – was gerade freigegeben ist",
    title_ending="Beistand – Sitzung beenden?",
    code_title="Code eingeben",
    code_intro="Die Person, die Ihnen hilft, nennt Ihnen einen Code mit neun Ziffern.",
    code_label="Code mit neun Ziffern",
    code_incomplete="Der Code hat neun Ziffern. Bitte prüfen Sie Ihre Eingabe.",
    code_submit="Weiter",
    code_looking_up="Der Code wird geprüft …",
    code_safe="Der Code allein erlaubt noch nichts. Sie sehen zuerst, wer fragt, und entscheiden dann.",
    confirm_title="Wissen Sie, wer Ihnen hilft?",
    confirm_organisation="Organisation",
    confirm_technician="Ihre Hilfe",
    confirm_next=(
        "Wenn Sie teilnehmen, können Sie einander schreiben. "
        "Niemand sieht Ihren Bildschirm, bevor Sie es erlauben."
    ),
    confirm_join="Teilnehmen",
    confirm_decline="Nicht teilnehmen",
    scam_title="Nehmen Sie nur teil, wenn Sie selbst um Hilfe gebeten haben.",
    scam_text=(
        "Hat jemand ungefragt angerufen? Geht es um Geld, Ihre Bank oder einen Virus, "
        "oder werden Sie gedrängt? Dann nehmen Sie nicht teil und legen Sie auf."
    ),
    joining_title="Verbindung wird aufgebaut …",
    joining_text="Das dauert wenige Sekunden. Niemand sieht Ihren Bildschirm.",
    session_with="Verbunden mit {technician}",
    allowed_title="Gerade erlaubt",
    screen_label="Ihr Bildschirm",
    screen_free="Niemand sieht ihn.",
    screen_used="Sichtbar für {technicians}",
    control_label="Maus und Tastatur",
    control_free="Nur Sie bedienen sie.",
    control_used="Auch bedient von {technicians}",
    used_since="seit {time}",
    used_for="seit {minutes} Min.",
    used_limit="noch höchstens {duration}",
    used_line="{technician} – {said}",
    used_counted="{since} – {counts}",
    counted_nothing="nichts geklickt oder getippt",
    counted_moves="nur den Mauszeiger bewegt",
    stop_key_works="Umschalt + Esc auf Ihrer Tastatur stoppt alles sofort.",
    stop_key_missing="Auf diesem Computer gibt es keine Stopp-Taste. Bitte benutzen Sie die Knöpfe.",
    paused="Angehalten, während Sie entscheiden, ob die Sitzung endet.",
    stop_sharing="Nicht mehr zeigen",
    stop_control="Steuerung beenden",
    end_session="Sitzung beenden",
    chat_title="Nachrichten",
    chat_log="Bisherige Nachrichten",
    chat_empty="Noch keine Nachrichten. Sie können hier jederzeit schreiben.",
    chat_input="Nachricht schreiben",
    chat_send="Senden",
    chat_you="Sie",
    chat_pending="wird gesendet …",
    reconnecting_title="Die Verbindung ist unterbrochen",
    reconnecting_text=(
        "Niemand sieht Ihren Bildschirm, und niemand steuert Ihren Computer. "
        "Beistand versucht weiter, sich zu verbinden. Sie müssen nichts tun."
    ),
    ended_safe="Niemand kann Ihren Computer jetzt noch über Beistand sehen oder steuern.",
    ended_used={
        Capability.VIEW: "{technician} konnte Ihren Bildschirm {duration} lang sehen.",
        Capability.CONTROL: "{technician} konnte {duration} lang Maus und Tastatur benutzen: {counts}.",
        Capability.UNATTENDED: "{technician} hatte {duration} lang Zugriff ohne Sie.",
    },
    ended_unused={
        Capability.VIEW: "{technician} hat von Ihrem Bildschirm nichts gesehen.",
        Capability.CONTROL: "{technician} hat Maus und Tastatur nie benutzt.",
        Capability.UNATTENDED: "{technician} hatte keinen Zugriff ohne Sie.",
    },
    ended_receipt="Der Beleg dieser Sitzung mit allem, was gefragt und geantwortet wurde, liegt hier: {path}",
    ended_receipt_open="Beleg anzeigen",
    ended_start_over="Neuen Code eingeben",
    ended_close="Beistand schließen",
    ended_by={
        Party.CUSTOMER: "Sie haben die Sitzung beendet",
        Party.TECHNICIAN: "{technician} hat die Sitzung beendet",
        Party.SYSTEM: "Die Sitzung ist beendet",
    },
    ended_unknown="Die Sitzung ist vorbei.",
    causes={
        Cause.STOP_SHARING: "Die Bildschirmfreigabe wurde beendet.",
        Cause.STOP_CONTROL: "Die Fernbedienung wurde beendet.",
        Cause.END_SESSION: "Die Sitzung wurde mit „Sitzung beenden“ geschlossen.",
        Cause.TECHNICIAN: "Ihre Hilfe hat die Sitzung geschlossen. Eine neue braucht einen neuen Code.",
        Cause.INDICATOR_LOST: "Die Leiste, die Ihnen zeigt, was freigegeben ist, war nicht mehr sichtbar.",
        Cause.EXPIRED: "Die längste Dauer einer Sitzung war erreicht.",
        Cause.LEASE_LOST: "Ihr Computer war zu lange nicht erreichbar.",
        Cause.AGENT_CLOSED: "Beistand wurde auf diesem Computer geschlossen.",
        Cause.AGENT_LOST: "Die Verbindung zu diesem Computer war zu lange unterbrochen.",
        Cause.VIEW_ENDED: "Ihr Bildschirm war nicht mehr freigegeben.",
        Cause.ADMIN: "Die Organisation hat die Sitzung geschlossen.",
    },
    asked={
        Capability.VIEW: Asked(
            headline="Darf {technician} Ihren Bildschirm sehen?",
            what="Ihre Hilfe sieht alles auf Ihrem Bildschirm, bei mehreren auf jedem, "
            "kann aber nicht klicken oder tippen.",
            limit="Schließen Sie vorher, was privat bleiben soll.",
        ),
        Capability.CONTROL: Asked(
            headline="Darf {technician} Maus und Tastatur bedienen?",
            what="Ihre Hilfe kann auf Ihrem Computer klicken und tippen, genau wie Sie.",
            limit="Sie sehen alles, was geschieht, und können es jederzeit beenden.",
        ),
        Capability.UNATTENDED: Asked(
            headline="Darf {technician} auch ohne Sie wiederkommen?",
            what="Ihre Hilfe erreicht diesen Computer auch dann, wenn niemand davor sitzt.",
            limit="Sie können diese Erlaubnis jederzeit zurücknehmen.",
        ),
    },
    ask_from="Gefragt von {technician} ({organisation})",
    ask_reason="Der genannte Grund:",
    ask_duration="Höchstens {duration}. Sie können es jederzeit beenden.",
    ask_scam="Erlauben Sie das nur, wenn Sie selbst um Hilfe gebeten haben.",
    ask_scam_signs="Will jemand Geld, Passwörter oder Bankdaten, wählen Sie Nein.",
    ask_block="Bei Nein: in dieser Sitzung nicht mehr fragen",
    ask_silence="Ohne Antwort gilt: Nein.",
    ask_left="noch {seconds}",
    ask_allow="Ja, erlauben",
    ask_deny="Nein, nicht erlauben",
    ask_deny_block="Nein, nicht mehr fragen",
    quoted="„{text}“",
    bar_preparing="Ihr Bildschirm wird gleich gezeigt",
    bar_view="{technicians} sieht Ihren Bildschirm",
    bar_control="{technicians} bedient Maus und Tastatur",
    bar_both="{technicians} sieht und bedient Ihren Computer",
    bar_view_many="{technicians} sehen Ihren Bildschirm",
    bar_control_many="{technicians} bedienen Maus und Tastatur",
    bar_both_many="{technicians} sehen und bedienen Ihren Computer",
    bar_paused="Angehalten: Niemand sieht zu",
    bar_clock="seit {time} · {elapsed}",
    bar_stop_key="Umschalt + Esc stoppt",
    bar_hand_first="Sie zuerst: fremde Maus und Tastatur warten",
    ending_title="Sitzung beenden?",
    ending_paused="Bild und Steuerung sind angehalten, während Sie entscheiden.",
    ending_means=(
        "Wenn Sie die Sitzung beenden, ist alles vorbei: Bild, Steuerung und Nachrichten. "
        "Für weitere Hilfe brauchen Sie einen neuen Code."
    ),
    ending_confirm="Ja, Sitzung beenden",
    ending_cancel="Nein, weitermachen",
    tray_idle="Beistand: nicht verbunden",
    tray_connected="Verbunden mit {technician}. Niemand sieht Ihren Bildschirm.",
    tray_open="Beistand öffnen",
    tray_quit="Beistand schließen",
    standing=GERMAN_STANDING,
    dismiss="Verstanden",
    and_word="und",
    someone="Ihre Hilfe",
    second="{count} Sekunde",
    seconds="{count} Sekunden",
    minute="{count} Minute",
    minutes="{count} Minuten",
    hour="{count} Stunde",
    hours="{count} Stunden",
    click="{count} Klick",
    clicks="{count} Klicks",
    key="{count} Taste",
    keys="{count} Tasten",
    character="{count} eingefügtes Zeichen",
    characters="{count} eingefügte Zeichen",
    notices={
        Notice.SHARING_STOPPED: "Ihr Bildschirm wird nicht mehr gezeigt. Niemand sieht ihn.",
        Notice.CONTROL_STOPPED: "Die Fernbedienung ist aus. Nur Sie bedienen Maus und Tastatur.",
        Notice.REQUEST_WITHDRAWN: "Die Frage wurde zurückgezogen. Es wurde nichts erlaubt.",
        Notice.TECHNICIAN_GAVE_BACK: "Ihre Hilfe hat den Zugriff zurückgegeben.",
        Notice.GRANT_EXPIRED: "Die erlaubte Zeit ist um. Der Zugriff hat von selbst geendet.",
        Notice.INDICATOR_LOST: (
            "Die Leiste oben am Bildschirm war nicht sichtbar. Darum wurde jeder Zugriff beendet."
        ),
        Notice.DELIVERY_PENDING: (
            "Auf Ihrem Computer ist alles beendet. Ihre Hilfe erfährt es, sobald die Verbindung wieder steht."
        ),
    },
    problems={
        "internal": Problem(
            happened="Bei uns ist etwas schiefgegangen.",
            means="Dadurch wurde nichts erlaubt und nichts gezeigt.",
            advice="Bitte versuchen Sie es noch einmal. Hilft das nicht, sagen Sie es Ihrer Hilfe.",
        ),
        "invalid_message": Problem(
            happened="Das wurde nicht verstanden.",
            means="Vielleicht passt dieses Beistand nicht zur Version Ihrer Hilfe.",
            advice="Bitte prüfen Sie Ihre Eingabe oder holen Sie das neueste Beistand.",
        ),
        "too_large": Problem(
            happened="Das war zu lang.",
            means="Es wurde nicht gesendet.",
            advice="Bitte kürzen Sie es oder senden Sie es in Teilen.",
        ),
        "unauthenticated": Problem(
            happened="Ihr Computer konnte sich nicht ausweisen.",
            means="Die Verbindung kam nicht zustande.",
            advice="Bitte lassen Sie sich einen neuen Code geben.",
        ),
        "ticket_refused": Problem(
            happened="Der Zugang zu dieser Sitzung ist abgelaufen.",
            means="Sie sind nicht verbunden.",
            advice="Bitte lassen Sie sich einen neuen Code geben.",
        ),
        "code_refused": Problem(
            happened="Dieser Code gilt nicht.",
            means="Vielleicht ist er vertippt, schon benutzt oder älter als zehn Minuten.",
            advice="Vergleichen Sie ihn mit Ihrer Hilfe, oder lassen Sie sich einen neuen geben.",
        ),
        "forbidden": Problem(
            happened="Das ist hier nicht erlaubt.",
            means="Es wurde nichts geändert.",
            advice="Bitte fragen Sie Ihre Hilfe, was zu tun ist.",
        ),
        "no_grant": Problem(
            happened="Das wurde nicht erlaubt.",
            means="Es gibt keinen Zugriff.",
            advice="Wenn Sie es erlauben wollen, lassen Sie Ihre Hilfe noch einmal fragen.",
        ),
        "bad_signature": Problem(
            happened="Eine Nachricht war nicht echt.",
            means="Sie wurde verworfen. Es wurde nichts erlaubt.",
            advice="Bitte beenden Sie die Sitzung und melden Sie es der Organisation.",
        ),
        "outside_terms": Problem(
            happened="Das haben Sie so nicht erlaubt.",
            means="Ihre Regeln für den Zugriff ohne Sie sagen nein. Niemand kam herein.",
            advice="Wenn Sie es anders wünschen, lassen Sie sich neu fragen.",
        ),
        "device_offline": Problem(
            happened="Dieser Computer ist gerade nicht erreichbar.",
            means="Niemand kam herein.",
            advice="Bitte prüfen Sie Ihre Internetverbindung.",
        ),
        "not_found": Problem(
            happened="Diese Sitzung wurde nicht gefunden.",
            means="Vielleicht ist sie schon vorbei.",
            advice="Bitte lassen Sie sich einen neuen Code geben.",
        ),
        "wrong_state": Problem(
            happened="Das geht gerade nicht.",
            means="Es wurde nichts geändert.",
            advice="Bitte warten Sie einen Moment und versuchen Sie es noch einmal.",
        ),
        "already_asked": Problem(
            happened="Diese Frage ist schon offen.",
            means="Eine Antwort genügt.",
            advice="Bitte beantworten Sie die Frage auf Ihrem Bildschirm.",
        ),
        "asking_blocked": Problem(
            happened="Sie wollten danach nicht mehr gefragt werden.",
            means="Die Frage wurde für Sie abgelehnt.",
            advice="Um es doch zu erlauben, beginnen Sie eine neue Sitzung.",
        ),
        "session_ended": Problem(
            happened="Diese Sitzung ist vorbei.",
            means="Sie kann nicht fortgesetzt werden.",
            advice="Brauchen Sie noch Hilfe, lassen Sie sich einen neuen Code geben.",
        ),
        "rate_limited": Problem(
            happened="Es gab zu viele Versuche.",
            means="Zu Ihrem Schutz gibt es jetzt eine kurze Pause.",
            advice="Bitte warten Sie einige Minuten und versuchen Sie es dann noch einmal.",
        ),
        "unavailable": Problem(
            happened="Der Dienst ist nicht erreichbar.",
            means="Sie sind nicht verbunden, und niemand sieht Ihren Bildschirm.",
            advice="Bitte prüfen Sie Ihre Internetverbindung und versuchen Sie es noch einmal.",
        ),
    },
)
