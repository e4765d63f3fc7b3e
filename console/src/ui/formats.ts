// Times as people read them, in the language of the page.
import type { Language } from "../core/language.ts";

/** The person's own variety of the page's language, for their way of writing times. */
function locale(language: Language): string {
  return navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;
}

export function clockTime(at: string, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), { hour: "2-digit", minute: "2-digit" }).format(new Date(at));
}

export function clockTimeWithSeconds(at: string, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), { timeStyle: "medium" }).format(new Date(at));
}

export function dayAndTime(at: string, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}

export function wholeNumber(value: number, language: Language): string {
  return new Intl.NumberFormat(locale(language), { maximumFractionDigits: 0 }).format(value);
}

/** `day` as a date field has it. */
export function fullDay(day: string, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), { dateStyle: "long" }).format(new Date(`${day}T12:00:00`));
}
