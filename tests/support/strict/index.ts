/**
 * Strict mock providers over real HTTP on loopback. They refuse requests as the vendor does (texts, status, headers) and keep a bill.
 *
 *   await using openai = await startOpenAi([answer(thinks("hm"), calls("add", { a: 2 })), answer("4")]);
 *   // openai.url is the base_url (`…/v1`; Gemini: `…/v1beta`). startOpenAi serves /v1/responses and /v1/chat/completions,
 *   // startDeepSeek Chat Completions with models that think, startAnthropic /v1/messages, startGemini :generateContent. Model names are the vendor's: gpt-5.6-sol, claude-opus-5-5,
 *   // gemini-3.5-pro …; another name is a 404. `keys: { k1: "account a" }` gives keys to accounts; otherwise each key is an account.
 *   // A step answers one accepted request, streamed or whole as the request wants it. Steps:
 *   //   answer(thinks(…), says(…), calls(…), calls(…))     parts in any order; a string is says()
 *   //   ending("length" | "refusal" | "pause" …, …parts)   another end than the natural one
 *   //   breaking({ how: "cut" | "reset" | "stall" | "error" | "failed", at: "before_text" | "after_text" | "in_call" …, until, error }, …parts)
 *   //   failing("rate_limit" | "overloaded" | "server" …, { retryAfter: { seconds: 2 } | { milliseconds } | { date } | { body: "2s" } })
 *   //   ...loop(30, (n) => answer(calls("read", { n })), answer("done"))
 *   //   ({ results, userText, hop }) => answer(…)          a step, or the whole script, as a function
 *   expect(openai.refusals).toEqual([]);          // what was refused: message, status, code
 *   expect(openai.hops.at(-1)?.lostReasoning).toEqual([]); // reasoning of answers in the request that did not come back;
 *                                                 // `warnings`: accepted, but the vendor warns of it
 *   openai.bill({ input: 2, output: 8 }).dollars; // and read, written, fresh, readShare, writtenTwice and prefixBroken (hops)
 *
 * Options: `keys`, `contextWindow` (tokens), `now` (clock of the cache), `countsEachBlock` (look-back of Anthropic's clouds).
 * A refused request uses no step. Disposal fails if steps are left over, or if a request had no step.
 */
import { chatWire, deepSeekWire } from "./chat.js";
import { geminiWire } from "./gemini.js";
import { messagesWire } from "./messages.js";
import { responsesWire } from "./responses.js";
import type { Script } from "./script.js";
import { type MockOptions, type StrictMock, startVendor } from "./server.js";

export { pngOf } from "./pictures.js";
export * from "./script.js";
export type { MockOptions, StrictMock } from "./server.js";

export const startOpenAi = (script: Script, options: MockOptions = {}): Promise<StrictMock> =>
  startVendor("v1", (vendor) => [responsesWire(vendor), chatWire(vendor)], script, options);

export const startDeepSeek = (script: Script, options: MockOptions = {}): Promise<StrictMock> =>
  startVendor("v1", (vendor) => [deepSeekWire(vendor)], script, options);

export const startAnthropic = (script: Script, options: MockOptions = {}): Promise<StrictMock> =>
  startVendor("v1", (vendor) => [messagesWire(vendor)], script, options);

export const startGemini = (script: Script, options: MockOptions = {}): Promise<StrictMock> =>
  startVendor("v1beta", (vendor) => [geminiWire(vendor)], script, options);
