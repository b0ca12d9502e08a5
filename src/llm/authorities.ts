import { readFileSync } from "node:fs";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import { LlmError, messageOf } from "../core/errors.js";
import type { Environment } from "./providers.js";

/** Trusts the usual authorities and those of `llm.http.ca_file`. Throws LlmError when that holds none. */
export function trusting(caFile: string, env: Environment): SecureContext {
  const authorities = [...rootCertificates, readPem(caFile)];
  try {
    // Node adds these by itself, unless it is given a list.
    if (env.NODE_EXTRA_CA_CERTS) authorities.push(readFileSync(env.NODE_EXTRA_CA_CERTS, "utf8"));
  } catch {
    // Node has warned of that when it started.
  }
  try {
    return createSecureContext({ ca: authorities });
  } catch (error) {
    throw unusable(`${caFile}: ${messageOf(error)}`);
  }
}

function readPem(file: string): string {
  try {
    const text = readFileSync(file, "utf8");
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  } catch (error) {
    throw unusable(messageOf(error));
  }
  throw unusable(`${file} holds no certificate`);
}

function unusable(why: string): LlmError {
  return new LlmError("bad_request", `llm.http.ca_file cannot be used: ${why}`, {
    hint: "Set llm.http.ca_file to a PEM file of certificate authorities, or leave it out.",
  });
}
