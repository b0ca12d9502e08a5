import type { HttpConfig } from "../../core/config.js";
import { loadOnce } from "../../core/files/load-once.js";
import type { HostState } from "../../core/measurements.js";
import type { Admission, AdmissionParts } from "./admission.js";

/**
 * The admission (limits, breakers and connections) that all clients with the same `llm.http` share. It is loaded with the first request and
 * closed with the last client.
 */
export class SharedAdmission {
  /** Resolves when the admission is loaded, or with undefined if its loading has failed. Undefined before the first request. */
  #loading: Promise<Admission | undefined> | undefined;
  readonly #loadOnce: () => Promise<Admission>;
  #clients = 0;
  loaded: Admission | undefined;

  constructor(http: HttpConfig, parts: AdmissionParts) {
    this.#loadOnce = loadOnce(async () => {
      const { Admission } = await import("./admission.js");
      this.loaded = new Admission(http, parts);
      return this.loaded;
    });
  }

  join(): this {
    this.#clients++;
    return this;
  }

  load(): Promise<Admission> {
    const loading = this.#loadOnce();
    this.#loading = loading.catch(() => undefined);
    return loading;
  }

  async state(): Promise<Pick<HostState, "limiters" | "breakers">> {
    return (await this.#loading)?.state() ?? { limiters: [], breakers: [] };
  }

  async leave(): Promise<void> {
    this.#clients--;
    if (this.#clients === 0) (await this.#loading)?.close();
  }
}
