/**
 * Credentials that a callback of the user gives.
 *
 * @module
 */
import { isRemoteWriteError } from "../../model/errors.ts";

/**
 * Obtains credentials; where that fails, the attempt has failed, and the next one asks again. A file that is being replaced is empty
 * for a moment, so that nothing that is wrong with what it holds is for good: no rejection is a ConfigurationError.
 */
export async function retriable<Credentials>(obtain: () => Promise<Credentials>): Promise<Credentials> {
  try {
    return await obtain();
  } catch (error) {
    if (isRemoteWriteError(error, "configuration")) throw new Error(error.message);
    throw error;
  }
}
