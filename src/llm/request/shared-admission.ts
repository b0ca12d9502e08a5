import type { HttpConfig } from "../../core/config.js";
import type { HostState } from "../../core/measurements.js";
import type { Admission, AdmissionParts } from "./admission.js";

/**
 * The admission (limits, breakers and connections) that all clients with the same `llm.http` share. It is loaded with the first request and
 * closed with the last client.
 */
export class SharedAdmission {
  readonly #http: HttpConfig;
  readonly #parts: AdmissionParts;
  #loading: Promise<Admission> | undefined;
  #clients = 0;
  loaded: Admission | undefined;

  constructor(http: HttpConfig, parts: AdmissionParts) {
    this.#http = http;
    this.#parts = parts;
  }

  join(): this {
    this.#clients++;
    return this;
  }

  load(): Promise<Admission> {
    this.#loading ??= import("./admission.js").then(({ Admission }) => {
      this.loaded = new Admission(this.#http, this.#parts);
      return this.loaded;
    });
    return this.#loading;
  }

  async state(): Promise<Pick<HostState, "limiters" | "breakers">> {
    return (await this.#loading)?.state() ?? { limiters: [], breakers: [] };
  }

  async leave(): Promise<void> {
    this.#clients--;
    if (this.#clients === 0) (await this.#loading)?.close();
  }
}
