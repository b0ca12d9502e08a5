import { createHash } from "node:crypto";
import { remember } from "../../core/async/remember.js";
import { isPlainObject } from "../../core/json.js";
import type { Message } from "../../core/messages.js";
import { type MediaPart, mediaReference } from "../wires/shared/message-content.js";
import { ABOUT_NUMBER } from "../wires/shared/refusals.js";

/**
 * Pictures and sound that a model's provider has refused, known by a hash of their data. Requests hold notes in their place, since the
 * provider would refuse every later request of the conversation too.
 */
export class RefusedMedia {
  readonly #refused = new Map<string, true>();

  add(fingerprints: Iterable<string>): void {
    for (const fingerprint of fingerprints) remember(this.#refused, fingerprint, true);
  }

  /**
   * Replaces refused media by notes; `more` holds the fingerprints of other media to replace. The last message of the user is not changed:
   * if the provider refuses it, the user should know.
   */
  withNotes(messages: readonly Message[], more: ReadonlySet<string>): readonly Message[] {
    if (this.#refused.size + more.size === 0) return messages;
    const last = lastOfUser(messages);
    const isRefused = (part: MediaPart) => {
      const fingerprint = fingerprintOf(part);
      return more.has(fingerprint) || this.#refused.has(fingerprint);
    };
    return messages.map((message, index) => (index === last ? message : withNotes(message, isRefused)));
  }
}

function withNotes(message: Message, isRefused: (part: MediaPart) => boolean): Message {
  if (mediaIn(message).every((part) => !isRefused(part)) || typeof message.content === "string") return message;
  const content = message.content.map((part) =>
    "data" in part && isRefused(part) ? { type: "text" as const, text: mediaReference(part) } : part,
  );
  return { ...message, content } as Message;
}

/** After this many refusals of one request, the path that a refusal names is ignored. */
const MOST_NAMED = 4;

/**
 * Returns the media of the conversation that a refusal may be about. If there are too many, these are the older half, so that the model keeps seeing
 * what is new. Otherwise, they are those in the part of the request that the refusal names by its path. If it names none, they are the latest media,
 * and after a further refusal (`before` is not 0) all. If the refusal mentions only pictures or only sound, the other is left alone. Media in the last
 * message of the user are never returned. `body`: the refused request.
 */
export function suspectedMedia(
  refusal: string,
  { body, messages, before }: { body: string; messages: readonly Message[]; before: number },
): readonly MediaPart[] {
  const last = lastOfUser(messages);
  let answers = 0;
  const sent = messages.flatMap((message, index) => {
    if (message.role === "assistant") answers++;
    const media = index === last ? [] : mediaIn(message).filter((part) => body.includes(jsonTextOf(part)));
    return media.map((part) => ({ part, answers }));
  });
  const ofType = sent.filter(({ part }) => refusal.includes(part.type));
  const all = ofType.length > 0 ? ofType : sent;
  if (ABOUT_NUMBER.test(refusal)) return all.slice(0, Math.ceil(all.length / 2)).map(({ part }) => part);
  const named = before < MOST_NAMED ? namedIn(refusal, body) : "";
  const those = all.filter(({ part }) => named.includes(jsonTextOf(part)));
  const latest = all.filter((media) => media.answers === all.at(-1)?.answers);
  return (those.length > 0 ? those : before === 0 ? latest : all).map(({ part }) => part);
}

/**
 * Returns the part of the body, as JSON, that the refusal names by its path (`messages.2.content.0.image.source`). "" if it names none. The
 * result may be an enclosing part, or the whole body, because words that are not keys are skipped.
 */
function namedIn(refusal: string, body: string): string {
  const path = /\b(messages|input|contents)[.[\]/]{1,3}\d+([.[\]/]{1,3}\w+)*/.exec(refusal)?.[0];
  if (path === undefined) return "";
  let value: unknown = JSON.parse(body);
  // Words that are not keys are skipped: Anthropic's paths name the type of a block (`image`), Gemini's are in another notation.
  for (const key of path.split(/\W+/)) {
    if ((isPlainObject(value) || Array.isArray(value)) && Object.hasOwn(value, key)) {
      value = (value as Record<string, unknown>)[key];
    }
  }
  return JSON.stringify(value);
}

function lastOfUser(messages: readonly Message[]): number {
  return messages.findLastIndex(({ role }) => role === "user");
}

function mediaIn({ content }: Message): MediaPart[] {
  return typeof content === "string" ? [] : content.filter((part): part is MediaPart => "data" in part);
}

/** Returns the data as it stands in a request's body. */
function jsonTextOf({ data }: MediaPart): string {
  return JSON.stringify(data).slice(1, -1);
}

const fingerprints = new WeakMap<MediaPart, string>();

export function fingerprintOf(part: MediaPart): string {
  const known = fingerprints.get(part) ?? createHash("sha256").update(part.data).digest("base64");
  fingerprints.set(part, known);
  return known;
}
