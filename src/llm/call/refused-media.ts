import { createHash } from "node:crypto";
import { remember } from "../../core/async/remember.js";
import { isPlainObject } from "../../core/json.js";
import { type ContentPart, isPictureAddress, type Message } from "../../core/messages.js";
import { noteOn } from "../wires/shared/message-content.js";
import { aboutAddresses, aboutNumber } from "../wires/shared/refusals.js";

/** A picture, sound or PDF of a conversation, with its data or with the address from which the provider fetches it. */
type MediaPart = Exclude<ContentPart, { type: "text" }>;

/**
 * Pictures and sound that a model's provider has refused, known by a hash of their data or address. Requests hold notes in their place,
 * since the provider would refuse every later request of the conversation too.
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
  const refused = new Set<ContentPart>(mediaIn(message).filter(isRefused));
  if (refused.size === 0 || typeof message.content === "string") return message;
  const content = message.content.map((part) => (part.type !== "text" && refused.has(part) ? noteOn(part) : part));
  return { ...message, content } as Message;
}

/** After this many refusals of one request, the path that a refusal names is ignored. */
const mostNamed = 4;

/**
 * Returns the media of the conversation that a refusal may be about, among those that stand in the refused request (`body`). Media in the last
 * message of the user are never returned. If the refusal is about addresses, only pictures sent by address are considered; otherwise only those of the
 * kinds that it mentions (pictures, sound, PDFs). If that leaves none, all are considered. Of these it returns:
 * - the older half, if the refusal says that there are too many, so that the model keeps seeing what is new;
 * - otherwise those that the refusal names by their data or address, or by the path of a part of the request;
 * - if it names none, those that came after the same answer as the newest one, and after an earlier refusal (`before` is not 0) all.
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
  const ofType = sent.filter(({ part: { type } }) => mentions[type].test(refusal));
  const addresses = sent.filter(({ part }) => part.type === "resource_link" && aboutAddresses.test(refusal));
  const all = [addresses, ofType].find(({ length }) => length > 0) ?? sent;
  if (aboutNumber.test(refusal)) return all.slice(0, Math.ceil(all.length / 2)).map(({ part }) => part);
  const named = before < mostNamed ? namedIn(refusal, body) : "";
  const those = all.filter(({ part }) => named.includes(jsonTextOf(part)) || refusal.includes(sourceOf(part)));
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

/** Match refusals that mention media of this kind. */
const mentions: Readonly<Record<MediaPart["type"], RegExp>> = {
  image: /image/i,
  resource_link: /image/i,
  audio: /audio/i,
  file: /file|document|pdf/i,
};

function lastOfUser(messages: readonly Message[]): number {
  return messages.findLastIndex(({ role }) => role === "user");
}

function mediaIn({ role, content }: Message): MediaPart[] {
  if (typeof content === "string") return [];
  return content.filter((part): part is MediaPart => "data" in part || (role === "user" && isPictureAddress(part)));
}

/** Returns the data, or the address, as it stands in a request's body. An address within a text is not found by it, because of the quotes. */
function jsonTextOf(part: MediaPart): string {
  const quoted = JSON.stringify(sourceOf(part));
  return part.type === "resource_link" ? quoted : quoted.slice(1, -1);
}

function sourceOf(part: MediaPart): string {
  return part.type === "resource_link" ? part.uri : part.data;
}

const fingerprints = new WeakMap<MediaPart, string>();

export function fingerprintOf(part: MediaPart): string {
  const known = fingerprints.get(part) ?? createHash("sha256").update(sourceOf(part)).digest("base64");
  fingerprints.set(part, known);
  return known;
}
