/**
 * A SuppressedError that reports both errors: the one that fails a test inside `await using`, and the one at its disposal. TypeScript's own
 * replacement says only that there were two (Node 24 has the class).
 */
globalThis.SuppressedError ??= class SuppressedError extends Error {
  name = "SuppressedError";

  constructor(error, suppressed) {
    super(`${suppressed?.stack ?? suppressed}\n\nand then, at disposal: ${error?.stack ?? error}`);
    this.error = error;
    this.suppressed = suppressed;
  }
};
