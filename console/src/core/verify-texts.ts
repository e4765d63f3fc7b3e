// What the page for checking receipts says around the story, by language.
import type { Language } from "./language.ts";

const en = {
  title: "Check a receipt",
  documentTitle: "Check a receipt · Beistand",
  language: "Language",
  skip: "Skip to content",
  intro:
    "Every support session leaves a receipt: one file in which each question, answer, stop and end is signed. " +
    "Here you can read it, and see whether anything was changed.",
  choose: "Choose a receipt",
  drop: "or drop the file here",
  private: "The file stays on this computer. It is checked in your browser and sent nowhere.",
  keys: "Compare with keys you know",
  keysHint: "Only keys that you got another way show whose receipt this is. Leave a field empty to leave that open.",
  agentKey: "Key of the customer's device (U…)",
  consentKey: "Key of the consent service",
  checking: "Checking …",
  story: "What happened",
  record: "Record {number}",
  cannot: "This browser cannot check the signatures",
  cannotHint:
    "It needs Ed25519 in Web Cryptography (Chrome or Edge 137, Firefox 129, Safari 17 or newer) and a page opened by https. " +
    "On the command line, “beistand verify FILE” does the same.",
};

const de: typeof en = {
  title: "Beleg prüfen",
  documentTitle: "Beleg prüfen · Beistand",
  language: "Sprache",
  skip: "Zum Inhalt springen",
  intro:
    "Jede Hilfesitzung hinterlässt einen Beleg: eine Datei, in der jede Frage, jede Antwort, jedes Anhalten und das Ende " +
    "unterschrieben sind. Hier können Sie ihn lesen und sehen, ob etwas verändert wurde.",
  choose: "Beleg auswählen",
  drop: "oder die Datei hier ablegen",
  private: "Die Datei bleibt auf diesem Rechner. Geprüft wird in Ihrem Browser; nichts wird gesendet.",
  keys: "Mit bekannten Schlüsseln vergleichen",
  keysHint:
    "Nur Schlüssel, die Sie auf anderem Weg haben, zeigen, von wem der Beleg ist. Ein leeres Feld lässt das offen.",
  agentKey: "Schlüssel des Geräts der Kundenseite (U…)",
  consentKey: "Schlüssel des Zustimmungsdienstes",
  checking: "Wird geprüft …",
  story: "Was geschah",
  record: "Eintrag {number}",
  cannot: "Dieser Browser kann die Unterschriften nicht prüfen",
  cannotHint:
    "Nötig sind Ed25519 in Web Cryptography (ab Chrome oder Edge 137, Firefox 129, Safari 17) und eine mit https geöffnete Seite. " +
    "Auf der Befehlszeile leistet „beistand verify DATEI“ dasselbe.",
};

export const VERIFY_TEXTS: Readonly<Record<Language, typeof en>> = { de, en };
