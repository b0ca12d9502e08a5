/** Schedules of events for three nodes, their database and four conversations. A seed sets their order and times. */
import { randomFrom } from "../support/fuzz.js";

export const slots = 3;
const conversations = 4;
/**
 * Periods in which all prompts come, and in which all faults begin: some faults before there is a turn, most during turns, few after them.
 * In ms.
 */
const promptsMs = 1_000;
const faultsMs = 2_000;

export interface Prompt {
  /** Request id. No other schedule has it. */
  name: string;
  conversationId: string;
  /** Steps of the turn: looks (`l`), which may be repeated, and bookings (`b`), which may not. */
  plan: string;
}

/** Returns the user's text, from which the model reads the plan. */
export function textOf({ name, plan }: Prompt): string {
  return `${name}:${plan}`;
}

export type Act =
  | { at: number; act: "prompt" | "cancel"; prompt: Prompt; slot: number }
  | { at: number; act: "kill" | "drain" | "reset"; slot: number }
  | { at: number; act: "stop" | "freeze"; slot: number; forMs: number }
  | { at: number; act: "crash-database"; forMs: number };

export interface Schedule {
  seed: number;
  prompts: Prompt[];
  acts: Act[];
}

/** Returns the prefix of the schedule's conversation ids. */
export function conversationsOf({ seed }: { seed: number }): string {
  return `s${seed}-`;
}

/** `leaseMs`: standstills are shorter or longer than a lease. */
export function scheduleOf(seed: number, leaseMs: number): Schedule {
  const random = randomFrom(seed);
  const slot = () => random(slots);
  const at = () => 200 + random(faultsMs);
  const forMs = () => (random(2) === 0 ? random(leaseMs) : leaseMs + random(leaseMs));
  const prompts = Array.from({ length: 6 + random(5) }, (_, index) => ({
    name: `s${seed}.${index}`,
    conversationId: `${conversationsOf({ seed })}c${random(conversations)}`,
    plan: Array.from({ length: random(4) }, () => (random(2) === 0 ? "l" : "b")).join(""),
  }));
  const acts: Act[] = [];
  for (const prompt of prompts) {
    const first = { at: random(promptsMs), act: "prompt", prompt, slot: slot() } as const;
    acts.push(first);
    if (random(3) === 0) acts.push({ ...first, at: first.at + random(100), slot: first.slot + 1 });
    if (random(8) === 0) acts.push({ at: first.at + random(600), act: "cancel", prompt, slot: slot() });
  }
  const faults: (() => Act)[] = [
    () => ({ at: at(), act: "kill", slot: slot() }),
    () => ({ at: at(), act: "kill", slot: slot() }),
    () => ({ at: at(), act: "drain", slot: slot() }),
    () => ({ at: at(), act: "stop", slot: slot(), forMs: forMs() }),
    () => ({ at: at(), act: "stop", slot: slot(), forMs: forMs() }),
    () => ({ at: at(), act: "stop", slot: slot(), forMs: forMs() }),
    () => ({ at: at(), act: "freeze", slot: slot(), forMs: forMs() }),
    () => ({ at: at(), act: "freeze", slot: slot(), forMs: forMs() }),
    () => ({ at: at(), act: "reset", slot: slot() }),
    () => ({ at: at(), act: "crash-database", forMs: random(leaseMs) }),
  ];
  for (let fault = 1 + random(4); fault > 0; fault--) acts.push((faults[random(faults.length)] as () => Act)());
  return { seed, prompts, acts: acts.sort((one, other) => one.at - other.at) };
}

/** Returns a line for each act. */
export function shown({ acts }: Schedule): string {
  return acts
    .map(({ at, act, ...rest }) => {
      const prompt = "prompt" in rest ? `${textOf(rest.prompt)} in ${rest.prompt.conversationId} ` : "";
      const where = "slot" in rest ? `node ${rest.slot % slots} ` : "";
      return `${String(at).padStart(5)} ms ${act} ${prompt}${where}${"forMs" in rest ? `for ${rest.forMs} ms` : ""}`.trimEnd();
    })
    .join("\n");
}
