import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

const secretBytes = 32;
/** A secret as base64url. */
const form = /^[\w-]{43}$/;

/**
 * Returns the secret that all hosts of the user share by this file, and makes the file where no secret is in it that only the
 * user can read. Hosts that make it at the same moment use the same one. Throws what the file system throws.
 */
export function keptSecret(path: string): string {
  const known = privateSecretIn(path);
  if (known !== undefined) return known;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(draft, `${randomBytes(secretBytes).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  try {
    linkSync(draft, path);
  } catch {
    // No links on this file system, or a file that cannot be used.
    if (privateSecretIn(path) === undefined) renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  const made = privateSecretIn(path);
  if (made === undefined) throw new Error(`${path} does not keep a secret that only you can read`);
  return made;
}

/** Undefined where there is no secret, or where another account could have read or written it. */
function privateSecretIn(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const { mode, uid } = fstatSync(file);
    const isMine = process.getuid === undefined || (uid === process.getuid() && (mode & 0o077) === 0);
    const secret = readFileSync(file, "utf8").trim();
    return isMine && form.test(secret) ? secret : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}
