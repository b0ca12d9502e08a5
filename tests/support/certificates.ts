import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificates extends Disposable {
  /** PEM file of a certificate authority that no system trusts. */
  caFile: string;
  ca: string;
  /** Key and certificate of a server, signed by that authority. */
  key: string;
  cert: string;
}

/** Returns whether the `openssl` command is available. */
export function canMakeCertificates(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Makes an authority and the certificate of a server with these names, in a temporary folder. */
export function makeCertificates(names = "DNS:localhost,IP:127.0.0.1"): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "certificates-"));
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...fresh, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test Authority");
  openssl(
    ...["req", "-x509", ...fresh, "-keyout", "server.key", "-out", "server.pem", "-subj", "/CN=localhost"],
    ...["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", `subjectAltName=${names}`],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
  );
  return {
    caFile: join(folder, "ca.pem"),
    ca: read("ca.pem"),
    key: read("server.key"),
    cert: read("server.pem"),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
