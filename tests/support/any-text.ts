import fc from "fast-check";

/**
 * Texts of any UTF-16 code units, halves of pairs included. fast-check's own `unit: "binary"` makes the same texts, and prepares a list of all
 * of Unicode for 1 s first.
 */
export const anyText = (constraints: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.string({ ...constraints, unit: fc.oneof(ascii, codeUnit, codePoint) });

const ascii = fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code));
const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
const codePoint = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
