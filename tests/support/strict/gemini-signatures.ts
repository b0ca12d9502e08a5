import { type GeminiModel, invalid } from "./gemini-request.js";
import { isJson, type Json, listOf, textOf } from "./refusal.js";

/** Signatures that the service accepts for history from another model or vendor. */
const sentinels = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];

/** Signatures that the Gemini mock has given out. A signature must come back on the part that it came on, and on no other. */
export class IssuedSignatures {
  readonly #bySignature = new Map<string, { part: Json; account: string }>();
  readonly #byCall = new Map<string, Json>();
  /** Signatures of answers without calls, by text; several answers may have the same text. */
  readonly #byText = new Map<string, unknown[]>();

  remember(parts: readonly Json[], account: string): void {
    for (const part of parts) {
      if (part.thoughtSignature === undefined) continue;
      this.#bySignature.set(textOf(part.thoughtSignature), { part, account });
      if (isJson(part.functionCall)) this.#byCall.set(keyOf(part.functionCall), part);
      else this.#byText.set(spoken(parts), [...(this.#byText.get(spoken(parts)) ?? []), part.thoughtSignature]);
    }
  }

  /** Checks the current turn, which begins at the last user content that has text. Older turns are not checked. */
  check(contents: readonly Json[], model: GeminiModel, account: string): void {
    const start = contents.findLastIndex(
      ({ role, parts }) => role !== "model" && listOf(parts).some(({ text }) => typeof text === "string"),
    );
    for (const content of contents.slice(start + 1)) {
      if (content.role !== "model") continue;
      const parts = listOf(content.parts);
      for (const part of parts) this.#checkPart(part, account);
      const first = parts.findIndex(({ functionCall }) => functionCall !== undefined);
      const call = parts[first];
      if (model.isThree && call && !call.thoughtSignature) {
        const name = isJson(call.functionCall) ? call.functionCall.name : "";
        throw invalid(
          `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${name}\` , position ${contents.indexOf(content) + 1}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.`,
        );
      }
    }
  }

  #checkPart(part: Json, account: string): void {
    const { thoughtSignature } = part;
    if (thoughtSignature === undefined || sentinels.includes(String(thoughtSignature))) return;
    const issued = this.#bySignature.get(textOf(thoughtSignature));
    if (!issued || issued.account !== account || !isSamePart(part, issued.part))
      throw invalid("Corrupted thought signature.");
  }

  /** Returns the ids of calls and the texts in the whole history whose signature was not sent back. */
  lost(contents: readonly Json[]): string[] {
    return contents.flatMap(({ role, parts: ofContent }) => {
      const parts = listOf(ofContent);
      const calls = parts.flatMap((part) => {
        const issued = isJson(part.functionCall) ? this.#byCall.get(keyOf(part.functionCall)) : undefined;
        return issued && issued.thoughtSignature !== part.thoughtSignature ? [keyOf(part.functionCall as Json)] : [];
      });
      const text = spoken(parts);
      const hasCalls = parts.some(({ functionCall }) => functionCall !== undefined);
      const issued = role === "model" && !hasCalls ? (this.#byText.get(text) ?? []) : [];
      const isLost = issued.length > 0 && !parts.some(({ thoughtSignature }) => issued.includes(thoughtSignature));
      return isLost ? [...calls, text] : calls;
    });
  }
}

const spoken = (parts: readonly Json[]): string =>
  parts.map(({ text, thought }) => (thought === true ? "" : textOf(text))).join("");

const keyOf = ({ id, name, args }: Json) => textOf(id) || `${name} ${JSON.stringify(args)}`;

const isSamePart = (sent: Json, issued: Json) =>
  sent.text === issued.text && callText(sent.functionCall) === callText(issued.functionCall);

const callText = (call: unknown) => (isJson(call) ? JSON.stringify([call.id, call.name, call.args]) : "");
