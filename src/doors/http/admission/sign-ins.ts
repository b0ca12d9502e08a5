/**
 * Sign-ins of browsers. The page exchanges the token for two secrets: a cookie, which scripts cannot read, and a page key, which the page stores for
 * its own origin and sends as a header. Browsers send the cookie to every port of this machine, so another program may read or replace it. The
 * cookie alone admits nobody, and neither secret is a token for programs.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../../core/errors.js";
import { keptSecret } from "../../../core/files/kept-secret.js";
import { writePrivately } from "../../../core/files/whole-file.js";
import { asObject, parseJson } from "../../../core/json.js";
import type { Observe } from "../../../core/ports.js";

/** Time for which a browser stays signed in after it has last renewed its sign-in, in ms. */
export const signInMs = 30 * 24 * 60 * 60 * 1000;
/** Header with the page key. A WebSocket sends it as the subprotocol `page.<key>`, since a browser cannot set headers there. */
const keyHeader = "x-mcp-platform";
const keyProtocol = /(?:^|,) *page\.([\w-]+) *(?:,|$)/;
/** Matches the value of a cookie: the id of the sign-in, which names its file, and the secret. */
const cookieForm = /^([\w-]{22})\.([\w-]{43})$/;
/** Maximum number of cookies of one name that are looked up. Another program of this machine can add cookies of that name. */
const mostCookies = 5;

interface SignInsParts {
  /** Folder of the files, one for each sign-in. Several hosts may share the folder. */
  folder: string;
  /** Port of the host; 0 if the operating system chooses it. Hosts that share a folder differ in it. */
  port: number;
  /** Token of the host. With another token, all earlier sign-ins are invalid. */
  token: string;
  now: () => number;
  observe?: Observe | undefined;
}

interface SignIn {
  /** Hash of both secrets. */
  hash: string;
  expiresAt: number;
}

export class SignIns {
  readonly cookieName: string;
  readonly #parts: SignInsParts;
  /** Sign-ins that could not be written into the folder. They end with this process. */
  readonly #unwritten = new Map<string, SignIn>();
  #onEnd = () => {};

  constructor(parts: SignInsParts) {
    this.#parts = parts;
    this.cookieName = `mcp-platform-${hostId(parts)}`;
    this.#removeExpired();
  }

  /** Calls `listener` each time a sign-in has ended. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
  }

  /** Begins a sign-in. Returns the value of its cookie, and the page key. */
  begin(): { cookie: string; pageKey: string } {
    const [id, secret, pageKey] = [randomText(16), randomText(32), randomText(32)];
    this.#removeExpired();
    this.#write(id, { hash: this.#hash(id, secret, pageKey), expiresAt: this.#parts.now() + signInMs });
    return { cookie: `${id}.${secret}`, pageKey };
  }

  /** Returns the id of the sign-in whose cookie and page key the request has. Undefined if there is none that is valid. */
  find(header: (name: string) => string | undefined): { id: string; cookie: string } | undefined {
    const pageKey = header(keyHeader) ?? keyProtocol.exec(header("sec-websocket-protocol") ?? "")?.[1];
    if (pageKey === undefined) return undefined;
    for (const cookie of this.#cookies(header("cookie") ?? "")) {
      const [, id = "", secret = ""] = cookieForm.exec(cookie) ?? [];
      const known = id === "" ? undefined : this.#read(id);
      if (!known || known.expiresAt <= this.#parts.now()) continue;
      const [given, wanted] = [Buffer.from(this.#hash(id, secret, pageKey)), Buffer.from(known.hash)];
      if (given.length === wanted.length && timingSafeEqual(given, wanted)) return { id, cookie };
    }
    return undefined;
  }

  renew(id: string): void {
    const known = this.#read(id);
    if (known) this.#write(id, { ...known, expiresAt: this.#parts.now() + signInMs });
  }

  end(id: string): void {
    if (!this.#unwritten.delete(id)) rmSync(this.#file(id), { force: true });
    this.#onEnd();
  }

  /** Returns the values of all cookies that have the name of this host's cookie. */
  #cookies(header: string): string[] {
    const prefix = `${this.cookieName}=`;
    const pairs = header.split(";").map((pair) => pair.trim());
    return pairs.flatMap((pair) => (pair.startsWith(prefix) ? [pair.slice(prefix.length)] : [])).slice(0, mostCookies);
  }

  #hash(...texts: string[]): string {
    return createHmac("sha256", this.#parts.token)
      .update([this.cookieName, ...texts].join("."))
      .digest("base64url");
  }

  #file(id: string): string {
    return join(this.#parts.folder, `${id}.json`);
  }

  #read(id: string): SignIn | undefined {
    return this.#unwritten.get(id) ?? signInIn(this.#file(id));
  }

  #write(id: string, { hash, expiresAt }: SignIn): void {
    try {
      writePrivately(this.#file(id), JSON.stringify({ hash, expires_at: expiresAt }));
    } catch (error) {
      this.#unwritten.set(id, { hash, expiresAt });
      const message = `browsers are signed in until this host ends, because ${this.#parts.folder} cannot be written: ${messageOf(error)}`;
      this.#parts.observe?.({ level: "warn", scope: "serve", message });
    }
  }

  #removeExpired(): void {
    try {
      for (const name of readdirSync(this.#parts.folder)) {
        const path = join(this.#parts.folder, name);
        const known = name.endsWith(".json") ? signInIn(path) : undefined;
        if (known && known.expiresAt <= this.#parts.now()) rmSync(path, { force: true });
      }
    } catch {} // there is no folder yet, or it cannot be written: the files are removed another time
  }
}

function signInIn(path: string): SignIn | undefined {
  try {
    const { hash, expires_at: expiresAt } = asObject(parseJson(readFileSync(path, "utf8"))) ?? {};
    return typeof hash === "string" && typeof expiresAt === "number" ? { hash, expiresAt } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the id of this host for the name of its cookie. It is the same after a restart, and differs from that of every host on another port or
 * with another folder, since a browser keeps one cookie of a name for all ports.
 */
function hostId({ folder, port }: SignInsParts): string {
  try {
    if (port !== 0)
      return createHash("sha256")
        .update(`${keptSecret(join(folder, "key"))} ${port}`)
        .digest("hex")
        .slice(0, 12);
  } catch {} // the folder cannot be written, so no sign-in outlives this process
  return randomBytes(6).toString("hex");
}

function randomText(bytes: number): string {
  return randomBytes(bytes).toString("base64url");
}
