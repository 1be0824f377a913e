/**
 * Accounts: the first by the one-time set-up link that the site prints when it
 * starts, all others by an invite. Passwords are kept as argon2id.
 * Source: site.md "Site"; decisions.md "Site and edges"; OWASP password storage (m = 19 MiB, t = 2, p = 1).
 */
import { hash, verify } from '@node-rs/argon2';
import { record } from './activity.ts';
import type { Database, InviteRow } from './database/schema.ts';
import { SiteError } from './errors.ts';
import { checkInvite, findInvite, takeUse } from './invites.ts';
import { checkLabel, checkName, checkPassword } from './names.ts';
import { newSecret, secretHash } from './secrets.ts';
import type { User } from './sessions.ts';
import type { Site } from './site.ts';

const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** Links printed by earlier starts stay good until the first account exists, but not without bound. */
const SETUP_TOKENS = 8;

/** Whether the site still waits for its first account. */
export async function needsSetup(db: Database): Promise<boolean> {
  return (await db.selectFrom('users').select('name').limit(1).executeTakeFirst()) === undefined;
}

/** A new token for the first account; `undefined` once there is one. */
export async function newSetupToken(site: Site): Promise<string | undefined> {
  const { text, hash: tokenHash } = newSecret(16);
  return site.db.transaction().execute(async step => {
    if (!(await needsSetup(step))) return undefined;
    await step.insertInto('setup_tokens').values({ token_hash: tokenHash, made_at: site.now() }).execute();
    const kept = step.selectFrom('setup_tokens').select('token_hash').orderBy('made_at', 'desc').limit(SETUP_TOKENS);
    await step.deleteFrom('setup_tokens').where('token_hash', 'not in', kept).execute();
    return text;
  });
}

/** Makes an account with a set-up or an invite token; takes one use of the invite. */
export async function signUp(
  site: Site,
  form: { name: string; displayName: string; password: string; token: string },
): Promise<User> {
  const name = checkName('user', form.name);
  const displayName = checkLabel('display name', form.displayName);
  const password = checkPassword(form.password);
  // Hashing is the dear part: only for those who bring a good token.
  await admit(site.db, site.now(), form.token);
  const passwordHash = await hash(password, COST);
  const now = site.now();
  return site.db.transaction().execute(async step => {
    const way = await admit(step, now, form.token);
    const taken = await step.selectFrom('users').select('name').where('name', '=', name).executeTakeFirst();
    if (taken) throw new SiteError(409, 'name-taken', `The name ${name} is taken.`, 'Choose another one, or sign in.');
    const siteAdmin = way === 'setup';
    const row = { name, display_name: displayName, password_hash: passwordHash, created_at: now };
    await step
      .insertInto('users')
      .values({ ...row, site_admin: siteAdmin ? 1 : 0 })
      .execute();
    if (way === 'setup') await step.deleteFrom('setup_tokens').execute();
    else await takeUse(step, way, name);
    await record(step, { at: now, actor: name, action: 'signed-up', target: name });
    return { name, displayName, siteAdmin };
  });
}

/** Checks name and password; takes the same time whether or not the account exists. */
export async function checkSignIn(site: Site, name: string, password: string): Promise<User> {
  const row = await site.db.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst();
  stranger ??= hash(newSecret(32).text, COST);
  const matches = await verify(row?.password_hash ?? (await stranger), password.normalize('NFC'));
  if (row !== undefined && matches) {
    return { name: row.name, displayName: row.display_name, siteAdmin: row.site_admin === 1 };
  }
  throw new SiteError(401, 'wrong-password', 'Name and password do not match.', 'Check both and try again.');
}

/** A hash that no password has: what names without an account are checked against. */
let stranger: Promise<string> | undefined;

/** Tells whether a token lets somebody make an account, and how; throws the reason when it does not. */
async function admit(db: Database, now: number, token: string): Promise<InviteRow | 'setup'> {
  const tokenHash = secretHash(token, 16);
  if (tokenHash === undefined) throw unknownToken();
  const setup = db.selectFrom('setup_tokens').select('made_at').where('token_hash', '=', tokenHash);
  if (await setup.executeTakeFirst()) return 'setup';
  const invite = await findInvite(db, tokenHash);
  if (invite === undefined) throw unknownToken();
  await checkInvite(db, now, invite, undefined);
  return invite;
}

function unknownToken(): SiteError {
  const hint = 'Open the whole link again. The link for the first account works once.';
  return new SiteError(403, 'unknown-token', 'This link is not valid, or was used already.', hint);
}
