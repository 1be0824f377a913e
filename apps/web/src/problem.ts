/**
 * What went wrong, for a person: what happened, and what to do next.
 */

/** A problem as the page shows it. */
export interface Problem {
  /** A stable word such as `invite-expired`; empty where there is none. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** Puts anything thrown into the form that the page shows. Errors of the site and of the peer bring code and hint. */
export function problemOf(thrown: unknown): Problem {
  if (!(thrown instanceof Error)) return { code: '', message: String(thrown) };
  const { code, hint } = thrown as Error & { code?: unknown; hint?: unknown };
  return {
    code: typeof code === 'string' ? code : '',
    message: sentence(thrown.message),
    ...(typeof hint === 'string' && hint !== '' ? { hint: sentence(hint) } : {}),
  };
}

function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
