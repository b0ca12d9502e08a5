import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ChatStore, ConversationQuery, ConversationSummary } from "../../src/core/chat-store.js";
import { isTurnEnd, type StoredEvent } from "../../src/core/events.js";
import { driverUnderTest, withStore } from "../support/storages.js";
import { request, turn } from "./support.js";

const ids = ["a", "b", "c", "single_d"] as const;
const texts = [
  "Hello",
  "ÄRGER im Haus",
  "a\0b \ud800",
  "",
  `${"😀".repeat(90)}`,
  'say "Hello", [100 %] of _it_',
  `${"x".repeat(1_990)} the end is not found`,
] as const;
/** What is searched for: parts of titles and messages, with the characters that have a meaning in patterns. */
const searches = [
  "Ärger",
  "hello",
  "ÄR",
  '"',
  '"hello", [100 %] of _it_',
  "😀😀😀",
  "the end",
  "x the e",
  "x".repeat(90),
  "b \ud800",
];
const plain = (text: string) => text.replaceAll(/[\0\p{Surrogate}]/gu, "\ufffd");

const steps = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...[
        "ask",
        "ask",
        "hop",
        "question",
        "reply",
        "end",
        "fail",
        "rewind",
        "copy",
        "version",
        "title",
        "pin",
        "delete",
      ],
    ),
    id: fc.constantFrom(...ids),
    to: fc.constantFrom(...ids),
    text: fc.constantFrom(...texts),
    workspace: fc.constantFrom("here", "there"),
  }),
  { maxLength: 25 },
);

type Step = typeof steps extends fc.Arbitrary<(infer Each)[]> ? Each : never;

/** What a list has to show of the log so far, computed from the events. The order and the times are those of the changes. */
class Expected {
  readonly changes: { conversationId: string; at: number; workspace?: string }[] = [];
  readonly titles = new Map<string, string>();
  readonly pinned = new Set<string>();
  /** The first version of each conversation with versions. */
  readonly families = new Map<string, string>();
  /** Versions that have no message of their own yet. */
  readonly unbegun = new Set<string>();

  changed(conversationId: string, event: StoredEvent | undefined, workspace?: string): void {
    this.changes.push({ conversationId, at: event?.at ?? 0, ...(workspace !== undefined && { workspace }) });
  }

  deleted(conversationId: string): void {
    const left = this.changes.filter((change) => change.conversationId !== conversationId);
    this.changes.splice(0, this.changes.length, ...left);
    for (const of of [this.titles, this.pinned, this.families, this.unbegun]) of.delete(conversationId);
  }

  /** Returns the conversation and its versions. */
  versions(conversationId: string): string[] {
    const family = this.families.get(conversationId);
    const all = family ? ids.filter((id) => this.families.get(id) === family) : [];
    return all.length > 0 ? all : [conversationId];
  }

  copied(from: string, to: string, isVersion: boolean): void {
    const title = this.titles.get(from);
    if (title !== undefined) this.titles.set(to, title);
    if (!isVersion) return;
    const family = this.families.get(from) ?? from;
    this.families.set(from, family).set(to, family);
    this.unbegun.add(to);
    if (this.pinned.has(from)) this.pinned.add(to);
  }

  /** Returns what a list shows of these rows. */
  listed(rows: readonly ConversationSummary[]): ConversationSummary[] {
    const hasBegun = rows.filter(({ conversationId }) => !this.unbegun.has(conversationId));
    const isLast = ({ conversationId }: ConversationSummary) =>
      hasBegun.find((row) => this.versions(conversationId).includes(row.conversationId))?.conversationId ===
      conversationId;
    return hasBegun.filter((row) => row.conversationId !== "single_d" && isLast(row));
  }

