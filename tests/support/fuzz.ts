/** Hostile input that is the same in every run. */

/** Number of inputs for a door over HTTP, where each one costs a request: all under `npm run test:fuzz`, otherwise a part. */
export const inputsPerDoor = process.env.FUZZ_TESTS === "all" ? 10_000 : 2_000;

/** Returns mulberry32's numbers: the same ones for the same seed, on every machine. */
export function randomFrom(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const odd: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  "",
  "\u0000",
  "\ud800",
  "x".repeat(3000),
  [],
  {},
  [[]],
  [null],
  { type: null },
  { type: "text" },
  "__proto__",
  "../../etc/passwd",
  "c-secret%",
  "resp_eyJ9",
  { role: "user" },
  { $ref: "#" },
  "data:image/png;base64,",
];

/** Returns a valid document with odd values in some places, or its text cut, doubled or broken. */
export function mutated(document: unknown, random: (below: number) => number): string {
  const copy: unknown = JSON.parse(JSON.stringify(document));
  const change = (value: unknown): unknown => {
    if (random(4) === 0) return odd[random(odd.length)];
    if (Array.isArray(value)) return random(5) === 0 ? [...value, ...value] : value.map(change);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).filter(() => random(8) > 0);
    return Object.fromEntries(
      entries.map(([key, inner]) => [random(12) === 0 ? String(odd[random(odd.length)]) : key, change(inner)]),
    );
  };
  const text = JSON.stringify(random(10) === 0 ? copy : change(copy)) ?? "";
  const at = random(text.length + 1);
  switch (random(8)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return `${text.slice(0, at)}${String.fromCharCode(random(0xd7ff))}${text.slice(at)}`;
    case 2:
      return `${"[".repeat(random(20_000))}${text}`;
    default:
      return text;
  }
}
