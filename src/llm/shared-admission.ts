import type { HttpConfig } from "../core/config.js";
import type { HostState } from "../core/measurements.js";
import type { Admission, AdmissionParts } from "./admission.js";

/** What clients of one `llm.http` have together. Loaded with the first request, closed with the last client. */
export class SharedAdmission {
  readonly #http: HttpConfig;
  readonly #parts: AdmissionParts;
  #admission: Promise<Admission> | undefined;
  #clients = 0;

  constructor(http: HttpConfig, parts: AdmissionParts) {
    this.#http = http;
    this.#parts = parts;
  }

  join(): this {
    this.#clients++;
    return this;
  }

  load(): Promise<Admission> {
    this.#admission ??= import("./admission.js").then(({ Admission }) => new Admission(this.#http, this.#parts));
    return this.#admission;
  }

  async state(): Promise<Pick<HostState, "limiters" | "breakers">> {
    return (await this.#admission)?.state() ?? { limiters: [], breakers: [] };
  }

  async leave(): Promise<void> {
    this.#clients--;
    if (this.#clients === 0) (await this.#admission)?.close();
  }
}
