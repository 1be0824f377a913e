/**
 * Errors as people and programs see them: one sentence that says what happened
 * and why, one that says what to do. Everything that a request can cause ends
 * as `{ error: { code, message, hint? } }` here; bugs become a bare 500.
 */

/** What the HTTP API answers when it refuses. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** A refusal with a reason. `status` is 400..503; `code` is kebab-case and stable. Never holds a secret. */
export class SiteError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(status: number, code: string, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** The answer for anything thrown while a request was handled. `status` below 500 is the sender's mistake. */
export function answerFor(thrown: unknown): { readonly status: number; readonly body: ErrorBody } {
  const error = asSiteError(thrown);
  const { code, message, hint } = error;
  return { status: error.status, body: { error: hint === undefined ? { code, message } : { code, message, hint } } };
}

function asSiteError(thrown: unknown): SiteError {
  if (thrown instanceof SiteError) return thrown;
  const storage = storageFailure(thrown);
  if (storage !== undefined) return storage;
  const { statusCode, validation, message } = thrown as Partial<FastifyFailure>;
  if (validation !== undefined) {
    return new SiteError(400, 'bad-request', `Unusable request: ${message}.`, 'See the API in apps/site/README.md.');
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new SiteError(statusCode, CODES.get(statusCode) ?? 'bad-request', plain(message ?? 'Unusable request.'));
  }
  return new SiteError(500, 'internal', 'The site made a mistake.', 'Try again; its log has one line about it.');
}

interface FastifyFailure {
  readonly statusCode: number;
  readonly validation: unknown;
  readonly message: string;
}

const CODES: ReadonlyMap<number, string> = new Map([
  [404, 'not-found'],
  [405, 'method-not-allowed'],
  [413, 'too-large'],
  [415, 'not-json'],
]);

/** Removes what a hostile request may have put into a library's message. */
function plain(message: string): string {
  return message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
}

/** SQLite result codes (https://www.sqlite.org/rescode.html) that mean "the disk", by their low byte. */
const STORAGE: ReadonlyMap<number, readonly [reason: string, remedy: string]> = new Map([
  [5, ['another process holds the database', 'Stop the other site that uses this data folder.']],
  [8, ['the data folder is read-only', 'Make it writable, or start with --data FOLDER elsewhere.']],
  [10, ['the disk reports an error', 'Check the disk and its free space.']],
  [11, ['the database file is damaged', 'Restore the data folder from a copy.']],
  [13, ['the disk is full', 'Free some space.']],
  [14, ['the database file cannot be opened', 'Check that the data folder exists and may be written.']],
  [26, ['site.db is no database', 'Restore the data folder from a copy, or choose another with --data.']],
]);

/** The 503 for a failed write or read of the database; `undefined` when `thrown` is something else. */
export function storageFailure(thrown: unknown): SiteError | undefined {
  const { code, errcode } = thrown as { code?: unknown; errcode?: unknown };
  if (code !== 'ERR_SQLITE_ERROR' || typeof errcode !== 'number') return undefined;
  const known = STORAGE.get(errcode & 0xff);
  if (known === undefined) return undefined;
  return new SiteError(503, 'storage', `Nothing was saved: ${known[0]}.`, known[1]);
}
