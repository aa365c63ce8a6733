/** The version of the remote-write protocol. */
export type ProtocolVersion = "1.0" | "2.0";
