import { randomUUID } from "node:crypto";

/** Makes an id with the prefix that says what it names: `turn_…`, `conv_…`. Injected, so that tests know every id. */
export type NewId = (prefix: string) => string;

export const newId: NewId = (prefix) => `${prefix}_${randomUUID().replaceAll("-", "")}`;