  async rows(store: ChatStore): Promise<ConversationSummary[]> {
    const latest = [...new Set(this.changes.map(({ conversationId }) => conversationId).reverse())];
    return Promise.all(latest.map((conversationId) => this.#row(store, conversationId)));
  }

  /** Returns the conversations that a search must find, with titles or messages that no rewind removed. */
  async found(store: ChatStore, text: string): Promise<ConversationSummary[]> {
    const part = plain(text).toLowerCase();
    const found: ConversationSummary[] = [];
    for (const row of this.listed(await this.rows(store))) {
      const events = await store.read(row.conversationId);
      const rewinds = events.filter((event) => event.type === "rewind");
      const left = events.filter(({ seq }) => !rewinds.some((rewind) => rewind.seq > seq && rewind.toSeq < seq));
      const said = left.flatMap((event) => {
        if (event.type === "assistant_message") return [event.message.content];
        const parts = event.type === "user_message" ? event.content : [];
        return parts.map((part) => (part.type === "text" ? part.text : ""));
      });
      const texts = said.map((text) => [...text].slice(0, 2_000).join(""));
      const where = [...part].length < 3 ? [row.title] : [row.title, ...texts];
      if (where.some((each) => plain(each).toLowerCase().includes(part))) found.push(row);
    }
    return found;
  }

  async #row(store: ChatStore, conversationId: string): Promise<ConversationSummary> {
    const events = await store.read(conversationId);
    const changes = this.changes.filter((change) => change.conversationId === conversationId);
    const asked = events.filter((event) => event.type === "user_message");
    const rewinds = events.filter((event) => event.type === "rewind");
    const left = asked.filter(({ seq }) => !rewinds.some((rewind) => rewind.seq > seq && rewind.toSeq < seq));
    const [part] = asked[0]?.content ?? [];
    const made = part?.type === "text" ? [...plain(part.text)].slice(0, 80).join("") : "";
    const family = this.families.get(conversationId) ?? null;
    const open = asked.filter((event) => !events.some((end) => end.turnId === event.turnId && isTurnEnd(end)));
    const questions = events.filter(({ turnId }) => open.some((turn) => turn.turnId === turnId));
    const count = (type: string) => questions.filter((event) => event.type === type).length;
    return {
      conversationId,
      lastSeq: events.length,
      updatedAt: changes.at(-1)?.at ?? 0,
      title: this.titles.get(conversationId) ?? made,
      pinned: this.pinned.has(conversationId),
      versionOf: family === conversationId ? null : family,
      state: open.length === 0 ? "idle" : count("question") > count("answer") ? "waiting" : "running",
      workspace: changes.findLast(({ workspace }) => workspace !== undefined)?.workspace ?? "",
      turns: left.length,
    };
  }
}

const spending = { kind: "limit", limit: "usd", scope: "day", used: 2, allowed: 1 } as const;

/** Takes the step, if the log allows it. `count` makes its ids unique. */
async function take(store: ChatStore, { what, id, to, text, workspace }: Step, count: number, expected: Expected) {
  const open = (await store.archive.unfinished()).some(({ conversationId }) => conversationId === id);
  const events = await store.read(id);
  const turnId = `turn_${count}`;
  switch (what) {
    case "ask":
      if (open) return;
      await store.claim(id, turn(turnId).user(text), request("n", workspace));
      expected.unbegun.delete(id);
      return expected.changed(id, (await store.read(id)).at(-1), workspace);
    case "hop":
    case "question":
    case "reply":
    case "end":
    case "fail": {
      const asked = events.findLast((event) => event.type === "user_message");
      if (!open || !asked) return;
      const lease = await store.turns.acquire(id, asked.turnId, "n");
      const own = turn(asked.turnId);
      const has = (type: string) => events.filter((one) => one.turnId === asked.turnId && one.type === type).length;
      if (what === "reply" && has("question") <= has("answer")) return;
      const eventOf = {
        hop: () => own.answer(text),
        question: () => ({ type: "question", turnId: asked.turnId, questionId: turnId, question: spending }) as const,
        reply: () => ({ type: "answer", turnId: asked.turnId, questionId: turnId, value: true }) as const,
        end: () => own.end(),
        fail: () => own.error(false),
      };
      const event = eventOf[what]();
      const position = events.filter((one) => one.turnId === asked.turnId).length + 1;
      const grant = { fence: lease?.fence ?? 0, position, lastSeq: events.length };
      const [stored] = await store.appendAll(id, [event], grant);
      if (what === "end" || what === "fail") expected.changed(id, stored);
      return;
    }
    case "rewind": {
      if (open || events.length === 0) return;
      const toSeq = Math.floor(events.length / 2);
      return expected.changed(id, await store.archive.amend(id, () => ({ type: "rewind", turnId, toSeq })));
    }
    case "title": {
      if (events.length === 0) return;
      for (const version of expected.versions(id)) {
        if (text === "") expected.titles.delete(version);
        else expected.titles.set(version, plain(text));
      }
      await store.archive.label(id, { title: plain(text) || null });
      return;
    }
    case "pin": {
      if (events.length === 0) return;
      const pinned = !expected.pinned.has(id);
      for (const version of expected.versions(id)) {
        if (pinned) expected.pinned.add(version);
        else expected.pinned.delete(version);
      }
      await store.archive.label(id, { pinned });
      return;
    }
    case "copy":
    case "version": {
      if (open || events.length === 0 || (await store.read(to)).length > 0) return;
      const seqs = events.filter(({ type }) => type !== "fork" && type !== "rewind").map(({ seq }) => seq);
      const first = { type: "fork" as const, turnId, origins: [id as string], toSeq: events.length };
      if (seqs.length === 0) return;
      await store.archive.copy(id, to, () => ({ first, seqs }), what === "version");
      expected.copied(id, to, what === "version");
      return expected.changed(to, (await store.read(to))[0]);
    }
    case "delete": {
      if (open || events.length === 0) return;
      const busy = await store.archive.unfinished();
      if (busy.some(({ conversationId }) => expected.versions(id).includes(conversationId))) return;
      expect((await store.archive.delete(id)).sort()).toEqual(expected.versions(id).sort());
      for (const deleted of expected.versions(id)) expected.deleted(deleted);
    }
  }
}

/** Reads all pages of two conversations each. */
async function paged(store: ChatStore, query: Omit<ConversationQuery, "most" | "after">) {
  const rows: ConversationSummary[] = [];
  for (let after: number | undefined; ; ) {
    const page = await store.conversations({ ...query, most: 2, after });
    rows.push(...page.conversations);
    after = page.next;
    if (after === undefined) return rows;
  }
}

test("pages show the state that the events of the log give, whatever happened to the conversations", () =>
  withStore(async (store) => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const expected = new Expected();
        await store.turns.beat({ nodeId: "n", machine: "m", pid: 1 });
        for (const step of taken) await take(store, step, count++, expected);
        const all = await expected.rows(store);
        const listed = expected.listed(all);
        expect(await paged(store, { isPinned: true })).toEqual(listed.filter(({ pinned }) => pinned));
        expect(await paged(store, { includesHidden: true })).toEqual(all);
        expect(await paged(store, {})).toEqual(listed);
        for (const text of searches) expect(await paged(store, { text })).toEqual(await expected.found(store, text));
        const both = { text: "Ärger", workspaces: ["here"] };
        const found = await expected.found(store, both.text);
        expect(await paged(store, both)).toEqual(found.filter(({ workspace }) => workspace === "here"));
        const here = listed.filter(({ workspace }) => workspace === "here");
        expect(await paged(store, { workspaces: ["here"] })).toEqual(here);
        const oldest = all.toReversed().map(({ conversationId, lastSeq }) => ({ conversationId, lastSeq }));
        const rule = { changedBefore: Number.MAX_SAFE_INTEGER, now: 0 };
        expect(await store.archive.expiring(rule, { most: 10, skip: 0 })).toEqual(oldest);
        const oldestListed = oldest.filter(({ conversationId }) => conversationId !== "single_d");
        expect(await store.archive.expiring({ beyond: 1 }, { most: 2, skip: 0 })).toEqual(
          oldestListed.slice(0, -1).slice(0, 2),
        );
        expect(await store.archive.expiring({ beyond: 0 }, { most: 2, skip: 1 })).toEqual(oldestListed.slice(1, 3));
        expect(await store.archive.lastChange()).toBe(all[0]?.updatedAt ?? 0);
        await store.turns.leave("n");
        for (const id of ids) await store.archive.delete(id);
      }),
      { numRuns: driverUnderTest === "postgres" ? 10 : 30 },
    );
  }));
