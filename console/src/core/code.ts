// The nine digits as people read them out.

/** `123456789` -> `123 456 789`. */
export function grouped(code: string): string {
  return code.replace(/(\d{3})(?=\d)/g, "$1 ");
}
