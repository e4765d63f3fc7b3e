// The customer's join page. The code stands only in the link's fragment, which browsers never send anywhere.
"use strict";

const TEXTS = {
  de: {
    title: "Hilfe an Ihrem Computer",
    scamTitle: "Nehmen Sie nur teil, wenn Sie selbst um Hilfe gebeten haben.",
    scamText:
      "Hat jemand ungefragt angerufen? Geht es um Geld, Ihre Bank oder einen Virus, oder werden Sie gedrängt? " +
      "Dann schließen Sie diese Seite und legen Sie auf.",
    codeLabel: "Ihr Code",
    stepsTitle: "So geht es weiter",
    stepStart: "Starten Sie Beistand auf diesem Computer und geben Sie dort den Code ein.",
    stepWho: "Sie sehen, welche Organisation und welche Person Ihnen helfen will. Erst dann nehmen Sie teil.",
    stepAsk: "Will Ihre Hilfe den Bildschirm sehen oder Maus und Tastatur benutzen, werden Sie jedes Mal gefragt.",
    stepEnd: "Sie können alles jederzeit anhalten oder die Sitzung beenden.",
    commandTitle: "Wie startet man Beistand?",
    commandHelp: "Mit diesem Befehl; der Code steht dann schon da:",
    noCode: "In diesem Link fehlt der Code. Bitten Sie Ihre Hilfe um einen neuen Link oder um die neun Ziffern.",
    safe: "Der Code allein erlaubt noch nichts. Er gilt zehn Minuten und nur einmal.",
  },
  en: {
    title: "Help on your computer",
    scamTitle: "Join only if you asked for help yourself.",
    scamText:
      "Did someone call you without being asked? Do they talk about money, your bank or a virus, or put you under " +
      "pressure? Then close this page, and hang up.",
    codeLabel: "Your code",
    stepsTitle: "What happens next",
    stepStart: "Start Beistand on this computer and type the code there.",
    stepWho: "You see which organisation and which person wants to help you. Only then do you join.",
    stepAsk: "If your helper wants to see the screen or use mouse and keyboard, you are asked each time.",
    stepEnd: "You can stop everything or end the session at any time.",
    commandTitle: "How to start Beistand?",
    commandHelp: "With this command; the code is then there already:",
    noCode: "This link has no code in it. Ask your helper for a new link or for the nine digits.",
    safe: "The code alone allows nothing. It is good for ten minutes, and only once.",
  },
};

const byId = (id) => document.getElementById(id);

function preferredLanguage() {
  const known = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in TEXTS);
  return known ?? "en";
}

function speak(language) {
  document.documentElement.lang = language;
  document.title = `${TEXTS[language].title} – Beistand`;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = TEXTS[language][element.dataset.text];
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
}

/** The nine digits in the fragment, or undefined; nothing else of it is ever shown or used. */
function codeInLink() {
  const digits = location.hash.slice(1).replace(/[\s.-]|%20/g, "");
  return /^[0-9]{9}$/.test(digits) ? digits : undefined;
}

function show() {
  const code = codeInLink();
  byId("with-code").hidden = code === undefined;
  byId("without-code").hidden = code !== undefined;
  if (code === undefined) {
    return;
  }
  byId("code").textContent = code.replace(/\B(?=(?:\d{3})+$)/g, "\u00a0");
  byId("command").textContent = `beistand agent --gateway ${location.origin} --code ${code}`;
}

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => speak(button.dataset.language));
}
window.addEventListener("hashchange", show);
speak(preferredLanguage());
show();
byId("page").hidden = false;
