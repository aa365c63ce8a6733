/**
 * Certificates made for a test: a CA, a server's and a client's.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Files in PEM form, in a temporary folder. */
export interface Certificates {
  readonly caFile: string;
  /** Of a CA that signed nothing. */
  readonly otherCaFile: string;
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** For node:https. */
  readonly server: { readonly key: string; readonly cert: string; readonly ca: string };
  /** Removes the folder. */
  remove(): void;
}

function openssl(folder: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync("openssl", args, { cwd: folder });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")} failed: ${error?.message ?? stderr}`);
}

const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes them with openssl; leaves that are no CA, as some runtimes refuse others. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-certificates-"));
  const at = (name: string): string => join(folder, name);
  const text = (name: string): string => readFileSync(at(name), "utf8");
  for (const name of ["ca", "other"]) {
    openssl(
      folder,
      "req",
      "-x509",
      ...curve,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.pem`,
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
    );
  }
  writeFileSync(at("leaf.ext"), "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n");
  for (const name of ["server", "client"]) {
    openssl(folder, "req", ...curve, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    openssl(
      folder,
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-out",
      `${name}.pem`,
      "-days",
      "2",
      "-extfile",
      "leaf.ext",
    );
  }
  return {
    caFile: at("ca.pem"),
    otherCaFile: at("other.pem"),
    clientCertFile: at("client.pem"),
    clientKeyFile: at("client.key"),
    server: { key: text("server.key"), cert: text("server.pem"), ca: text("ca.pem") },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
