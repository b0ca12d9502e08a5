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
/** Matches a secret, which is written as base64url. */
const form = /^[\w-]{43}$/;

/**
 * Returns the secret in this file, which all hosts of the user share. Creates the file unless it already holds a secret that only the user
 * can read. If several hosts create the file at the same moment, they use the same secret. Throws errors of the file system.
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
    // Reached if the file system has no links, or if the existing file is unusable.
    if (privateSecretIn(path) === undefined) renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  const made = privateSecretIn(path);
  if (made === undefined) throw new Error(`${path} cannot hold a secret that only you can read`);
  return made;
}

/** Reads the secret. Returns undefined if there is no secret, or if another account could have read or written it. */
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
