import { randomUUID } from "node:crypto";

/** Makes an id with the prefix that says what it names: `turn_…`, `conv_…`. Injected, so that tests know every id. */
export type NewId = (prefix: string) => string;

/** One of them in a text, with its prefix as the first group. */
export const idPattern = /\b([a-z]{1,20})_[0-9a-f]{32}\b/g;

export const newId: NewId = (prefix) => `${prefix}_${randomUUID().replaceAll("-", "")}`;
