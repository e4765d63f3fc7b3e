// Makes the compiler prove that a switch covers every case.

/** Unreachable as long as the types hold; a value that gets here was never in the contract. */
export function assertNever(value: never): never {
  throw new Error(`unexpected ${JSON.stringify(value)}`);
}
