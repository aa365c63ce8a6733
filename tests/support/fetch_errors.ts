import type { AdviceKind } from "../../src/cli/flag_advice.ts";

/** The messages and codes of an error and its causes, outermost first. */
export type ErrorChain = readonly (readonly [message: string, code?: string])[];

const denoPrefix = "error sending request for url (https://127.0.0.1:1/): client error (Connect): ";

/** What the runtimes threw for problems that do not go away by themselves. N20: Node 20, N: Node 26; tls: the command's fetch. Each has the advice of the command. */
export const permanentErrors: readonly (readonly [
  advice: AdviceKind | undefined,
  ...chains: ErrorChain[],
])[] = [
  [
    "untrusted",
    // N20; N; Deno; Bun; N tls; Bun tls
    [["fetch failed"], ["self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"]],
    [["fetch failed"], [
      "self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
    ]],
    [["fetch failed"], [`${denoPrefix}invalid peer certificate: UnknownIssuer`]],
    [["self signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"]],
    [["fetch failed"], ["unable to verify the first certificate", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]],
    [["unable to get local issuer certificate", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"]],
  ],
  [
    "untrusted",
    [["fetch failed"], [`${denoPrefix}invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))`]],
  ],
  [
    "expired",
    [["fetch failed"], ["certificate has expired", "CERT_HAS_EXPIRED"]],
    [["fetch failed"], [`${denoPrefix}invalid peer certificate: Expired`]],
  ],
  [
    "otherHost",
    [["fetch failed"], [
      "Hostname/IP does not match certificate's altnames: IP: 1.2.3.4",
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ]],
    [['ERR_TLS_CERT_ALTNAME_INVALID fetching "https://127.0.0.1:1/".', "ERR_TLS_CERT_ALTNAME_INVALID"]],
    [["fetch failed"], [
      `${denoPrefix}invalid peer certificate: certificate not valid for name "127.0.0.1"; certificate is only valid for DnsName("a")`,
    ]],
  ],
  [
    "noTls",
    [["fetch failed"], [
      "80E:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:a.c:350:",
      "ERR_SSL_WRONG_VERSION_NUMBER",
    ]],
    [["fetch failed"], [
      "write EPROTO 40D:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:a.c:78:",
      "EPROTO",
    ]],
    [["fetch failed"], [`${denoPrefix}received corrupt message of type InvalidContentType`]],
    [["EPROTO: The TLS handshake failed. Does the server speak TLS on this port?", "EPROTO"]],
    [["fetch failed"], [
      "error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
      "ERR_SSL_WRONG_VERSION_NUMBER",
    ]],
  ],
  [
    "tlsVersion",
    [["fetch failed"], [
      "write EPROTO 40D:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:a.c:9",
      "EPROTO",
    ]],
    [["fetch failed"], ["received fatal alert: ProtocolVersion", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"]],
  ],
  [
    "clientCertificate",
    [["fetch failed"], ["tlsv13 alert certificate required", "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"]],
    [["fetch failed"], ["received fatal alert: CertificateRequired"]],
  ],
  [
    "port",
    [["fetch failed"], ["bad port"]],
    [["Fetch failed: Requests to port 1 are blocked"]],
  ],
  [
    undefined,
    [["fetch failed"], ["unknown scheme"]],
    [["Url scheme 'ftp' not supported"]],
    [["protocol must be http:, https: or s3:", "ERR_INVALID_ARG_VALUE"]],
    [["Failed to parse URL from http://a b/"], ["Invalid URL", "ERR_INVALID_URL"]],
    [["fetch() URL is invalid", "ERR_INVALID_URL"]],
  ],
];

/** Makes the error of a chain. */
export function errorOf(chain: ErrorChain): Error | undefined {
  return chain.reduceRight<Error | undefined>(
    (cause, [message, code]) => Object.assign(new TypeError(message, { cause }), code === undefined ? {} : { code }),
    undefined,
  );
}
