/**
 * The choice of the protocol version: `auto` begins with 2.0, and falls back to 1.0 for good if the receiver does not show that it
 * knows 2.0.
 *
 * @module
 */
import type { ProtocolVersion } from "../protocol/protocol_version.ts";
import type { Warnings } from "./warnings.ts";

/** Knows the version of the next request. */
export class VersionChoice {
  readonly #isAuto: boolean;
  readonly #warnings: Warnings;
  #version: ProtocolVersion;
  #isConfirmed = false;

  constructor(protocol: ProtocolVersion | "auto", warnings: Warnings) {
    this.#isAuto = protocol === "auto";
    this.#warnings = warnings;
    this.#version = protocol === "1.0" ? "1.0" : "2.0";
  }

  /** The version of the next request. */
  get version(): ProtocolVersion {
    return this.#version;
  }

  /** Whether it is still open which version the receiver knows. */
  get isOpen(): boolean {
    return this.#isAuto && this.#version === "2.0" && !this.#isConfirmed;
  }

  /** Whether an answer showed that the receiver knows 2.0. */
  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  /** Takes note of an answer that shows that the receiver knows 2.0. */
  confirm(): void {
    this.#isConfirmed = true;
  }

  /** Falls back from 2.0 to 1.0. Returns false if a fixed version is configured, or the receiver knows 2.0. */
  fallBack(reason: string): boolean {
    if (!this.#isAuto || this.#isConfirmed) return false;
    // Requests of several shards may learn it at the same time.
    if (this.#version === "2.0") {
      this.#warnings.once(
        `The receiver does not accept remote write 2.0 (${reason}); the sender uses 1.0 from now on.`,
      );
    }
    this.#version = "1.0";
    return true;
  }
}
