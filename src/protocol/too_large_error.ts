import { FormatError } from "../model/errors.ts";

/** What was read is over a limit, though it may be well formed: a smaller request would do. Answered 413 instead of 400. */
export class TooLargeError extends FormatError {}
