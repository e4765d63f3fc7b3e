// What the browser keeps: the bearer for this tab's life, and the language. Nothing else, no code and no ticket.
import { isLanguage, type Language } from "../core/language.ts";

const TOKEN = "beistand.token";
const LANGUAGE = "beistand.language";

export function storedToken(): string | undefined {
  return sessionStorage.getItem(TOKEN) ?? undefined;
}

export function storeToken(token: string | undefined): void {
  if (token === undefined) {
    sessionStorage.removeItem(TOKEN);
  } else {
    sessionStorage.setItem(TOKEN, token);
  }
}

export function storedLanguage(): Language | undefined {
  const value = localStorage.getItem(LANGUAGE);
  return isLanguage(value) ? value : undefined;
}

export function storeLanguage(language: Language): void {
  localStorage.setItem(LANGUAGE, language);
}
