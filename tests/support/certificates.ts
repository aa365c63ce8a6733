/**
 * Certificates made for a test: a CA, a server's and a client's.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate with its key and its CA, in PEM form. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** Files in PEM form, in a temporary folder. */
export interface Certificates {
  readonly caFile: string;
  /** Of a CA that signed nothing. */
  readonly otherCaFile: string;
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** The key and the certificate of a server, as node:https takes them. */
  readonly server: ServerCertificate;
  /** Certificates that no client may accept. */
  readonly bad: Readonly<Record<"expired" | "otherHost" | "selfSigned", ServerCertificate>>;
  /** Removes the folder with all certificates. */
  remove(): void;
}

function openssl(folder: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync("openssl", args, { cwd: folder });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")} failed: ${error?.message ?? stderr}`);
}

const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Writes the certificates with openssl; leaves that are no CA, as some runtimes refuse others. */
export function writeCertificates(folder: string): void {
  const at = (name: string): string => join(folder, name);
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
  const isNoCa = "basicConstraints=CA:FALSE";
  writeFileSync(at("leaf.ext"), `${isNoCa}\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n`);
  writeFileSync(at("other.ext"), `${isNoCa}\nsubjectAltName=DNS:elsewhere.test\n`);
  const leaves = [["server", "leaf", 2], ["client", "leaf", 2], ["expired", "leaf", -1], [
    "otherHost",
    "other",
    2,
  ]] as const;
  for (const [name, extensions, days] of leaves) {
    openssl(folder, "req", ...curve, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", `${extensions}.ext`];
    openssl(folder, "x509", "-req", "-in", `${name}.csr`, ...signing, "-out", `${name}.pem`, "-days", String(days));
  }
  const extensions = ["-addext", isNoCa, "-addext", "subjectAltName=IP:127.0.0.1", "-subj", "/CN=self", "-days", "2"];
  openssl(folder, "req", "-x509", ...curve, "-keyout", "selfSigned.key", "-out", "selfSigned.pem", ...extensions);
}

/** Makes certificates in a folder of their own. The runner of the suite writes them once; each test gets a copy. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "k6-remote-write-certificates-"));
  const { TEST_CERTIFICATES: written } = process.env;
  if (written === undefined) writeCertificates(folder);
  else cpSync(written, folder, { recursive: true });
  const at = (name: string): string => join(folder, name);
  const text = (name: string): string => readFileSync(at(name), "utf8");
  const server = (name: string): ServerCertificate => ({
    key: text(`${name}.key`),
    cert: text(`${name}.pem`),
    ca: text("ca.pem"),
  });
  return {
    caFile: at("ca.pem"),
    otherCaFile: at("other.pem"),
    clientCertFile: at("client.pem"),
    clientKeyFile: at("client.key"),
    server: server("server"),
    bad: { expired: server("expired"), otherHost: server("otherHost"), selfSigned: server("selfSigned") },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
