/**
 * The body of a request as JSON, serialised once for all attempts. No serialised texts of earlier requests are reused: that would save 0.3
 * ms with 400 messages of history (W8 of `npm run bench -- --only W8`, 2026-11-28), but hold every conversation in memory twice.
 */
export class RequestBody {
  readonly text: string;
  /** Length in bytes. */
  readonly length: number;

  constructor(json: object) {
    this.text = withWholeCharacters(JSON.stringify(json));
    this.length = Buffer.byteLength(this.text);
  }

  /** `latin1` is faster, and gives the same bytes if all characters are ASCII. */
  get encoding(): "latin1" | "utf8" {
    return this.length === this.text.length ? "latin1" : "utf8";
  }
}

/**
 * Replaces each half of a character in this JSON by U+FFFD. A text has one if a program has cut an emoji in two. JSON.stringify writes it as an
 * escape such as `\ud83d`, for which Anthropic refuses the request.
 */
function withWholeCharacters(json: string): string {
  if (!json.includes("\\ud")) return json;
  return json.replace(/\\(?:ud[89a-f][0-9a-f]{2}|.)/g, (found) => (found.startsWith("\\ud") ? "\ufffd" : found));
}
