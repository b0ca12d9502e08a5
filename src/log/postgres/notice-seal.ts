import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { StoreError } from "../../core/errors.js";
import type { Database } from "./connection/database.js";

const cipher = "aes-256-gcm";
const saltBytes = 24;
const tagBytes = 16;
/** Fixed nonce. It is used only once per encryption key, because each message has a key of its own. */
const nonce = Buffer.alloc(12);

/** Longest payload, in bytes: PostgreSQL accepts payloads of less than 8,000 bytes. */
const maxPayloadBytes = 7_999;
/** Longest text, in bytes, that fits into an encrypted payload. Base64 turns three bytes into four. */
export const maxSealedBytes = 3 * Math.floor(maxPayloadBytes / 4) - saltBytes - tagBytes;

/**
 * Encryption and authentication of notices. They are needed because every role that may connect to the database can LISTEN and NOTIFY on
 * any channel; PostgreSQL cannot forbid it. The key is in a table that only roles with rights to the log can read.
 */
export class NoticeSeal {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  /** Creates a seal with the key that is stored in the database. Rejects with StoreError. */
  static async of(database: Database): Promise<NoticeSeal> {
    const [row] = await database.read<{ key: string }>("SELECT key FROM notice_key");
    if (!row) throw new StoreError("open", `the key of notices is missing in ${database.address.shown}`);
    return new NoticeSeal(row.key);
  }

  seal(channel: string, text: string): string {
    const salt = randomBytes(saltBytes);
    const sealing = createCipheriv(cipher, this.#keyOf(salt), nonce).setAAD(Buffer.from(channel));
    const sealed = Buffer.concat([salt, sealing.update(text, "utf8"), sealing.final(), sealing.getAuthTag()]);
    return sealed.toString("base64");
  }

  /** Returns the decrypted text, or undefined if the payload was not encrypted for this channel by a host of this log. */
  open(channel: string, payload: string): string | undefined {
    const sealed = Buffer.from(payload, "base64");
    if (sealed.length < saltBytes + tagBytes) return undefined;
    const key = this.#keyOf(sealed.subarray(0, saltBytes));
    const opening = createDecipheriv(cipher, key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(channel));
    opening.setAuthTag(sealed.subarray(-tagBytes));
    try {
      return opening.update(sealed.subarray(saltBytes, -tagBytes), undefined, "utf8") + opening.final("utf8");
    } catch {
      return undefined;
    }
  }

  #keyOf(salt: Uint8Array): Buffer {
    return createHmac("sha256", this.#key).update(salt).digest();
  }
}
