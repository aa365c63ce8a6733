/**
 * What a user should know about the tags of a run, once.
 *
 * @module
 */
import type { RemoteWriteOutputOptions } from "../k6/output/output_options.ts";
import type { Sample } from "../k6/sample.ts";

/** Checks the tags of samples, one of each batch: these tags are those of the whole run. */
export class TagNotices {
  readonly #testid: string | undefined;
  readonly #choosesTrends: boolean;
  readonly #warn: (message: string) => void;
  #checked = false;
  #testidSaid = false;

  /**
   * @param given the options that the user gave: only a testid of the user is worth a word
   * @param context output: the options of the output, whose trends may have a form that the user did not choose
   */
  constructor(
    given: RemoteWriteOutputOptions,
    { output, warn }: { readonly output: RemoteWriteOutputOptions; readonly warn: (message: string) => void },
  ) {
    const testid = given.testid ?? given.labels?.testid;
    this.#testid = testid === "auto" ? undefined : testid;
    this.#choosesTrends = output.trendAs !== undefined || (output.mapping ?? "prometheus") !== "prometheus";
    this.#warn = warn;
  }

  /** Checks the first sample of a batch. */
  check([sample]: readonly Sample[]): void {
    if (sample === undefined) return;
    const { testid, k6_feature_native_histograms: native } = sample.tags;
    if (!this.#testidSaid && this.#testid !== undefined && (testid ?? this.#testid) !== this.#testid) {
      this.#testidSaid = true;
      this.#warn(`k6's tag testid ("${testid}", from the script or --tag) wins over --testid ("${this.#testid}").`);
    }
    if (this.#checked) return;
    this.#checked = true;
    if (native !== "true" || this.#choosesTrends) return;
    this.#warn(
      "k6 ran with its feature native-histograms, but trends are sent as stats. Use --trend-as native to send histograms, as k6 would.",
    );
  }
}
