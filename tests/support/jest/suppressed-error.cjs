/**
 * What fails a test inside `await using` and what then fails at its disposal are both told: TypeScript's own stand-in for SuppressedError
 * (Node 24 has the class) says only that there were two.
 */
globalThis.SuppressedError ??= class SuppressedError extends Error {
  name = "SuppressedError";

  constructor(error, suppressed) {
    super(`${suppressed?.stack ?? suppressed}\n\nand then, at disposal: ${error?.stack ?? error}`);
    this.error = error;
    this.suppressed = suppressed;
  }
};
