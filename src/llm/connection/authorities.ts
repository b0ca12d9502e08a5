import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import type { Environment } from "../../core/environment.js";
import { LlmError, messageOf } from "../../core/errors.js";

/**
 * Returns a TLS context that trusts the usual authorities and those in `llm.http.ca_file`. Throws LlmError if that file is unreadable or
 * has no certificate.
 */
export function trusting(caFile: string, env: Environment): SecureContext {
  const authorities = [...rootCertificates, ...certificatesIn(caFile)];
  try {
    // Node trusts the certificates in this file by default, but ignores the file if it is given a list of authorities. If the file is
    // unreadable, Node has already warned of that at its start.
    if (env.NODE_EXTRA_CA_CERTS) authorities.push(readFileSync(env.NODE_EXTRA_CA_CERTS, "utf8"));
  } catch {}
  return createSecureContext({ ca: authorities });
}

function certificatesIn(file: string): string[] {
  try {
    const certificates = readFileSync(file, "utf8").match(pem) ?? [];
    // Throws for an invalid certificate, which TLS would silently skip.
    for (const certificate of certificates) new X509Certificate(certificate);
    if (certificates.length > 0) return certificates;
  } catch (error) {
    throw unusable(file, messageOf(error));
  }
  throw unusable(file, "it holds no certificate");
}

const pem = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function unusable(file: string, why: string): LlmError {
  return new LlmError("bad_request", `llm.http.ca_file (${file}) cannot be used: ${why}`, {
    hint: "Set llm.http.ca_file to a PEM file of certificate authorities, or leave it out.",
  });
}
