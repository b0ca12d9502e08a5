/** Faults to cause during a replay, such as `llm[2]=cut@120`. */

import { ConfigError } from "../../core/errors.js";
import { parseDuration } from "../../core/text/durations.js";

type Fault =
  | { kind: "status"; status: number }
  /** Breaks the connection after this number of bytes of the body. */
  | { kind: "cut"; bytes: number }
  | { kind: "stall"; bytes: number }
  | { kind: "reset" }
  | { kind: "crash" }
  | { kind: "error"; code: number }
  | { kind: "delay"; ms: number };

/** A fault, together with the text that the user typed for it. Messages quote this text. */
type NamedFault = Fault & { text: string };

const grammar =
  "llm[N]= one of 400 to 599, cut@BYTES, stall, stall@BYTES, reset, delay:TIME; mcp.SERVER[N]= one of crash, stall, error:CODE, delay:TIME; " +
  "N counts requests from 1, TIME is 200ms, 5s or 1m";

/** Parses the faults. Throws ConfigError. */
export function readFaults(texts: readonly string[]): Faults {
  const problems = texts.filter((text) => !parsed(text));
  if (problems.length > 0) {
    throw new ConfigError(
      problems.map((text) => {
        const message = `${JSON.stringify(text)} is not a fault (${grammar})`;
        return { file: "--fault", line: 0, column: 0, path: "", message };
      }),
    );
  }
  return new Faults(texts.flatMap((text) => parsed(text) ?? []));
}

interface PlannedFault {
  /** Target of the requests that the fault affects: `llm`, or `mcp.` followed by the name of a server. */
  target: string;
  nth: number;
  fault: NamedFault;
}

export class Faults {
  readonly #planned: PlannedFault[];
  readonly #counts = new Map<string, number>();
  readonly #vain: string[] = [];

  constructor(planned: readonly PlannedFault[]) {
    this.#planned = [...planned];
  }

  /** Counts a request to the target. Returns the fault that is planned for it, if any. */
  next(target: string): NamedFault | undefined {
    const nth = (this.#counts.get(target) ?? 0) + 1;
    this.#counts.set(target, nth);
    const index = this.#planned.findIndex((planned) => planned.target === target && planned.nth === nth);
    return index < 0 ? undefined : this.#planned.splice(index, 1)[0]?.fault;
  }

  /** Records that a fault had no effect, because the answer came from the real model and not from the recording. */
  noteVain({ text }: NamedFault): void {
    this.#vain.push(`the fault ${text} did not happen: the request was recorded, and only a played answer can be cut`);
  }

  /** Messages about the faults that did not happen. */
  get left(): string[] {
    const unmet = this.#planned.map(({ target, fault }) => {
      const count = this.#counts.get(target) ?? 0;
      return `the fault ${fault.text} did not happen: there were ${count} requests to ${target}`;
    });
    return [...this.#vain, ...unmet];
  }
}

function parsed(text: string): PlannedFault | undefined {
  const [, target = "", nth, what = ""] = /^(llm|mcp\.[^[\]=]+)\[([1-9]\d{0,5})\]=(.+)$/.exec(text) ?? [];
  const fault = target === "llm" ? modelFault(what) : serverFault(what);
  return fault && nth !== undefined ? { target, nth: Number(nth), fault: { ...fault, text } } : undefined;
}

function modelFault(what: string): Fault | undefined {
  if (/^[45]\d\d$/.test(what)) return { kind: "status", status: Number(what) };
  if (what === "reset") return { kind: "reset" };
  const [, kind, bytes] = /^(cut|stall)(?:@(\d{1,9}))?$/.exec(what) ?? [];
  if (kind === "stall") return { kind, bytes: Number(bytes ?? 0) };
  if (kind === "cut" && bytes !== undefined) return { kind, bytes: Number(bytes) };
  return delay(what);
}

function serverFault(what: string): Fault | undefined {
  if (what === "crash") return { kind: "crash" };
  if (what === "stall") return { kind: "stall", bytes: 0 };
  const code = /^error:(-?\d{1,6})$/.exec(what)?.[1];
  return code === undefined ? delay(what) : { kind: "error", code: Number(code) };
}

function delay(what: string): Fault | undefined {
  const ms = what.startsWith("delay:") ? parseDuration(what.slice("delay:".length)) : undefined;
  return ms === undefined ? undefined : { kind: "delay", ms };
}
