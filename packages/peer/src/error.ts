/** What the public API rejects with. */

/** A failure with a stable code and, where there is one, the next step for a person. */
export class PeerError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.name = 'PeerError';
    this.code = code;
    this.hint = hint;
  }
}
