import type { CompletionRequest, KeptPart, KeptParts, ToolDefinition } from "../../core/messages.js";
import { leavesOutMedia } from "../wires/shared/lessons.js";
import type { ProviderError } from "../wires/shared/provider-error.js";
import { aboutTools, refusalText, toolNamedIn } from "../wires/shared/refusals.js";
import type { AnswerFold, FoldOptions, Target, Wire, WireQuirks, WireRequest } from "../wires/wire.js";
import type { Dialect } from "./dialect.js";
import { fingerprintOf, suspectedMedia } from "./refused-media.js";

/**
 * Maximum number of times that one request is changed after a refusal and sent again. If that is not enough, the request itself is wrong.
 */
const maxCorrections = 8;

export class RequestDraft {
  readonly #request: CompletionRequest;
  readonly #dialect: Dialect;
  readonly #wantsStream: boolean;
  #wire: Wire;
  #quirks: WireQuirks;
  #tools: readonly ToolDefinition[] = [];
  #corrections = 0;
  #mediaRefusals = 0;
  /** Fingerprints of the media that this request leaves out, because a refusal may have been about them. */
  readonly #leftOut = new Set<string>();
  /** False if this request leaves out the kept parts of earlier answers, because a refusal may have been about them. */
  #sendsKept = true;
  #written: WrittenRequest | undefined;

  constructor(request: CompletionRequest, dialect: Dialect, streaming: boolean) {
    this.#request = request;
    this.#dialect = dialect;
    this.#wantsStream = streaming;
    this.#wire = dialect.wire;
    this.#quirks = dialect.quirks;
  }

  get wire(): Wire {
    return this.#wire;
  }

  /** True if the provider is asked to stream the answer. */
  get streaming(): boolean {
    return this.#streams(this.#quirks);
  }

  #streams({ streams = true }: WireQuirks): boolean {
    return this.#wantsStream && streams;
  }

  get url(): string {
    return this.#dialect.url(this.streaming);
  }

  /** The request's body, serialised once for all attempts. */
  get body(): RequestBody {
    return this.#asWritten.body;
  }

  get headers(): WireRequest["headers"] {
    return this.#asWritten.headers;
  }

  get #asWritten(): WrittenRequest {
    this.#written ??= this.#write(this.#quirks);
    return this.#written;
  }

  fold(options: Omit<FoldOptions, "tools">): AnswerFold {
    const { tools } = this.#request;
    return this.#wire.fold({ ...options, tools }, this.#target(this.#quirks));
  }

  kept(parts: readonly KeptPart[]): KeptParts {
    const { provider, model, account } = this.#dialect;
    return { wire: this.#wire.name, provider: provider.name, account, model, parts };
  }

  counted(inputTokens: number): void {
    this.#dialect.counted(inputTokens, this.#request);
  }

  /** Remembers the kept parts and the media that were left out: the provider has accepted the request without them. */
  accepted(): void {
    if (!this.#sendsKept) this.#dialect.forgetKept(this.#request.messages);
    if (this.#leftOut.size === 0) return;
    this.#dialect.media.add(this.#leftOut);
    this.#dialect.say("warn", leavesOutMedia.note, { media: this.#leftOut.size });
  }

  /** Frees the memory of `body`. The body is serialised again on the next access. */
  release(): void {
    this.#written = undefined;
  }

  /** Learns from a refusal. Returns true if `body` has changed and is worth sending again. */
  correct(said: ProviderError): boolean {
    if (++this.#corrections > maxCorrections) return false;
    for (const lesson of this.#wire.learn(said, this.#quirks)) {
      if (lesson.wire && this.#dialect.speak(lesson.wire, lesson.note)) return this.#beginAgain();
      if (lesson.leavesOutMedia && this.#leaveOutMedia(refusalText(said))) return true;
      const quirks = lesson.changes && this.#dialect.with(lesson.changes);
      if (!quirks || !this.#rewrite(quirks)) continue;
      this.#dialect.learn(lesson);
      this.#sendMediaAgain();
      return true;
    }
    const text = refusalText(said);
    return (aboutTools.test(text) && this.#leaveOutTool(text)) || this.#leaveOutKept();
  }

  #beginAgain(): true {
    this.#wire = this.#dialect.wire;
    this.#quirks = this.#dialect.quirks;
    this.#written = undefined;
    this.#sendMediaAgain();
    return true;
  }

  /**
   * Leaves out the kept parts of earlier answers, once. This needs no pattern: a refusal that no lesson explains is often about them, and providers
   * and gateways word it in many ways.
   */
  #leaveOutKept(): boolean {
    if (!this.#sendsKept) return false;
    this.#sendsKept = false;
    if (!this.#rewrite(this.#quirks)) {
      this.#sendsKept = true;
      return false;
    }
    this.#sendMediaAgain();
    return true;
  }

  #leaveOutMedia(text: string): boolean {
    const { messages } = this.#request;
    const suspected = suspectedMedia(text, { body: this.body.text, messages, before: this.#mediaRefusals++ });
    for (const part of suspected) this.#leftOut.add(fingerprintOf(part));
    return suspected.length > 0 && this.#rewrite(this.#quirks);
  }

  /** Puts back the media that were left out in vain: the refusal was about something else, which has been corrected now. */
  #sendMediaAgain(): void {
    if (this.#leftOut.size === 0) return;
    this.#leftOut.clear();
    this.#mediaRefusals = 0;
    this.#written = undefined;
  }

  #leaveOutTool(text: string): boolean {
    const names = this.#tools.map(({ name }) => name);
    const name = toolNamedIn(text, names);
    const tool = this.#tools.find((one) => one.name === name);
    if (!tool) return false;
    this.#dialect.leaveOut(tool);
    return this.#rewrite(this.#dialect.quirks);
  }

  #rewrite(quirks: WireQuirks): boolean {
    const written = this.#write(quirks);
    const before = this.#asWritten;
    const isSame = written.body.text === before.body.text;
    if (isSame && JSON.stringify(written.headers) === JSON.stringify(before.headers)) return false;
    this.#quirks = quirks;
    this.#written = written;
    return true;
  }

  #write(quirks: WireQuirks): WrittenRequest {
    this.#tools = this.#dialect.tools(this.#request.tools, quirks);
    const messages = this.#dialect.media.withNotes(this.#request.messages, this.#leftOut);
    const request = { ...this.#request, messages, tools: this.#tools };
    const { body, headers } = this.#wire.request(request, this.#target(quirks));
    return { body: new RequestBody(body), headers };
  }

  #target(quirks: WireQuirks): Target {
    const { provider: configured, model, keptIn } = this.#dialect;
    const kept = this.#sendsKept ? keptIn : () => undefined;
    const { effort } = this.#request;
    const provider = effort ? { ...configured, reasoning: { ...configured.reasoning, effort } } : configured;
    return { provider, model, streaming: this.#streams(quirks), quirks, kept };
  }
}

interface WrittenRequest {
  body: RequestBody;
  headers: WireRequest["headers"];
}

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
