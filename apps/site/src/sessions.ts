/**
 * Who is signed in: a 256-bit random token in an HttpOnly cookie, its SHA-256
 * in the database, 30 days. Signing in always makes a new token and ends the
 * one that the browser brought (session fixation, faults.md row 96).
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Database } from './database/schema.ts';
import { SiteError } from './errors.ts';
import { newSecret, secretHash } from './secrets.ts';
import { DAY, type Site } from './site.ts';

const LIFE = 30 * DAY;
/** Older sessions of one person end first, so that the table stays small. */
const SESSIONS_PER_USER = 20;

/** An account as the page may see its own. */
export interface User {
  readonly name: string;
  readonly displayName: string;
  readonly siteAdmin: boolean;
}

/** Tells who sent a request; `undefined` without a valid session. */
export async function signedIn(site: Site, request: FastifyRequest): Promise<User | undefined> {
  const hash = presented(site, request);
  if (hash === undefined) return undefined;
  const row = await site.db
    .selectFrom('sessions')
    .innerJoin('users', 'users.name', 'sessions.user')
    .select(['users.name', 'users.display_name', 'users.site_admin'])
    .where('token_hash', '=', hash)
    .where('expires_at', '>', site.now())
    .executeTakeFirst();
  return row && { name: row.name, displayName: row.display_name, siteAdmin: row.site_admin === 1 };
}

/** Like `signedIn`, but a 401 without a session. */
export async function requireUser(site: Site, request: FastifyRequest): Promise<User> {
  const user = await signedIn(site, request);
  if (user !== undefined) return user;
  throw new SiteError(401, 'signed-out', 'You are not signed in.', 'Sign in and try again.');
}

/** Starts a session for `user`, ends the one the request came with, and sets the cookie. */
export async function startSession(
  site: Site,
  user: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { text, hash } = newSecret(32);
  const old = presented(site, request);
  await site.db.transaction().execute(async step => {
    if (old !== undefined) await step.deleteFrom('sessions').where('token_hash', '=', old).execute();
    await step
      .insertInto('sessions')
      .values({ token_hash: hash, user, expires_at: site.now() + LIFE })
      .execute();
    await endOldest(step, user);
  });
  reply.setCookie(cookieName(site), text, { ...cookieOptions(site), maxAge: LIFE / 1000 });
}

/** Ends the session of a request, if it has one, and clears the cookie. */
export async function endSession(site: Site, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const hash = presented(site, request);
  if (hash !== undefined) await site.db.deleteFrom('sessions').where('token_hash', '=', hash).execute();
  reply.clearCookie(cookieName(site), cookieOptions(site));
}

/** Removes sessions that ran out. */
export async function forgetExpiredSessions(site: Site): Promise<void> {
  await site.db.deleteFrom('sessions').where('expires_at', '<=', site.now()).execute();
}

async function endOldest(step: Database, user: string): Promise<void> {
  const kept = step
    .selectFrom('sessions')
    .select('token_hash')
    .where('user', '=', user)
    .orderBy('expires_at', 'desc')
    .limit(SESSIONS_PER_USER);
  await step.deleteFrom('sessions').where('user', '=', user).where('token_hash', 'not in', kept).execute();
}

function presented(site: Site, request: FastifyRequest): Uint8Array | undefined {
  return secretHash(request.cookies[cookieName(site)] ?? '', 32);
}

/** `__Host-` binds the cookie to this very host; browsers take that prefix only over HTTPS. */
function cookieName(site: Site): string {
  return isSecure(site) ? '__Host-warren' : 'warren-session';
}

function cookieOptions(site: Site): { path: string; httpOnly: true; sameSite: 'lax'; secure: boolean } {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure(site) };
}

function isSecure(site: Site): boolean {
  return site.address.origin.startsWith('https:');
}
