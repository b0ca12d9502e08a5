import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest, IncomingMessage } from "node:http";
import { hostOf } from "../llm/connection/proxy.js";
import { type Finding, ok, warn } from "./finding.js";
import { toleratedSkewMs } from "./host-checks.js";

/**
 * Compares this machine's clock with the provider's clock. The provider's time is taken from the `Date` header of responses. No additional
 * requests are sent for it.
 */
export class TheirClock implements Disposable {
  #skewMs: number | undefined;
  readonly #host: string;
  readonly #listen = (message: unknown) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const theirs = Date.parse(response.headers.date ?? "");
    if (request.host === this.#host && request.method === "POST" && Number.isFinite(theirs))
      this.#skewMs = Date.now() - theirs;
  };

  constructor(baseUrl: string) {
    this.#host = URL.canParse(baseUrl) ? hostOf(new URL(baseUrl)) : "";
    subscribe("http.client.response.finish", this.#listen);
  }

  findings(): Finding[] {
    if (this.#skewMs === undefined) return [];
    const seconds = Math.round(Math.abs(this.#skewMs) / 1000);
    if (Math.abs(this.#skewMs) <= toleratedSkewMs) return [ok("clock", `agrees with the provider's to ${seconds} s`)];
    const text = `this machine's clock is ${seconds} s ${this.#skewMs > 0 ? "ahead of" : "behind"} the provider's`;
    return [
      warn(
        "clock",
        text,
        "set the clock (timedatectl set-ntp true): logins and certificates are refused under a wrong one",
      ),
    ];
  }

  [Symbol.dispose](): void {
    unsubscribe("http.client.response.finish", this.#listen);
  }
}
